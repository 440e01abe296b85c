/* What kernels may use, as C++ for the host: qualifiers, indices, shared memory, barriers, warp
 * primitives, atomics, vector types, intrinsics. Included by cuda_runtime.h.
 *
 * A block's threads are fibres of one host thread, so plain reads and writes are atomic and threads
 * change places only where they wait. Blocks run one after another, so that a static variable can
 * be a block's shared memory. */
#ifndef MDS_SHIM_KERNEL_H
#define MDS_SHIM_KERNEL_H

#include <cmath>
#include <cstring>
#include <memory>
#include <tuple>
#include <type_traits>

#define __global__
#define __device__
#define __host__
#define __constant__
#define __forceinline__ inline __attribute__((always_inline))
#define __noinline__    __attribute__((noinline))
#define __launch_bounds__(...)
#define __grid_constant__
#define __align__(n) __attribute__((aligned(n)))
/* One section holds all of it, which is poisoned at the start of each block. */
#define __shared__ static __attribute__((section("mds_shared")))

struct uint3 {
    unsigned x, y, z;
};

struct dim3 {
    unsigned x, y, z;
    constexpr dim3(unsigned vx = 1, unsigned vy = 1, unsigned vz = 1) : x(vx), y(vy), z(vz)
    {
    }
    constexpr dim3(uint3 v) : x(v.x), y(v.y), z(v.z)
    {
    }
};

extern uint3 threadIdx, blockIdx;
extern dim3 blockDim, gridDim;
static const int warpSize = 32;

#define MDS_SHIM_VECTOR(type, name, bytes1, bytes2, bytes3, bytes4)                                \
    struct alignas(bytes1) name##1                                                                 \
    {                                                                                              \
        type x;                                                                                    \
    };                                                                                             \
    struct alignas(bytes2) name##2                                                                 \
    {                                                                                              \
        type x, y;                                                                                 \
    };                                                                                             \
    struct alignas(bytes3) name##3                                                                 \
    {                                                                                              \
        type x, y, z;                                                                              \
    };                                                                                             \
    struct alignas(bytes4) name##4                                                                 \
    {                                                                                              \
        type x, y, z, w;                                                                           \
    };                                                                                             \
    static inline name##1 make_##name##1(type x)                                                   \
    {                                                                                              \
        return name##1 {x};                                                                        \
    }                                                                                              \
    static inline name##2 make_##name##2(type x, type y)                                           \
    {                                                                                              \
        return name##2 {x, y};                                                                     \
    }                                                                                              \
    static inline name##3 make_##name##3(type x, type y, type z)                                   \
    {                                                                                              \
        return name##3 {x, y, z};                                                                  \
    }                                                                                              \
    static inline name##4 make_##name##4(type x, type y, type z, type w)                           \
    {                                                                                              \
        return name##4 {x, y, z, w};                                                               \
    }
MDS_SHIM_VECTOR(int, int, 4, 8, 4, 16)
MDS_SHIM_VECTOR(float, float, 4, 8, 4, 16)
MDS_SHIM_VECTOR(double, double, 8, 16, 8, 16)
MDS_SHIM_VECTOR(long long, longlong, 8, 16, 8, 16)
MDS_SHIM_VECTOR(unsigned long long, ulonglong, 8, 16, 8, 16)
MDS_SHIM_VECTOR(short, short, 2, 4, 2, 8)
MDS_SHIM_VECTOR(unsigned char, uchar, 1, 2, 1, 4)
#undef MDS_SHIM_VECTOR

struct alignas(8) uint2 {
    unsigned x, y;
};
struct alignas(16) uint4 {
    unsigned x, y, z, w;
};
static inline uint2 make_uint2(unsigned x, unsigned y)
{
    return uint2{x, y};
}
static inline uint3 make_uint3(unsigned x, unsigned y, unsigned z)
{
    return uint3{x, y, z};
}
static inline uint4 make_uint4(unsigned x, unsigned y, unsigned z, unsigned w)
{
    return uint4{x, y, z, w};
}

/* Waiting. `line` tells barriers apart, as messages do. */
enum mds_shim_wait {
    MDS_SHIM_BARRIER,
    MDS_SHIM_BARRIER_OR,
    MDS_SHIM_BARRIER_AND,
    MDS_SHIM_BARRIER_COUNT,
    MDS_SHIM_SYNCWARP,
    MDS_SHIM_BALLOT,
    MDS_SHIM_SHFL,
    MDS_SHIM_SHFL_UP,
    MDS_SHIM_SHFL_DOWN,
    MDS_SHIM_SHFL_XOR,
    MDS_SHIM_REDUCE_ADD,
    MDS_SHIM_REDUCE_MIN,
    MDS_SHIM_REDUCE_MAX,
    MDS_SHIM_REDUCE_AND,
    MDS_SHIM_REDUCE_OR,
    MDS_SHIM_MMA_HALF,
    MDS_SHIM_MMA_TF32,
    MDS_SHIM_LOAD_MATRIX
};

extern "C" {
int mds_shim_barrier(mds_shim_wait kind, int predicate, const char *file, int line);
uint64_t mds_shim_warp(mds_shim_wait kind, unsigned mask, uint64_t value, int argument, int width,
                       const char *file, int line);
void *mds_shim_dynamic_shared(void);
void mds_shim_trap(cudaError_t error, const char *what);
long long mds_shim_clock(void);
void mds_shim_nanosleep(unsigned nanoseconds);
}

#define __syncthreads() ((void)mds_shim_barrier(MDS_SHIM_BARRIER, 0, __FILE__, __LINE__))
#define __syncthreads_or(p)                                                                        \
    mds_shim_barrier(MDS_SHIM_BARRIER_OR, static_cast<int>(p), __FILE__, __LINE__)
#define __syncthreads_and(p)                                                                       \
    mds_shim_barrier(MDS_SHIM_BARRIER_AND, static_cast<int>(p), __FILE__, __LINE__)
#define __syncthreads_count(p)                                                                     \
    mds_shim_barrier(MDS_SHIM_BARRIER_COUNT, static_cast<int>(p), __FILE__, __LINE__)

/* The mask's default makes the macro take one argument or none. */
static inline void mds_shim_syncwarp(const char *file, int line, unsigned mask = 0xffffffffu)
{
    mds_shim_warp(MDS_SHIM_SYNCWARP, mask, 0, 0, 32, file, line);
}
#define MDS_SHIM_SITE(...) __FILE__, __LINE__, ##__VA_ARGS__
#define __syncwarp(...)    mds_shim_syncwarp(MDS_SHIM_SITE(__VA_ARGS__))

template <typename T>
static inline T mds_shim_shfl(const char *file, int line, mds_shim_wait kind, unsigned mask,
                              T value, int argument, int width = 32)
{
    static_assert(std::is_arithmetic<T>::value && sizeof(T) <= 8, "shuffles move numbers");
    uint64_t in = 0, out;
    T result;

    memcpy(&in, &value, sizeof value);
    out = mds_shim_warp(kind, mask, in, argument, width, file, line);
    memcpy(&result, &out, sizeof result);
    return result;
}
#define __shfl_sync(...)      mds_shim_shfl(__FILE__, __LINE__, MDS_SHIM_SHFL, __VA_ARGS__)
#define __shfl_up_sync(...)   mds_shim_shfl(__FILE__, __LINE__, MDS_SHIM_SHFL_UP, __VA_ARGS__)
#define __shfl_down_sync(...) mds_shim_shfl(__FILE__, __LINE__, MDS_SHIM_SHFL_DOWN, __VA_ARGS__)
#define __shfl_xor_sync(...)  mds_shim_shfl(__FILE__, __LINE__, MDS_SHIM_SHFL_XOR, __VA_ARGS__)
#define __ballot_sync(mask, p)                                                                     \
    static_cast<unsigned>(                                                                         \
        mds_shim_warp(MDS_SHIM_BALLOT, mask, (p) ? 1 : 0, 0, 32, __FILE__, __LINE__))

/* Products of small matrices by a warp: n times d (16,8) += a b, with the same a. A lane's
 * registers, as PTX lays them out: of a (16,16) and b (16,8) as halves (m16n8k16), or of a (16,8)
 * and b (8,8) as TF32 (m16n8k8); two of a b, four of a d. */
struct mds_shim_mma_lane {
    const unsigned *a, *b;
    float *d;
    int n;
};
/* ldmatrix: the lane's row of eight halves, and what it gets of `matrices` (1, 2, 4). */
struct mds_shim_matrix_lane {
    const void *row;
    int matrices;
    unsigned got[4];
};
extern "C" {
void mds_shim_mma(mds_shim_wait kind, mds_shim_mma_lane *lane, const char *file, int line);
void mds_shim_load_matrix(mds_shim_matrix_lane *lane, const char *file, int line);
}
#define MDS_SHIM_MMA(kind, lane) mds_shim_mma(MDS_SHIM_MMA_##kind, lane, __FILE__, __LINE__)
#define MDS_SHIM_LDMATRIX(lane)  mds_shim_load_matrix(lane, __FILE__, __LINE__)

#define __any_sync(mask, p) static_cast<int>(__ballot_sync(mask, p) != 0)
#define __all_sync(mask, p) static_cast<int>(__ballot_sync(mask, !(p)) == 0)
#define MDS_SHIM_REDUCE(kind, mask, value)                                                         \
    mds_shim_shfl(__FILE__, __LINE__, MDS_SHIM_REDUCE_##kind, mask, value,                         \
                  std::is_signed<decltype(value)>::value)
#define __reduce_add_sync(mask, value) MDS_SHIM_REDUCE(ADD, mask, value)
#define __reduce_min_sync(mask, value) MDS_SHIM_REDUCE(MIN, mask, value)
#define __reduce_max_sync(mask, value) MDS_SHIM_REDUCE(MAX, mask, value)
#define __reduce_and_sync(mask, value) MDS_SHIM_REDUCE(AND, mask, value)
#define __reduce_or_sync(mask, value)  MDS_SHIM_REDUCE(OR, mask, value)

static inline void __threadfence()
{
}
static inline void __threadfence_block()
{
}
static inline void __threadfence_system()
{
}
static inline void __nanosleep(unsigned nanoseconds)
{
    mds_shim_nanosleep(nanoseconds);
}
static inline long long clock64()
{
    return mds_shim_clock();
}
#define __trap() mds_shim_trap(cudaErrorLaunchFailure, "trap")

/* Defined in the shim, so that a build which watches plain accesses does not take them for such. */
#define MDS_SHIM_ATOMICS(X) X(int) X(unsigned) X(long long) X(unsigned long long)
#define MDS_SHIM_DECLARE_ATOMICS(T)                                                                \
    T atomicAdd(T *address, T value);                                                              \
    T atomicSub(T *address, T value);                                                              \
    T atomicMin(T *address, T value);                                                              \
    T atomicMax(T *address, T value);                                                              \
    T atomicAnd(T *address, T value);                                                              \
    T atomicOr(T *address, T value);                                                               \
    T atomicXor(T *address, T value);                                                              \
    T atomicExch(T *address, T value);                                                             \
    T atomicCAS(T *address, T compare, T value);
MDS_SHIM_ATOMICS(MDS_SHIM_DECLARE_ATOMICS)
#undef MDS_SHIM_DECLARE_ATOMICS
float atomicAdd(float *address, float value);
double atomicAdd(double *address, double value);
float atomicExch(float *address, float value);
unsigned atomicInc(unsigned *address, unsigned limit);
unsigned atomicDec(unsigned *address, unsigned limit);

template <typename T> static inline T __ldg(const T *address)
{
    return *address;
}
template <typename T> static inline T __ldcg(const T *address)
{
    return *address;
}
template <typename T> static inline T __ldcs(const T *address)
{
    return *address;
}
template <typename T> static inline void __stcg(T *address, T value)
{
    *address = value;
}
template <typename T> static inline void __stcs(T *address, T value)
{
    *address = value;
}

#include "mds_shim_math.h"

/* Launching. A frame holds one launch's arguments; each thread is given its own copy of them. */
struct mds_shim_argument {
    const void *value;
    size_t bytes;
    int kind; /* 0 number, 1 pointer, 2 struct */
};

struct mds_shim_frame {
    virtual ~mds_shim_frame() = default;
    virtual void run() const = 0; /* one thread */
    virtual size_t size() const = 0;
    virtual int arguments(mds_shim_argument *out, int room) const = 0;
};

template <typename... P> struct mds_shim_frame_of final : mds_shim_frame {
    void (*kernel)(P...);
    std::tuple<P...> values;

    mds_shim_frame_of(void (*k)(P...), P... v) : kernel(k), values(v...)
    {
    }
    void run() const override
    {
        std::apply(kernel, values);
    }
    size_t size() const override
    {
        return sizeof *this;
    }
    template <typename T> static mds_shim_argument describe(const T &value)
    {
        return {&value, sizeof value,
                std::is_pointer<T>::value                            ? 1
                : std::is_class<T>::value || std::is_union<T>::value ? 2
                                                                     : 0};
    }
    int arguments(mds_shim_argument *out, int room) const override
    {
        int n = 0;

        std::apply(
            [&](const P &...v) { ((n < room ? (void)(out[n++] = describe(v)) : (void)0), ...); },
            values);
        return n;
    }
};

cudaError_t mds_shim_launch(const char *name, const void *kernel,
                            std::shared_ptr<const mds_shim_frame> frame, dim3 grid, dim3 block,
                            size_t shared_bytes, cudaStream_t stream);

extern "C" cudaError_t mds_shim_set_attribute(const void *kernel, cudaFuncAttribute attribute,
                                              int value);

template <typename... P>
static inline cudaError_t cudaFuncSetAttribute(void (*kernel)(P...), cudaFuncAttribute attribute,
                                               int value)
{
    return mds_shim_set_attribute(reinterpret_cast<const void *>(kernel), attribute, value);
}

template <typename T> static inline cudaError_t cudaMalloc(T **memory, size_t bytes)
{
    return cudaMalloc(reinterpret_cast<void **>(memory), bytes);
}

#endif
