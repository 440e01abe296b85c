# What the job scripts share; sourced by them. No site facts here: those are in site.sh.
#
#   run_sweep CONFIG -o FILE [options]   mdsweep on the tasks of this job; its exit code in $rc
#   requeue_or_exit FILE                 ends the job, or starts it anew when the sweep stopped early
#
# Exit codes of the job are mdsweep's: 0 all well, 1 some cases failed, 74 input/output, 75 stopped
# early and to be resumed, 78 bad configuration, 128+n a signal.

cd "$SLURM_SUBMIT_DIR" || exit 74
. slurm/site.sh
load_modules

# As root (containers, test rigs) Open MPI wants to be asked twice.
[ "$(id -u)" -eq 0 ] && export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1

pid='' signalled=0 rc=0 done_before=''

# `#SBATCH --signal=B:USR1@N` warns this shell, and only this shell; srun and mpirun both hand USR1 on
# to all ranks. (Never TERM: srun and mpirun kill the ranks on it. Never a trap for CONT, which Slurm
# sends beside USR1: bash then loses the USR1.)
forward() {
    signalled=1
    [ -n "$pid" ] && kill -USR1 "$pid" 2>/dev/null
}
trap forward USR1

count_done() {
    "$MDSWEEP" status "$1" 2>/dev/null | sed -n 's/.*cases: \([0-9]*\) done.*/\1/p;q'
}

run_sweep() {
    local file='' previous='' word new
    for word in "$@"; do
        [ "$previous" = -o ] && file=$word
        previous=$word
    done
    done_before=$(count_done "$file")
    case $LAUNCHER in
    # shellcheck disable=SC2086  # options are words
    srun) srun $SRUN_OPTIONS "$MDSWEEP" "$@" --resume & ;;
    mpirun) mpirun $MPIRUN_OPTIONS "$MDSWEEP" "$@" --resume & ;;
    *) echo "site.sh: LAUNCHER=$LAUNCHER: srun or mpirun is right" >&2; exit 78 ;;
    esac
    pid=$!
    # In the background, because bash runs a trap only between commands. A signal ends `wait` early;
    # the next one gets the real exit code (127: it was told already).
    while :; do
        signalled=0
        wait "$pid"
        new=$?
        [ "$new" = 127 ] || rc=$new
        [ "$signalled" = 1 ] && [ "$new" != 127 ] || break
    done
    pid=''
}

# Requeues under the same job number as long as runs get something done: a case that does not fit
# into the limit would otherwise come again for ever.
requeue_or_exit() {
    local done_now
    done_now=$(count_done "$1")
    if [ "$rc" = 75 ] && [ "${done_now:-0}" -gt "${done_before:-0}" ]; then
        echo "requeue: ${done_now} cases done so far"
        scontrol requeue "$SLURM_JOB_ID" && sleep 120 # Slurm ends this shell
    elif [ "$rc" = 75 ]; then
        echo "not requeued: this run finished no case; give it more time (--time)" >&2
    fi
    exit "$rc"
}
