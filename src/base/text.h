/* Small text helpers: hashing of case keys, the nearest valid word, durations. */
#ifndef MDS_BASE_TEXT_H
#define MDS_BASE_TEXT_H

#include "base/status.h"

#include <stddef.h>
#include <stdint.h>

/* FNV-1a, 64 bit, continuing from `hash` (start with MDS_HASH_START). */
#define MDS_HASH_START UINT64_C(0xcbf29ce484222325)
uint64_t mds_hash(uint64_t hash, const void *bytes, size_t count);
uint64_t mds_hash_text(uint64_t hash, const char *text);

/* The word of `words` (count of them) nearest to `word` by edit distance, or NULL when none is near
 * (more than a third of the letters differ) and none is `word` with a unit or the like behind it
 * ("tau" for "tau_fs"): for "did you mean". Borrowed from `words`. */
const char *mds_nearest_word(const char *word, const char *const *words, int count);

/* "1.2 s", "3 min 20 s", "2 h 5 min" into `out`; returns `out`. */
char *mds_format_duration(double seconds, char *out, size_t size);

/* "512 B", "1.5 MiB", ... (IEC) into `out`; returns `out`. */
char *mds_format_bytes(double bytes, char *out, size_t size);

/* Reads a whole file into a heap string (caller frees); MDS_ERR_IO with the path and reason. */
mds_status mds_read_file(const char *path, char **text, size_t *length);

#endif
