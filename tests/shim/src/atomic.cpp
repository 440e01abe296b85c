// Atomics: threads change places only where they wait, so plain arithmetic is enough.
#include "shim.hpp"

#define DEFINE(T)                                                                                  \
    static T exchange(T *address, T value)                                                         \
    {                                                                                              \
        const T old = *address;                                                                    \
        shim::races_atomic(address, sizeof *address);                                              \
        *address = value;                                                                          \
        return old;                                                                                \
    }                                                                                              \
    T atomicAdd(T *address, T value)                                                               \
    {                                                                                              \
        return exchange(address, wrap_add(*address, value));                                       \
    }                                                                                              \
    T atomicSub(T *address, T value)                                                               \
    {                                                                                              \
        return exchange(address, wrap_sub(*address, value));                                       \
    }                                                                                              \
    T atomicMin(T *address, T value)                                                               \
    {                                                                                              \
        return exchange(address, min(*address, value));                                            \
    }                                                                                              \
    T atomicMax(T *address, T value)                                                               \
    {                                                                                              \
        return exchange(address, max(*address, value));                                            \
    }                                                                                              \
    T atomicAnd(T *address, T value)                                                               \
    {                                                                                              \
        return exchange(address, *address & value);                                                \
    }                                                                                              \
    T atomicOr(T *address, T value)                                                                \
    {                                                                                              \
        return exchange(address, *address | value);                                                \
    }                                                                                              \
    T atomicXor(T *address, T value)                                                               \
    {                                                                                              \
        return exchange(address, *address ^ value);                                                \
    }                                                                                              \
    T atomicExch(T *address, T value)                                                              \
    {                                                                                              \
        return exchange(address, value);                                                           \
    }                                                                                              \
    T atomicCAS(T *address, T compare, T value)                                                    \
    {                                                                                              \
        return exchange(address, *address == compare ? value : *address);                          \
    }

// Signed overflow wraps on the device.
template <typename T> static T wrap_add(T a, T b)
{
    typedef typename std::make_unsigned<T>::type U;
    return static_cast<T>(static_cast<U>(a) + static_cast<U>(b));
}

template <typename T> static T wrap_sub(T a, T b)
{
    typedef typename std::make_unsigned<T>::type U;
    return static_cast<T>(static_cast<U>(a) - static_cast<U>(b));
}

MDS_SHIM_ATOMICS(DEFINE)

template <typename T> static T add(T *address, T value)
{
    const T old = *address;

    shim::races_atomic(address, sizeof *address);
    *address = old + value;
    return old;
}

float atomicAdd(float *address, float value)
{
    return add(address, value);
}

double atomicAdd(double *address, double value)
{
    return add(address, value);
}

float atomicExch(float *address, float value)
{
    const float old = *address;

    shim::races_atomic(address, sizeof *address);
    *address = value;
    return old;
}

unsigned atomicInc(unsigned *address, unsigned limit)
{
    return exchange(address, *address >= limit ? 0 : *address + 1);
}

unsigned atomicDec(unsigned *address, unsigned limit)
{
    return exchange(address, *address == 0 || *address > limit ? limit : *address - 1);
}
