// MDS_SHIM_CHECK=order: each kernel runs twice from the same memory, with blocks and threads in
// other orders; what then differs depends on the order, which no device promises.
#include "shim.hpp"

#include <cstdio>
#include <cstring>

namespace shim
{

typedef std::vector<std::pair<Allocation, std::vector<char>>> Image;

static Image take_image(int device)
{
    Image image;

    memory_each(device, [&](const Allocation &a) {
        const char *base = reinterpret_cast<const char *>(a.base);
        image.emplace_back(a, std::vector<char>(base, base + a.bytes));
    });
    return image;
}

static void restore(const Image &image)
{
    for (const auto &part : image)
        memcpy(reinterpret_cast<void *>(part.first.base), part.second.data(), part.second.size());
}

static void compare(const Kernel &kernel, const Image &want)
{
    for (const auto &part : want) {
        const char *now = reinterpret_cast<const char *>(part.first.base);

        for (size_t i = 0; i < part.second.size(); ++i)
            if (now[i] != part.second[i])
                report("kernel %s: what it leaves depends on the order of blocks and threads: %s",
                       kernel.name.c_str(), memory_describe(now + i).c_str());
    }
}

cudaError_t order_check(const Kernel &kernel, const std::function<cudaError_t(uint64_t)> &run,
                        uint64_t seed)
{
    const Image before = take_image(kernel.device);
    cudaError_t error = run(seed);

    for (uint64_t again = 1; again <= 2 && error == cudaSuccess; ++again) {
        const Image after = take_image(kernel.device);

        restore(before);
        error = run(seed + again * 0x632be59bd9b4e019u);
        if (error == cudaSuccess)
            compare(kernel, after);
    }
    return error;
}

} // namespace shim
