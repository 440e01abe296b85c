/* From dE/dG to forces, in two kernels.
 *
 * Gradient, a block for each atom: q of each entry of its row, how its own descriptor depends on
 * that vector. Radial terms: four lanes for each neighbour share the shifts. Angular terms: a lane
 * for each triple leaves three numbers, s0 = Σ w R A, s1 = Σ w R' A and s2 = Σ w R A' (w = dE/dG);
 * then four lanes for each neighbour walk over its triples. So nothing is added by atomics.
 *
 * Forces, a warp for each atom: +q of its own entries, −q of the same pairs in its neighbours'
 * rows. */
#include "device/cuda/launch.cuh"

#include "model/ani/ani_neighbors.cuh"
#include "model/force_sums.cuh"

/* ---- one atom's neighbours ---- */

/* dE/dG of the atom in its slot, into b.row. */
template <typename real>
static __device__ void load_row(const ani_cuda_job &job, const ani_block<real> &b, int slot)
{
    const real *from = (const real *)job.grad + (size_t)slot * job.features;
    const size_t stride = (size_t)job.list.n * (size_t)job.features;

    for (int k = threadIdx.x; k < job.features; k += blockDim.x) {
        real sum = from[k];

        for (int p = 1; p < job.parts; ++p)
            sum += from[p * stride + k];
        b.row[k] = sum;
    }
}

/* The sum over four neighbouring lanes, in all of them. */
template <typename real> static __device__ inline real sum_of_four(real x)
{
    x += __shfl_xor_sync(MDS_FULL_WARP, x, 1);
    return x + __shfl_xor_sync(MDS_FULL_WARP, x, 2);
}

/* dE/dd of each neighbour along its unit vector: begins tx, ty, tz. */
template <typename real>
static __device__ void radial_gradient(const ani_cuda_job &job, const ani_block<real> &b)
{
    const int near = b.begin[2 * job.live], part = (int)threadIdx.x % 4;
    const real eta = (real)job.eta_r, rate = (real)(-ANI_LOG2_E * job.eta_r);

    for (int first = 0; first < near; first += (int)blockDim.x / 4) {
        const int j = first + (int)threadIdx.x / 4;
        real sum = 0;

        if (j < near) {
            const real *w = b.row + b.from[j] % 16 * job.n_radial;
            const real d = b.d[j], cut = b.cut_r[j], slope = b.slope_r[j];

            for (int k = part; k < job.n_radial; k += 4) {
                const real x = d - b.shift_r[k];

                sum += w[k] * ani_exp2(rate * x * x) * (slope - (real)2 * eta * cut * x);
            }
        }
        sum = (real)0.25 * sum_of_four(sum);
        if (j < near && part == 0) {
            b.tx[j] = sum * b.ux[j];
            b.ty[j] = sum * b.uy[j];
            b.tz[j] = sum * b.uz[j];
        }
    }
}

/* First tile of each pair of elements, and behind the last one how many there are. For one thread.
 */
template <typename real>
static __device__ void number_tiles(const ani_cuda_job &job, const ani_block<real> &b)
{
    int tiles = 0, pair = 0;

    for (int ea = 0; ea < job.live; ++ea)
        for (int eb = ea; eb < job.live; ++eb) {
            b.tile[pair++] = tiles;
            tiles += ani_tiles(ani_pairs_of(b, ea, eb));
        }
    b.tile[pair] = tiles;
}

/* The three numbers of a triple; w (n_angular, n_sections). `gauss`: the lane's column. */
template <typename real>
static __device__ inline void contract(const ani_cuda_job &job, const ani_block<real> &b, int j,
                                       int k, const real *w, real *gauss, real out[3])
{
    const int shifts = job.n_angular, sections = job.n_sections;
    const ani_angle<real> angle = ani_angle_of(b, j, k);
    const real rate = (real)(-ANI_LOG2_E * job.eta_a), zeta = (real)job.zeta;
    real s0 = 0, s1 = 0, s2 = 0;

    for (int a = 0; a < shifts; ++a) {
        const real x = angle.mean - b.shift_a[a];

        gauss[a * ANI_CUDA_PAD] = ani_exp2(rate * x * x);
    }
    for (int z = 0; z < sections; ++z) {
        const real c = b.cos_z[z], s = b.sin_z[z];
        const real h = (real)0.5 + (real)0.5 * (c * angle.u + s * angle.v);
        const real power = ani_exp2(zeta * ani_log2(h));
        const real slope = (real)(0.95 * 0.5) * zeta * (power / h) * (c - angle.cotangent * s);
        real y = 0, dy = 0;

        for (int a = 0; a < shifts; ++a) {
            const real term = w[a * sections + z] * gauss[a * ANI_CUDA_PAD];

            y += term;
            dy += term * (angle.mean - b.shift_a[a]);
        }
        s0 += y * power;
        s1 += dy * power;
        s2 += y * slope;
    }
    out[0] = s0;
    out[1] = (real)-job.eta_a * s1;
    out[2] = s2;
}

/* The triples of tiles first … first + ANI_CUDA_TILES − 1, into b.part. */
template <typename real>
static __device__ void contract_tiles(const ani_cuda_job &job, const ani_block<real> &b, int first)
{
    const int warps = (int)blockDim.x / 32, warp = (int)threadIdx.x / 32;
    const int lane = (int)threadIdx.x % 32, products = job.n_angular * job.n_sections;
    const real *w = b.row + job.live * job.n_radial;
    real *gauss = b.factors + warp * job.n_angular * ANI_CUDA_PAD + lane;
    int tile = -first;

    for (int ea = 0; ea < job.live; ++ea)
        for (int eb = ea; eb < job.live; ++eb, w += products) {
            const ani_pairs p = ani_pairs_of(b, ea, eb);

            for (int t = lane; t < p.count + lane; t += 32, ++tile) {
                if (tile < 0 || tile >= ANI_CUDA_TILES || tile % warps != warp || t >= p.count)
                    continue;
                int j, k;

                ani_triple(p, t, &j, &k);
                contract(job, b, j, k, w, gauss, b.part + 3 * (tile * 32 + lane));
            }
        }
}

/* What the triples of neighbour j with the partners k = part, part + 4, ... of one element add:
 * with c = û_j·û_k, dE/dr_j = (∂E/∂d_j) û_j + (∂E/∂c) (û_k − c û_j)/d_j. sum: along û_j; x, y, z.
 */
template <typename real>
static __device__ inline void add_partners(const ani_block<real> &b, const ani_pairs &p, int tile,
                                           bool swap, int j, int part, real sum[4])
{
    const int mine = j - (swap ? p.b : p.a), others = swap ? p.na : p.nb;
    const int base = swap ? p.a : p.b;
    const real inverse = (real)1 / b.d[j], cut = (real)2 * b.cut_a[j];
    const real slope = (real)2 * b.slope_a[j];

    for (int other = part; other < others; other += 4) {
        const int k = base + other;

        if (k == j)
            continue;
        const int t = swap ? ani_triple_number(p, other, mine) : ani_triple_number(p, mine, other);
        const int at = tile + t / 32;

        if (at < 0 || at >= ANI_CUDA_TILES)
            continue;
        const real *s = b.part + 3 * (at * 32 + t % 32);
        const real cut_k = b.cut_a[k];
        const real turn = s[2] * cut * cut_k * inverse;

        sum[0] += cut_k * (s[0] * slope + s[1] * cut) - turn * ani_cosine(b, j, k);
        sum[1] += turn * b.ux[k];
        sum[2] += turn * b.uy[k];
        sum[3] += turn * b.uz[k];
    }
}

/* Adds to tx, ty, tz what the triples in b.part have. */
template <typename real>
static __device__ void gather_triples(const ani_cuda_job &job, const ani_block<real> &b, int first)
{
    const int near = b.begin[2 * job.live], part = (int)threadIdx.x % 4;

    for (int from = 0; from < near; from += (int)blockDim.x / 4) {
        const int j = from + (int)threadIdx.x / 4;
        const int element = j < near ? b.from[j] % 16 : 0;
        const bool close = j < near && j < b.begin[2 * element + 1];
        real sum[4] = {0, 0, 0, 0};

        for (int other = 0; close && other < job.live; ++other) {
            const int ea = other < element ? other : element,
                      eb = other < element ? element : other;
            const int pair = ea * (2 * job.live - 1 - ea) / 2 + eb;

            add_partners(b, ani_pairs_of(b, ea, eb), b.tile[pair] - first, other < element, j, part,
                         sum);
        }
#pragma unroll
        for (int k = 0; k < 4; ++k)
            sum[k] = sum_of_four(sum[k]);
        if (close && part == 0) {
            b.tx[j] += sum[0] * b.ux[j] + sum[1];
            b.ty[j] += sum[0] * b.uy[j] + sum[2];
            b.tz[j] += sum[0] * b.uz[j] + sum[3];
        }
    }
}

/* ---- the kernels ---- */

template <typename real> struct __align__(4 * sizeof(real)) ani_quad
{
    real x, y, z, w;
};

/* Every entry of the row, also those beyond the cutoff. */
template <typename real>
static __device__ void write_gradient(const ani_cuda_job &job, const ani_block<real> &b, int i,
                                      int entries)
{
    ani_quad<real> *q = (ani_quad<real> *)job.q + (size_t)i * job.list.stride;
    const ani_quad<real> none = {0, 0, 0, 0};

    for (int j = threadIdx.x; j < b.begin[2 * job.live]; j += blockDim.x) {
        const ani_quad<real> mine = {b.tx[j], b.ty[j], b.tz[j], 0};

        q[b.from[j] / 16] = mine;
    }
    for (int e = threadIdx.x; e < entries; e += blockDim.x)
        if (b.key[e] == ANI_FAR_KEY)
            q[e] = none;
}

template <typename real, bool spill> static __global__ void ani_gradient(const ani_cuda_job job)
{
    MDS_DYNAMIC_SHARED(real, shared);
    const int i = (int)blockIdx.x;

    if (job.list.d->fault)
        return;
    const ani_block<real> b = ani_open<real, spill>(job, job.gradient, shared);

    load_row(job, b, job.slot[i]);
    const int entries = ani_find_neighbors(job, b, i, false);
    if (threadIdx.x == 0)
        number_tiles(job, b);
    radial_gradient(job, b);
    __syncthreads();
    const int tiles = b.tile[job.live * (job.live + 1) / 2];
    for (int first = 0; first < tiles; first += ANI_CUDA_TILES) {
        contract_tiles(job, b, first);
        __syncthreads();
        gather_triples(job, b, first);
        __syncthreads();
    }
    write_gradient(job, b, i, entries);
}

/* Force, and share of the virial and the edges, of atom i. */
template <typename real>
static __device__ inline void add_entries(const ani_cuda_job &job, int i, double sum[MDS_SUMS])
{
    const mds_cell cell = mds_cell_of(job.list.d);
    const size_t base = (size_t)i * job.list.stride;
    const uint32_t *row = job.list.entry + base;
    const ani_quad<real> *q = (const ani_quad<real> *)job.q;
    const double far2 = job.radial_cutoff * job.radial_cutoff;
    const int entries = job.list.count[i];
    double x[3];

    mds_load_position(&job.list, i, x);
    for (int e = mds_lane(); e < entries; e += 32) {
        double r[3];
        const double r2 = mds_row_vector(&job.list, &cell, row[e], x, r);
        const int mirror = job.mirror[base + e];

        if (!(r2 < far2))
            continue;
        const ani_quad<real> own = q[base + e];
        ani_quad<real> other = {0, 0, 0, 0};

        if (mirror >= 0)
            other = q[(size_t)mds_entry_atom(row[e]) * job.list.stride + mirror];
        const double qx = own.x, qy = own.y, qz = own.z;

        sum[MDS_SUM_FORCE] += qx - (double)other.x;
        sum[MDS_SUM_FORCE + 1] += qy - (double)other.y;
        sum[MDS_SUM_FORCE + 2] += qz - (double)other.z;
        sum[MDS_SUM_EDGES] += 1.0;
        sum[MDS_SUM_VIRIAL] -= r[0] * qx;
        sum[MDS_SUM_VIRIAL + 1] -= r[1] * qy;
        sum[MDS_SUM_VIRIAL + 2] -= r[2] * qz;
        sum[MDS_SUM_VIRIAL + 3] -= 0.5 * (r[0] * qy + r[1] * qx);
        sum[MDS_SUM_VIRIAL + 4] -= 0.5 * (r[0] * qz + r[2] * qx);
        sum[MDS_SUM_VIRIAL + 5] -= 0.5 * (r[1] * qz + r[2] * qy);
    }
}

template <typename real> static __global__ void ani_forces(const ani_cuda_job job)
{
    const int i = mds_warp_atom();
    double sum[MDS_SUMS] = {0.0}, *total;

    if (job.list.d->fault)
        return;
    if (i < job.list.n) {
        add_entries<real>(job, i, sum);
        if (mds_lane() < job.members)
            sum[MDS_SUM_ENERGY] = job.energy[(size_t)mds_lane() * job.list.n + job.slot[i]];
    }
    const double mine = mds_warp_sums(sum);

    if (i < job.list.n)
        mds_write_force(&job.out, i, mine);
    if (mds_grid_sums(&job.out, mds_block_sums(mine), &total) && threadIdx.x == 0) {
        total[MDS_SUM_ENERGY] += job.self_energy;
        mds_write_totals(&job.out, total);
    }
}

/* ---- launchers ---- */

extern "C" mds_status ani_cuda_gradient(mds_device *device, const ani_cuda_job *job)
{
    const ani_cuda_layout *at = &job->gradient;
    const bool fp32 = job->real == MDS_REAL_FP32;
    void (*const here)(ani_cuda_job) = fp32 ? ani_gradient<float, false>
                                            : ani_gradient<double, false>;
    void (*const far)(ani_cuda_job) = fp32 ? ani_gradient<float, true> : ani_gradient<double, true>;
    void (*const kernel)(ani_cuda_job) = at->spill ? far : here;

    return MDS_LAUNCH(device, kernel, (unsigned)job->list.n, (unsigned)(32 * at->warps),
                      (size_t)at->shared_bytes, *job);
}

extern "C" mds_status ani_cuda_forces(mds_device *device, const ani_cuda_job *job)
{
    void (*const kernel)(ani_cuda_job) = job->real == MDS_REAL_FP32 ? ani_forces<float>
                                                                    : ani_forces<double>;

    return MDS_LAUNCH(device, kernel, mds_force_blocks(job->list.n), MDS_FORCE_BLOCK, 0, *job);
}
