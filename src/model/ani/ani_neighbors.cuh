/* The neighbours of one atom in the memory of its block: found in its row of the list, sorted by
 * element, those within the angular cutoff first. Both passes over an atom begin with it; to do it
 * twice costs less than to write it out and read it back. Include after device/cuda/launch.cuh. */
#ifndef MDS_MODEL_ANI_ANI_NEIGHBORS_CUH
#define MDS_MODEL_ANI_ANI_NEIGHBORS_CUH

extern "C" {
#include "base/units.h"
#include "model/ani/ani_cuda.h"
}
#include "md/reduce.cuh"
#include "model/row.cuh"

#define ANI_LOG2_E 1.44269504088896340736

static __device__ inline float ani_exp2(float x)
{
    return exp2f(x);
}

static __device__ inline double ani_exp2(double x)
{
    return exp2(x);
}

static __device__ inline float ani_log2(float x)
{
    return log2f(x);
}

static __device__ inline double ani_log2(double x)
{
    return log2(x);
}

static __device__ inline float ani_rsqrt(float x)
{
    return rsqrtf(x);
}

static __device__ inline double ani_rsqrt(double x)
{
    return rsqrt(x);
}

/* cos t − 1 and sin t − t by their series, for |t| ≤ π/4. */
static __device__ inline void ani_series(float t, float *cosine, float *sine)
{
    const float s = t * t;
    float c = s * (-1.0f / 3628800.0f) + 1.0f / 40320.0f;
    float q = s * (-1.0f / 39916800.0f) + 1.0f / 362880.0f;

    c = c * s - 1.0f / 720.0f;
    c = c * s + 1.0f / 24.0f;
    c = c * s - 0.5f;
    q = q * s - 1.0f / 5040.0f;
    q = q * s + 1.0f / 120.0f;
    q = q * s - 1.0f / 6.0f;
    *cosine = c * s;
    *sine = q * s * t;
}

static __device__ inline void ani_series(double t, double *cosine, double *sine)
{
    *cosine = cos(t) - 1.0;
    *sine = sin(t) - t;
}

/* f(d; R) = cos²(π d/2R) and f'(d) of a distance below R. The angle is measured from π/4, where
 * the series are short. */
template <typename real>
static __device__ inline void ani_cutoff(real d, real range, real *value, real *slope)
{
    const real root = (real)0.70710678118654752440;
    const real t = d * ((real)(0.5 * MDS_PI) / range) - (real)(0.25 * MDS_PI);
    real c, s;

    ani_series(t, &c, &s);
    const real co = root * ((real)1 + c - (t + s)), si = root * ((real)1 + c + (t + s));
    *value = co * co;
    *slope = (real)(-MDS_PI) / range * co * si;
}

/* Arrays of a block. begin[2e] and begin[2e + 1] are where the close and the other neighbours of
 * element e begin; begin[2·live] is how many there are. */
template <typename real> struct ani_block {
    real *shift_r, *shift_a, *cos_z, *sin_z;
    real *row, *part, *sums, *factors;
    real *ux, *uy, *uz, *d, *cut_r, *slope_r, *cut_a, *slope_a;
    real *tx, *ty, *tz, *t2; /* as the row of the list has them; free afterwards */
    int *key, *from;         /* by entry: its class; by neighbour: entry·16 + element */
    int *begin, *tile;       /* tile: first one of each pair of elements */
};

enum {
    ANI_NEAR_REALS = 12,
    ANI_NEAR_INTS = 2,
    ANI_BEGIN_INTS = 2 * ANI_ELEMENTS_MAX + 2,
    ANI_TILE_INTS = ANI_ELEMENTS_MAX * (ANI_ELEMENTS_MAX + 1) / 2 + 1,
    ANI_FAR_KEY = 1 << 20
};

template <typename real, bool spill>
static __device__ inline ani_block<real> ani_open(const ani_cuda_job &job,
                                                  const ani_cuda_layout &at, real *shared)
{
    ani_block<real> b;
    real *near = spill ? (real *)(job.spill + blockIdx.x * at.spill_bytes) : shared + at.near;
    real **const arrays[ANI_NEAR_REALS] = {&b.ux,    &b.uy,      &b.uz, &b.d,  &b.cut_r, &b.slope_r,
                                           &b.cut_a, &b.slope_a, &b.tx, &b.ty, &b.tz,    &b.t2};

#pragma unroll
    for (int k = 0; k < ANI_NEAR_REALS; ++k)
        *arrays[k] = near + k * at.room;
    b.key = (int *)(near + ANI_NEAR_REALS * at.room);
    b.from = b.key + at.room;
    b.begin = spill ? (int *)(shared + at.near) : b.from + at.room;
    b.tile = b.begin + ANI_BEGIN_INTS;
    b.shift_r = shared;
    b.shift_a = b.shift_r + job.n_radial;
    b.cos_z = b.shift_a + job.n_angular;
    b.sin_z = b.cos_z + job.n_sections;
    b.row = shared + at.row;
    b.part = shared + at.part;
    b.sums = shared + at.sums;
    b.factors = shared + at.factors;
    for (int k = threadIdx.x; k < job.n_radial + job.n_angular + 2 * job.n_sections;
         k += blockDim.x)
        shared[k] = ((const real *)job.shifts)[k];
    return b;
}

/* How many classes before `key` there are in `entries`, those of `key` itself only before `last`.
 */
static __device__ inline int ani_rank(const int *keys, int entries, int key, int last)
{
    int rank = 0;

#pragma unroll 4
    for (int e = 0; e < entries; ++e)
        rank += keys[e] < key || (keys[e] == key && e < last);
    return rank;
}

/* The place of the pair of entry `entry` of row i in the row of its neighbour, which has it with
 * the opposite translation. Rows ascend. */
static __device__ inline int ani_find_mirror(const mds_neighbor_view &list, int i, uint32_t entry)
{
    const uint32_t all = (1u << 3 * MDS_ENTRY_SHIFT_BITS) - 1u;
    /* −s with the bias 8 is 16 less s with the bias, in each part. */
    const uint32_t want = (uint32_t)i << 3 * MDS_ENTRY_SHIFT_BITS |
                          ((0x1110u - (entry & all)) & all);
    const int j = mds_entry_atom(entry);
    const uint32_t *row = list.entry + (size_t)j * list.stride;
    int low = 0, high = list.count[j];

    while (low < high) {
        const int middle = (low + high) / 2;

        if (row[middle] < want)
            low = middle + 1;
        else
            high = middle;
    }
    return low < list.count[j] && row[low] == want ? low : -1;
}

/* Classes of the entries of row i, and their vectors, formed in float64 and then rounded. */
template <typename real>
static __device__ inline void ani_look(const ani_cuda_job &job, const ani_block<real> &b, int i,
                                       int entries, bool mirror)
{
    const mds_cell cell = mds_cell_of(job.list.d);
    const uint32_t *row = job.list.entry + (size_t)i * job.list.stride;
    const double near2 = job.angular_cutoff * job.angular_cutoff;
    const double far2 = job.radial_cutoff * job.radial_cutoff;
    double x[3];

    mds_load_position(&job.list, i, x);
    for (int e = threadIdx.x; e < entries; e += blockDim.x) {
        double r[3];
        const uint32_t entry = row[e];
        const double r2 = mds_row_vector(&job.list, &cell, entry, x, r);
        int key = ANI_FAR_KEY;

        if (r2 < far2) {
            key = 2 * job.kind[mds_entry_atom(entry)] + !(r2 < near2);
            b.tx[e] = (real)r[0];
            b.ty[e] = (real)r[1];
            b.tz[e] = (real)r[2];
            b.t2[e] = (real)r2;
        }
        b.key[e] = key;
        if (mirror)
            job.mirror[(size_t)i * job.list.stride + e] = ani_find_mirror(job.list, i, entry);
    }
}

/* For a block: fills all arrays of neighbours of atom i; returns the entries of its row. `mirror`:
 * writes that too. */
template <typename real>
static __device__ inline int ani_find_neighbors(const ani_cuda_job &job, const ani_block<real> &b,
                                                int i, bool mirror)
{
    const int entries = job.list.count[i];
    const real far = (real)job.radial_cutoff, near = (real)job.angular_cutoff;

    ani_look(job, b, i, entries, mirror);
    __syncthreads();
    for (int key = threadIdx.x; key <= 2 * job.live; key += blockDim.x)
        b.begin[key] = ani_rank(b.key, entries, key, 0);
    for (int e = threadIdx.x; e < entries; e += blockDim.x) {
        const int key = b.key[e];

        if (key == ANI_FAR_KEY)
            continue;
        const int k = ani_rank(b.key, entries, key, e);
        const real inverse = ani_rsqrt(b.t2[e]), d = b.t2[e] * inverse;

        b.ux[k] = b.tx[e] * inverse;
        b.uy[k] = b.ty[e] * inverse;
        b.uz[k] = b.tz[e] * inverse;
        b.d[k] = d;
        b.from[k] = e * 16 + key / 2;
        ani_cutoff(d, far, &b.cut_r[k], &b.slope_r[k]);
        b.cut_a[k] = b.slope_a[k] = 0;
        if (key % 2 == 0)
            ani_cutoff(d, near, &b.cut_a[k], &b.slope_a[k]);
    }
    __syncthreads();
    return entries;
}

/* ---- triples: pairs of close neighbours ---- */

/* Two runs of close neighbours; of one run with itself each pair counts once. */
struct ani_pairs {
    int a, b; /* first neighbour */
    int na, nb, count;
};

template <typename real>
static __device__ inline ani_pairs ani_pairs_of(const ani_block<real> &b, int ea, int eb)
{
    ani_pairs p;

    p.a = b.begin[2 * ea];
    p.b = b.begin[2 * eb];
    p.na = b.begin[2 * ea + 1] - p.a;
    p.nb = b.begin[2 * eb + 1] - p.b;
    p.count = ea == eb ? p.na * (p.na - 1) / 2 : p.na * p.nb;
    return p;
}

static __device__ inline int ani_tiles(const ani_pairs &p)
{
    return (p.count + 31) / 32;
}

/* Triple t < count. Of one run the pairs are (j, j + 1 + s modulo n), s = t / n: all of them, once,
 * without a square root. */
static __device__ inline void ani_triple(const ani_pairs &p, int t, int *j, int *k)
{
    const bool same = p.a == p.b;
    const int by = same ? p.na : p.nb, whole = t / by, rest = t % by;

    if (same) {
        const int other = rest + 1 + whole;

        *j = p.a + rest;
        *k = p.a + (other < p.na ? other : other - p.na);
    } else {
        *j = p.a + whole;
        *k = p.b + rest;
    }
}

/* The number of the triple of the j-th and the k-th of the runs. */
static __device__ inline int ani_triple_number(const ani_pairs &p, int j, int k)
{
    if (p.a != p.b)
        return j * p.nb + k;
    const int apart = k > j ? k - j : k - j + p.na;
    const bool first = 2 * apart < p.na || (2 * apart == p.na && j < k);

    return first ? (apart - 1) * p.na + j : (p.na - apart - 1) * p.na + k;
}

/* What the factors of a triple depend on: u = cos θ = 0.95 times the cosine, v = sin θ, mean
 * distance. */
template <typename real> struct ani_angle {
    real u, v, cotangent, mean;
};

template <typename real>
static __device__ inline real ani_cosine(const ani_block<real> &b, int j, int k)
{
    return b.ux[j] * b.ux[k] + b.uy[j] * b.uy[k] + b.uz[j] * b.uz[k];
}

template <typename real>
static __device__ inline ani_angle<real> ani_angle_of(const ani_block<real> &b, int j, int k)
{
    ani_angle<real> angle;

    angle.u = (real)0.95 * ani_cosine(b, j, k);
    const real square = (real)1 - angle.u * angle.u, inverse = ani_rsqrt(square);
    angle.v = square * inverse;
    angle.cotangent = angle.u * inverse;
    angle.mean = (real)0.5 * (b.d[j] + b.d[k]);
    return angle;
}

#endif
