#include "store/image.h"

#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { PIECE = 1 << 20 };

mds_status mds_image_create(mds_image *out)
{
    out->fd = memfd_create("mdsweep-image", MFD_CLOEXEC);
    if (out->fd < 0)
        return mds_fail(MDS_ERR_NOMEM, "no memory to build a results file in: %s", strerror(errno));
    snprintf(out->name, sizeof out->name, "/proc/self/fd/%d", out->fd);
    return MDS_OK;
}

void mds_image_fini(mds_image *image)
{
    if (image->fd >= 0)
        close(image->fd);
    image->fd = -1;
}

mds_status mds_image_put(int fd, const void *bytes, size_t size, int64_t offset, const char *path)
{
    const char *next = bytes;

    while (size > 0) {
        const ssize_t count = pwrite(fd, next, size, offset);

        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            return mds_fail(MDS_ERR_IO, "%s: cannot be written: %s", path,
                            strerror(count ? errno : ENOSPC));
        next += count;
        offset += count;
        size -= (size_t)count;
    }
    return MDS_OK;
}

static mds_status full(const char *path, int64_t size, const struct statvfs *disk, int reason)
{
    char need[32], there[32];

    mds_format_bytes((double)size, need, sizeof need);
    mds_format_bytes((double)disk->f_bavail * (double)disk->f_frsize, there, sizeof there);
    return mds_fail(MDS_ERR_IO, "%s: %s: needs %s, %s free", path,
                    reason == ENOSPC ? "disk full" : strerror(reason), need, there);
}

/* Takes the blocks now, so that a full disk is met before the first case and not in hour three. */
static mds_status allocate(int fd, int64_t size, const char *path)
{
    struct statvfs disk = {0};
    int reason = 0;

    while (fallocate(fd, 0, 0, size) != 0) {
        reason = errno;
        if (reason != EINTR) /* a signal meant for the run */
            break;
        reason = 0;
    }
    if (reason == 0)
        return MDS_OK;
    if (fstatvfs(fd, &disk) != 0)
        return mds_fail(MDS_ERR_IO, "%s: %s", path, strerror(reason));
    if (reason != EOPNOTSUPP && reason != ENOSYS && reason != EINVAL)
        return full(path, size, &disk, reason);
    /* This file system cannot promise; what can be told is whether there is room now. */
    if ((double)disk.f_bavail * (double)disk.f_frsize < (double)size)
        return full(path, size, &disk, ENOSPC);
    return MDS_OK;
}

static mds_status copy_range(int from, int to, off_t start, off_t end, char *buffer,
                             const char *path)
{
    mds_status status = MDS_OK;

    while (start < end && status == MDS_OK) {
        const size_t want = end - start < PIECE ? (size_t)(end - start) : PIECE;
        const ssize_t count = pread(from, buffer, want, start);

        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            return mds_fail(MDS_ERR_IO, "%s: its image in memory cannot be read", path);
        status = mds_image_put(to, buffer, (size_t)count, start, path);
        start += count;
    }
    return status;
}

static mds_status copy_data(const mds_image *image, int to, off_t size, const char *path)
{
    char *buffer = malloc(PIECE);
    mds_status status = MDS_OK;

    if (!buffer)
        return mds_fail(MDS_ERR_NOMEM, "no memory to write %s", path);
    for (off_t start = 0; start < size && status == MDS_OK;) {
        start = lseek(image->fd, start, SEEK_DATA);
        if (start < 0) /* ENXIO: a hole up to the end */
            break;
        const off_t end = lseek(image->fd, start, SEEK_HOLE);
        status = copy_range(image->fd, to, start, end, buffer, path);
        start = end;
    }
    free(buffer);
    return status;
}

mds_status mds_image_write(const mds_image *image, const char *temporary, const char *path)
{
    const int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    struct stat info;
    mds_status status = MDS_OK;

    if (fd < 0)
        return mds_fail(MDS_ERR_IO, "%s: cannot be written: %s", path, strerror(errno));
    if (fstat(image->fd, &info) != 0 || ftruncate(fd, info.st_size) != 0)
        status = mds_fail(MDS_ERR_IO, "%s: cannot be written: %s", path, strerror(errno));
    if (status == MDS_OK)
        status = allocate(fd, info.st_size, path);
    if (status == MDS_OK)
        status = copy_data(image, fd, info.st_size, path);
    if (close(fd) != 0 && status == MDS_OK) /* some file systems tell only now */
        status = mds_fail(MDS_ERR_IO, "%s: cannot be written: %s", path, strerror(errno));
    return status;
}
