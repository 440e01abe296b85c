#include "store/store.h"

#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

/* Someone who only asks holds the lock for a moment. */
enum { TRIES = 50, BETWEEN_TRIES_MS = 20 };

mds_status mds_store_lock(const char *path, int *fd)
{
    char name[MDS_PATH_SIZE + 8];

    snprintf(name, sizeof name, "%s.lock", path);
    *fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (*fd < 0)
        return mds_fail(MDS_ERR_IO, "%s: cannot be written: %s", name, strerror(errno));
    int reason = EWOULDBLOCK;
    for (int i = 0; i < TRIES && reason == EWOULDBLOCK; ++i) {
        if (i > 0)
            (void)poll(NULL, 0, BETWEEN_TRIES_MS);
        if (flock(*fd, LOCK_EX | LOCK_NB) == 0)
            return MDS_OK;
        reason = errno;
    }
    if (reason == ENOLCK || reason == ENOSYS || reason == EOPNOTSUPP) {
        mds_log(MDS_LOG_WARN,
                "%s: this file system has no locks; see to it that no other run "
                "writes this file",
                path);
        return MDS_OK;
    }
    close(*fd);
    *fd = -1;
    if (reason == EWOULDBLOCK)
        return mds_fail(MDS_ERR_IO, "%s: another run is writing this file", path);
    return mds_fail(MDS_ERR_IO, "%s: cannot be locked: %s", name, strerror(reason));
}

void mds_store_unlock(int fd)
{
    if (fd >= 0)
        close(fd); /* the name stays: removing it would race with the next run's open */
}

bool mds_store_in_use(const char *path)
{
    char name[MDS_PATH_SIZE + 8];

    snprintf(name, sizeof name, "%s.lock", path);
    const int fd = open(name, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno != ENOENT;
    const bool is_free = flock(fd, LOCK_SH | LOCK_NB) == 0;
    close(fd);
    return !is_free;
}
