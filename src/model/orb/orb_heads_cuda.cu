/* From features to energy, forces and virial: the mean of the features, what is made of the heads'
 * numbers, the repulsion of near nuclei, and the forces of conservative models. */
#include "device/cuda/launch.cuh"

extern "C" {
#include "model/orb/orb_cuda.h"
#include "model/orb/orb_rigid.h"
#include "model/orb/orb_zbl.h"
}

#include "model/force_sums.cuh"

enum { MEAN_PARTS = 8, FINISH_BLOCK = 256 };

/* ---- mean ---- */

/* A block has 32 columns; part p of it the rows p, p + 8, … */
template <typename real>
static __global__ void orb_average(int n, const real *h, real *mean, double inverse)
{
    __shared__ double parts[MEAN_PARTS][32];
    const int column = (int)(blockIdx.x * 32 + threadIdx.x), part = (int)threadIdx.y;
    double sum = 0.0;

#pragma unroll 4
    for (int i = part; i < n; i += MEAN_PARTS)
        sum += (double)h[(size_t)i * ORB_WIDTH + column];
    parts[part][threadIdx.x] = sum;
    __syncthreads();
    if (part != 0)
        return;
    for (int p = 1; p < MEAN_PARTS; ++p)
        sum += parts[p][threadIdx.x];
    mean[column] = (real)(sum * inverse);
}

extern "C" mds_status orb_cuda_average(mds_device *device, mds_real real, int n, const void *h,
                                       void *mean)
{
    const dim3 grid(ORB_WIDTH / 32), block(32, MEAN_PARTS);

    if (real == MDS_REAL_FP32)
        return MDS_LAUNCH(device, orb_average<float>, grid, block, 0, n, (const float *)h,
                          (float *)mean, 1.0 / n);
    return MDS_LAUNCH(device, orb_average<double>, grid, block, 0, n, (const double *)h,
                      (double *)mean, 1.0 / n);
}

/* ---- what the heads mean ---- */

/* The sums over the block, in all threads. */
template <int count> static __device__ void sum_for_all(double *value)
{
    __shared__ double total[count];

    mds_block_sum<count>(value);
    if (threadIdx.x == 0)
        for (int k = 0; k < count; ++k)
            total[k] = value[k];
    __syncthreads();
    for (int k = 0; k < count; ++k)
        value[k] = total[k];
    __syncthreads(); /* before the next call */
}

/* As remove_torque() of orb_host.c; a thread has every 256th atom. */
static __device__ void remove_torque(const orb_cuda_finish &job)
{
    double centre[3] = {0.0, 0.0, 0.0}, sum[9] = {0.0}, m[3][3], turn[3];

    for (int i = (int)threadIdx.x; i < job.n; i += FINISH_BLOCK)
        for (int a = 0; a < 3; ++a)
            centre[a] += job.x[3 * (size_t)i + a];
    sum_for_all<3>(centre);
    for (int a = 0; a < 3; ++a)
        centre[a] /= job.n;
    for (int i = (int)threadIdx.x; i < job.n; i += FINISH_BLOCK) {
        const double *x = job.x + 3 * (size_t)i;
        const double rho[3] = {x[0] - centre[0], x[1] - centre[1], x[2] - centre[2]};
        double part[3];

        orb_cross(rho, job.f + 3 * (size_t)i, part);
        for (int a = 0; a < 3; ++a) {
            sum[a] -= part[a];
            sum[3 + a] += rho[a] * rho[a];
            sum[6 + a] += rho[(a + 1) % 3] * rho[(a + 2) % 3];
        }
    }
    sum_for_all<9>(sum);
    const double square = sum[3] + sum[4] + sum[5];

    for (int a = 0; a < 3; ++a) {
        m[a][a] = sum[3 + a] - square;
        m[(a + 1) % 3][(a + 2) % 3] = m[(a + 2) % 3][(a + 1) % 3] = sum[6 + a];
    }
    orb_solve_symmetric(m, sum, turn); /* each thread the same */
    for (int i = (int)threadIdx.x; i < job.n; i += FINISH_BLOCK) {
        const double *x = job.x + 3 * (size_t)i;
        const double rho[3] = {x[0] - centre[0], x[1] - centre[1], x[2] - centre[2]};
        double change[3];

        orb_cross(rho, turn, change);
        for (int a = 0; a < 3; ++a)
            job.f[3 * (size_t)i + a] += change[a];
    }
}

template <typename real> static __device__ void finish_forces(const orb_cuda_finish &job)
{
    const real *out = (const real *)job.forces;
    double mean[3] = {0.0, 0.0, 0.0};

    for (int i = (int)threadIdx.x; i < job.n; i += FINISH_BLOCK)
        for (int a = 0; a < 3; ++a)
            mean[a] += (double)out[3 * (size_t)i + a];
    sum_for_all<3>(mean);
    for (int i = (int)threadIdx.x; i < job.n; i += FINISH_BLOCK)
        for (int a = 0; a < 3; ++a)
            job.f[3 * (size_t)i + a] = (double)out[3 * (size_t)i + a] - mean[a] / job.n;
    if (!job.d->periodic[0])
        remove_torque(job);
    for (int i = (int)threadIdx.x; i < job.n; i += FINISH_BLOCK)
        for (int a = 0; a < 3; ++a) {
            double *f = job.f + 3 * (size_t)i + a;

            *f = *f * job.forces_scale + job.forces_shift;
        }
}

static __device__ inline void check_energy(mds_step_block *d, double energy)
{
    if (isfinite(energy))
        return;
    d->fault = MDS_FAULT_ENERGY;
    d->fault_value = energy;
}

/* For one thread. */
template <typename real> static __device__ void finish_scalars(const orb_cuda_finish &job)
{
    static const int row[6] = {0, 1, 2, 1, 0, 0}, col[6] = {0, 1, 2, 2, 2, 1};
    const real *stress = (const real *)job.stress;
    const double x = (double)*(const real *)job.energy;
    const double energy = (x * job.energy_scale + job.energy_shift) * job.n + job.reference;

    job.s->potential_eV = energy;
    job.s->n_edges = (double)*job.edges;
    if (job.last)
        check_energy(job.d, energy);
    for (int k = 0; k < 6 && job.forces; ++k) {
        const int which = k >= 3;
        double virial = (double)NAN;

        if (job.virial && job.d->periodic[0])
            virial = -((double)stress[k] * job.stress_scale[which] + job.stress_shift[which]) *
                     job.d->volume;
        job.s->virial_eV[row[k]][col[k]] = virial;
        job.s->virial_eV[col[k]][row[k]] = virial;
    }
}

/* One block. */
template <typename real> static __global__ void orb_finish(const orb_cuda_finish job)
{
    if (job.d->fault)
        return;
    if (job.forces)
        finish_forces<real>(job);
    __syncthreads(); /* all have looked at the fault */
    if (threadIdx.x == 0)
        finish_scalars<real>(job);
}

extern "C" mds_status orb_cuda_finish_heads(mds_device *device, mds_real real,
                                            const orb_cuda_finish *job)
{
    void (*const kernel)(orb_cuda_finish) = real == MDS_REAL_FP32 ? orb_finish<float>
                                                                  : orb_finish<double>;

    return MDS_LAUNCH(device, kernel, 1, FINISH_BLOCK, 0, *job);
}

/* ---- repulsion ---- */

/* The force on the receiver of edge e, and half the pair's energy. Returns whether there is any. */
static __device__ bool push(const orb_cuda_edges &job, int e, double force[3], double *energy)
{
    const int s = job.sender[e], r = job.receiver[e];
    const double reach = job.radius[s] + job.radius[r], d = job.distance[e];
    double slope;

    if (!(d < reach))
        return false;
    *energy = orb_zbl_edge(job.number[s] + 1, job.number[r] + 1, reach, d, &slope);
    for (int a = 0; a < 3; ++a)
        force[a] = -slope * job.vector[3 * (size_t)e + a] / d;
    return true;
}

/* Force, energy and virial (Σ v f, symmetric) of an edge at its sender. */
static __device__ void add_sent(const orb_cuda_edges &job, int e, double sum[MDS_SUMS])
{
    double f[3], energy;
    const double *v = job.vector + 3 * (size_t)e;

    if (!push(job, e, f, &energy))
        return;
    sum[MDS_SUM_ENERGY] += energy;
    if (job.vector_grad) {
        for (int a = 0; a < 3; ++a)
            job.vector_grad[3 * (size_t)e + a] -= f[a] / job.out.n;
        return;
    }
    for (int a = 0; a < 3; ++a) {
        sum[MDS_SUM_FORCE + a] -= f[a];
        sum[MDS_SUM_VIRIAL + a] += v[a] * f[a];
    }
    sum[MDS_SUM_VIRIAL + 3] += 0.5 * (v[0] * f[1] + v[1] * f[0]);
    sum[MDS_SUM_VIRIAL + 4] += 0.5 * (v[0] * f[2] + v[2] * f[0]);
    sum[MDS_SUM_VIRIAL + 5] += 0.5 * (v[1] * f[2] + v[2] * f[1]);
}

/* xx, yy, zz, xy, xz, yz to a full tensor, times `by`, added to w. */
static __device__ void add_virial(double w[3][3], const double *part, double by)
{
    static const int at[9] = {0, 3, 4, 3, 1, 5, 4, 5, 2};

    for (int k = 0; k < 9; ++k)
        w[k / 3][k % 3] += by * part[at[k]];
}

/* For one thread, at the end of everything; see orb_host.c for the sign and the mean. */
static __device__ void finish_repulsion(const orb_cuda_edges &job, const double *total)
{
    mds_scalars *s = job.out.s;

    s->potential_eV += job.vector_grad ? total[MDS_SUM_ENERGY] / job.out.n : total[MDS_SUM_ENERGY];
    if (job.vector_grad)
        return;
    add_virial(s->virial_eV, total + MDS_SUM_VIRIAL,
               orb_determinant(job.out.d->h) < 0.0 ? -1.0 : 1.0);
    check_energy(job.out.d, s->potential_eV);
}

/* A warp has an atom. */
static __global__ void orb_repel(const orb_cuda_edges job)
{
    const int i = mds_warp_atom();
    double sum[MDS_SUMS] = {0.0}, *total;

    if (job.out.d->fault)
        return;
    if (i < job.out.n) {
        for (int e = job.start[i] + mds_lane(); e < job.start[i + 1]; e += 32)
            add_sent(job, e, sum);
        const int last = job.vector_grad ? 0 : job.receiver_start[i + 1];

        for (int k = job.receiver_start[i] + mds_lane(); k < last; k += 32) {
            double f[3], energy;

            if (push(job, job.receiver_edges[k], f, &energy))
                for (int a = 0; a < 3; ++a)
                    sum[MDS_SUM_FORCE + a] += f[a];
        }
    }
    const double mine = mds_warp_sums(sum);

    if (i < job.out.n && !job.vector_grad && mds_lane() % 2 == 0 && mds_lane() < 6)
        job.out.f[3 * (size_t)i + mds_lane() / 2] += mine;
    if (mds_grid_sums(&job.out, mds_block_sums(mine), &total) && threadIdx.x == 0)
        finish_repulsion(job, total);
}

extern "C" mds_status orb_cuda_repel(mds_device *device, const orb_cuda_edges *job)
{
    return MDS_LAUNCH(device, orb_repel, mds_force_blocks(job->out.n), MDS_FORCE_BLOCK, 0, *job);
}

/* ---- forces of conservative models ---- */

static __device__ void add_pull(const orb_cuda_edges &job, int e, double sum[MDS_SUMS])
{
    const double *g = job.vector_grad + 3 * (size_t)e, *v = job.vector + 3 * (size_t)e;

    for (int a = 0; a < 3; ++a) {
        sum[MDS_SUM_FORCE + a] += g[a];
        sum[MDS_SUM_VIRIAL + a] -= v[a] * g[a];
    }
    sum[MDS_SUM_VIRIAL + 3] -= 0.5 * (v[0] * g[1] + v[1] * g[0]);
    sum[MDS_SUM_VIRIAL + 4] -= 0.5 * (v[0] * g[2] + v[2] * g[0]);
    sum[MDS_SUM_VIRIAL + 5] -= 0.5 * (v[1] * g[2] + v[2] * g[1]);
}

/* A warp has an atom: dE/dv pushes the sender and pulls the receiver. */
static __global__ void orb_collect(const orb_cuda_edges job)
{
    const int i = mds_warp_atom();
    double sum[MDS_SUMS] = {0.0}, *total;

    if (job.out.d->fault)
        return;
    if (i < job.out.n) {
        for (int e = job.start[i] + mds_lane(); e < job.start[i + 1]; e += 32)
            add_pull(job, e, sum);
        for (int k = job.receiver_start[i] + mds_lane(); k < job.receiver_start[i + 1]; k += 32) {
            const double *g = job.vector_grad + 3 * (size_t)job.receiver_edges[k];

            for (int a = 0; a < 3; ++a)
                sum[MDS_SUM_FORCE + a] -= g[a];
        }
    }
    const double mine = mds_warp_sums(sum);

    if (i < job.out.n)
        mds_write_force(&job.out, i, mine);
    if (!mds_grid_sums(&job.out, mds_block_sums(mine), &total) || threadIdx.x != 0)
        return;
    mds_scalars *s = job.out.s;

    for (int k = 0; k < 9; ++k)
        s->virial_eV[k / 3][k % 3] = job.out.virial ? 0.0 : (double)NAN;
    add_virial(s->virial_eV, total + MDS_SUM_VIRIAL, 1.0);
    check_energy(job.out.d, s->potential_eV);
}

extern "C" mds_status orb_cuda_collect(mds_device *device, const orb_cuda_edges *job)
{
    return MDS_LAUNCH(device, orb_collect, mds_force_blocks(job->out.n), MDS_FORCE_BLOCK, 0, *job);
}
