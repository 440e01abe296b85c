/* Status codes and the one-line error message that goes with them.
 *
 * Every fallible function returns an mds_status. The message is kept per thread, in a fixed buffer,
 * written for the user: it names the thing, the place and what would be right, and has no newline.
 * Only main() exits or aborts; everything below it returns. */
#ifndef MDS_BASE_STATUS_H
#define MDS_BASE_STATUS_H

#define MDS_STATUS_LIST(X)                                                                         \
    X(OK, "ok")                                                                                    \
    X(USAGE, "wrong command line")                                                                 \
    X(CONFIG, "bad configuration or input")                                                        \
    X(NOMEM, "out of memory")                                                                      \
    X(IO, "input/output error")                                                                    \
    X(DEVICE, "device error")                                                                      \
    X(DEVICE_LOST, "device lost")                                                                  \
    X(UNSUPPORTED, "not supported")                                                                \
    X(CAPACITY, "capacity exceeded")                                                               \
    X(PROTOCOL, "protocol error")                                                                  \
    X(NUMERIC, "numerical failure")                                                                \
    X(STOPPED, "stopped early")                                                                    \
    X(INTERNAL, "internal error")

typedef enum mds_status {
#define MDS_STATUS_ENUM(name, text) MDS_##name##_STATUS_INDEX,
    MDS_STATUS_LIST(MDS_STATUS_ENUM)
#undef MDS_STATUS_ENUM
        MDS_STATUS_COUNT,
    MDS_OK = MDS_OK_STATUS_INDEX,
    MDS_ERR_USAGE = MDS_USAGE_STATUS_INDEX,
    MDS_ERR_CONFIG = MDS_CONFIG_STATUS_INDEX,
    MDS_ERR_NOMEM = MDS_NOMEM_STATUS_INDEX,
    MDS_ERR_IO = MDS_IO_STATUS_INDEX,
    MDS_ERR_DEVICE = MDS_DEVICE_STATUS_INDEX,
    MDS_ERR_DEVICE_LOST = MDS_DEVICE_LOST_STATUS_INDEX,
    MDS_ERR_UNSUPPORTED = MDS_UNSUPPORTED_STATUS_INDEX,
    MDS_ERR_CAPACITY = MDS_CAPACITY_STATUS_INDEX,
    MDS_ERR_PROTOCOL = MDS_PROTOCOL_STATUS_INDEX,
    MDS_ERR_NUMERIC = MDS_NUMERIC_STATUS_INDEX,
    MDS_ERR_STOPPED = MDS_STOPPED_STATUS_INDEX,
    MDS_ERR_INTERNAL = MDS_INTERNAL_STATUS_INDEX
} mds_status;

/* Stores the formatted message for this thread and returns `status`, so that a function can
 * `return mds_fail(MDS_ERR_CONFIG, "...")`. */
mds_status mds_fail(mds_status status, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Puts context before the stored message: mds_error_prefix("case %d: ", i). */
void mds_error_prefix(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The last message of this thread; "" when there is none. Valid until the next mds_fail(). */
const char *mds_error(void);
void mds_error_clear(void);

/* "out of memory", ... for a status without a message of its own. */
const char *mds_status_text(mds_status status);

/* The process exit code that stands for `status` (2 usage, 74 I/O, 75 stopped, 78 config or
 * unsupported, else 1).
 */
int mds_status_exit_code(mds_status status);

/* Needs a local `mds_status status` and a label `out:` that cleans up and returns it. */
#define MDS_TRY(call)                                                                              \
    do {                                                                                           \
        status = (call);                                                                           \
        if (status != MDS_OK)                                                                      \
            goto out;                                                                              \
    } while (0)

#endif
