/* The log: lines on stderr, never on stdout (which carries data). One write() per line, so that
 * lines of several ranks do not interleave. */
#ifndef MDS_BASE_LOG_H
#define MDS_BASE_LOG_H

typedef enum mds_log_level {
    MDS_LOG_ERROR,
    MDS_LOG_WARN,
    MDS_LOG_INFO,
    MDS_LOG_DEBUG
} mds_log_level;

/* Lines above this level are dropped. Default MDS_LOG_INFO; set once at start. */
void mds_log_set_level(mds_log_level level);

/* "mdsweep: text", "mdsweep: warning: text", "mdsweep: error: text". */
void mds_log(mds_log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
