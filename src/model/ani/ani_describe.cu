/* Descriptors, a block for each atom. Radial terms: a thread has a shift and every so-manieth
 * neighbour. Angular terms: a warp takes 32 triples of one pair of elements at a time, a lane for
 * each to find its factors, and then a lane for each product of factors to sum it over the 32. */
#include "device/cuda/launch.cuh"

#include "model/ani/ani_neighbors.cuh"

template <typename real>
static __device__ void describe_radial(const ani_cuda_job &job, const ani_block<real> &b, real *out)
{
    const int shifts = job.n_radial, groups = (int)blockDim.x / shifts;
    const int k = (int)threadIdx.x % shifts, group = (int)threadIdx.x / shifts;
    const real rate = (real)(-ANI_LOG2_E * job.eta_r);

    for (int e = 0; e < job.live; ++e) {
        const int last = b.begin[2 * e + 2];
        real sum = 0;

        for (int j = b.begin[2 * e] + group; group < groups && j < last; j += groups) {
            const real x = b.d[j] - b.shift_r[k];

            sum += b.cut_r[j] * ani_exp2(rate * x * x);
        }
        b.part[threadIdx.x] = sum;
        __syncthreads();
        if (group == 0) {
            for (int g = 1; g < groups; ++g)
                sum += b.part[g * shifts + k];
            out[e * shifts + k] = (real)0.25 * sum;
        }
        __syncthreads();
    }
}

/* Adds 32 triples from t on to `out` (n_angular, n_sections). For a warp. */
template <typename real>
static __device__ inline void add_tile(const ani_cuda_job &job, const ani_block<real> &b,
                                       const ani_pairs &p, int t, real *out)
{
    const int lane = (int)threadIdx.x % 32, shifts = job.n_angular, sections = job.n_sections;
    real *const gauss = b.factors + (int)threadIdx.x / 32 * (shifts + sections) * ANI_CUDA_PAD;
    real *const power = gauss + shifts * ANI_CUDA_PAD;
    const real rate = (real)(-ANI_LOG2_E * job.eta_a), zeta = (real)job.zeta;
    int j = p.a, k = p.b;
    real weight = 0;

    /* A lane without a triple takes any two neighbours, with weight zero. */
    if (t + lane < p.count)
        ani_triple(p, t + lane, &j, &k);
    const ani_angle<real> angle = ani_angle_of(b, j, k);
    if (t + lane < p.count)
        weight = (real)2 * b.cut_a[j] * b.cut_a[k];
    for (int a = 0; a < shifts; ++a) {
        const real x = angle.mean - b.shift_a[a];

        gauss[a * ANI_CUDA_PAD + lane] = weight * ani_exp2(rate * x * x);
    }
    for (int z = 0; z < sections; ++z) {
        const real h = (real)0.5 + (real)0.5 * (b.cos_z[z] * angle.u + b.sin_z[z] * angle.v);

        power[z * ANI_CUDA_PAD + lane] = ani_exp2(zeta * ani_log2(h));
    }
    __syncwarp();
    for (int o = lane; o < shifts * sections; o += 32) {
        const real *x = gauss + o / sections * ANI_CUDA_PAD;
        const real *y = power + o % sections * ANI_CUDA_PAD;
        real sum = 0;

#pragma unroll 8
        for (int l = 0; l < 32; ++l)
            sum += x[l] * y[l];
        out[o] += sum;
    }
    __syncwarp();
}

/* Each warp has sums of its own, which are added in order. */
template <typename real>
static __device__ void describe_angular(const ani_cuda_job &job, const ani_block<real> &b,
                                        real *out)
{
    const int products = job.n_angular * job.n_sections;
    const int columns = job.live * (job.live + 1) / 2 * products;
    const int warps = (int)blockDim.x / 32, warp = (int)threadIdx.x / 32;
    real *mine = b.sums + warp * columns;
    int turn = 0;

    for (int o = (int)threadIdx.x % 32; o < columns; o += 32)
        mine[o] = 0;
    __syncwarp();
    for (int ea = 0; ea < job.live; ++ea)
        for (int eb = ea; eb < job.live; ++eb, mine += products) {
            const ani_pairs p = ani_pairs_of(b, ea, eb);

            for (int t = 0; t < p.count; t += 32, ++turn)
                if (turn % warps == warp)
                    add_tile(job, b, p, t, mine);
        }
    __syncthreads();
    for (int o = threadIdx.x; o < columns; o += blockDim.x) {
        real sum = b.sums[o];

        for (int w = 1; w < warps; ++w)
            sum += b.sums[w * columns + o];
        out[o] = sum;
    }
}

template <typename real, bool spill> static __global__ void ani_describe(const ani_cuda_job job)
{
    MDS_DYNAMIC_SHARED(real, shared);
    const int i = (int)blockIdx.x;

    if (job.list.d->fault)
        return;
    const ani_block<real> b = ani_open<real, spill>(job, job.describe, shared);
    real *out = (real *)job.g + (size_t)job.slot[i] * job.features;
    const int radial = job.live * job.n_radial;
    const int columns = radial + job.live * (job.live + 1) / 2 * job.n_angular * job.n_sections;

    ani_find_neighbors(job, b, i, job.list.d->rebuild != 0);
    describe_radial(job, b, out);
    describe_angular(job, b, out + radial);
    for (int k = columns + (int)threadIdx.x; k < job.features; k += (int)blockDim.x)
        out[k] = 0;
}

extern "C" mds_status ani_cuda_describe(mds_device *device, const ani_cuda_job *job)
{
    const ani_cuda_layout *at = &job->describe;
    const bool fp32 = job->real == MDS_REAL_FP32;
    void (*const here)(ani_cuda_job) = fp32 ? ani_describe<float, false>
                                            : ani_describe<double, false>;
    void (*const far)(ani_cuda_job) = fp32 ? ani_describe<float, true> : ani_describe<double, true>;
    void (*const kernel)(ani_cuda_job) = at->spill ? far : here;

    return MDS_LAUNCH(device, kernel, (unsigned)job->list.n, (unsigned)(32 * at->warps),
                      (size_t)at->shared_bytes, *job);
}
