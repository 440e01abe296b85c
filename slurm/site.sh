# What differs from site to site, and nothing else; every script of this folder reads it, on the node
# and, by `. slurm/site.sh`, before sbatch. Variables that are set already win.

# Where the jobs go: sbatch reads these. Uncomment what your site asks for.
# export SBATCH_PARTITION=gpu SBATCH_ACCOUNT=myproject SBATCH_QOS=normal

# The program; relative names count from the folder where sbatch was called.
: "${MDSWEEP:=build/mdsweep}"

# srun or mpirun. srun binds GPUs to tasks and needs an MPI built for it (`srun --mpi=list` names the
# kinds: pmix for Open MPI, pmi2 or cray_shasta for others). mpirun of Open MPI finds the allocation by
# itself; GPUs are then chosen by local rank.
: "${LAUNCHER:=srun}"
: "${SRUN_OPTIONS:=--mpi=pmix}"
: "${MPIRUN_OPTIONS:=--bind-to none}"

# What a job must load to find MPI, HDF5 and CUDA.
load_modules() {
    : # module load openmpi hdf5 cuda
}
