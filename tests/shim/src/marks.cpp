// What a profiler would be told: NVTX ranges and its switch, a line each in the file
// MDS_SHIM_MARKS, whole at once, so that the process may be killed at any moment: "pid push NAME
// [number]", "pid pop", "pid start", "pid stop". A pop without a range is "pid surplus".
#include "shim.hpp"

#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <unistd.h>

#include <nvtx3/nvToolsExt.h>

namespace shim
{

void write_mark(const char *text)
{
    const char *file = getenv("MDS_SHIM_MARKS");
    char line[400];

    if (!file || !*file)
        return;
    const int fd = open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    const int length = snprintf(line, sizeof line, "%d %.380s\n", (int)getpid(), text);

    if (fd < 0 || write(fd, line, (size_t)length) != length)
        fprintf(stderr, "shim: MDS_SHIM_MARKS: cannot write %s\n", file);
    if (fd >= 0)
        close(fd);
}

} // namespace shim

static thread_local int depth;

extern "C" {

int nvtxRangePushEx(const nvtxEventAttributes_t *range)
{
    char text[380];
    const bool numbered = range->payloadType == NVTX_PAYLOAD_TYPE_INT64;

    if (range->version != NVTX_VERSION || range->size != sizeof *range ||
        range->messageType != NVTX_MESSAGE_TYPE_ASCII)
        shim::write_mark("malformed");
    if (numbered)
        snprintf(text, sizeof text, "push %s [%lld]", range->message.ascii,
                 (long long)range->payload.llValue);
    else
        snprintf(text, sizeof text, "push %s", range->message.ascii);
    shim::write_mark(text);
    return depth++;
}

int nvtxRangePop(void)
{
    shim::write_mark(depth > 0 ? "pop" : "surplus");
    return depth > 0 ? --depth : -1;
}

} // extern "C"
