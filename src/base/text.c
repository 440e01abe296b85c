#include "base/text.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

uint64_t mds_hash(uint64_t hash, const void *bytes, size_t count)
{
    const unsigned char *p = bytes;

    for (size_t i = 0; i < count; ++i)
        hash = (hash ^ p[i]) * UINT64_C(0x100000001b3);
    return hash;
}

uint64_t mds_hash_text(uint64_t hash, const char *text)
{
    return mds_hash(hash, text, strlen(text));
}

/* Levenshtein distance of two short words; longer ones count as far apart. */
static int edit_distance(const char *a, const char *b)
{
    enum { LONGEST = 63 };
    int row[LONGEST + 1];
    const int na = (int)strlen(a), nb = (int)strlen(b);

    if (na > LONGEST || nb > LONGEST)
        return LONGEST;
    for (int j = 0; j <= nb; ++j)
        row[j] = j;
    for (int i = 1; i <= na; ++i) {
        int diagonal = row[0];

        row[0] = i;
        for (int j = 1; j <= nb; ++j) {
            const int substitute = diagonal + (a[i - 1] != b[j - 1]);
            const int insert = row[j - 1] + 1, erase = row[j] + 1;

            diagonal = row[j];
            row[j] = substitute < insert ? substitute : insert;
            if (erase < row[j])
                row[j] = erase;
        }
    }
    return row[nb];
}

const char *mds_nearest_word(const char *word, const char *const *words, int count)
{
    const char *best = NULL;
    int best_distance = (int)strlen(word) / 3 + 1;

    for (int i = 0; i < count; ++i) {
        const int distance = edit_distance(word, words[i]);

        if (distance <= best_distance) {
            if (!best || distance < best_distance)
                best = words[i];
            best_distance = distance;
        }
    }
    for (int i = 0; i < count && !best; ++i)
        if (strncmp(words[i], word, strlen(word)) == 0 && words[i][strlen(word)] == '_')
            best = words[i];
    return best;
}

char *mds_format_duration(double seconds, char *out, size_t size)
{
    if (!isfinite(seconds))
        snprintf(out, size, "?");
    else if (seconds < 1e-3)
        snprintf(out, size, "%.3g us", seconds * 1e6);
    else if (seconds < 1.0)
        snprintf(out, size, "%.3g ms", seconds * 1e3);
    else if (seconds < 59.95)
        snprintf(out, size, "%.1f s", seconds);
    else if (seconds < 3599.5)
        snprintf(out, size, "%d min %d s", (int)(seconds + 0.5) / 60, (int)(seconds + 0.5) % 60);
    else /* whole minutes first, so that 7199 s is 2 h 0 min and not 1 h 60 min */
        snprintf(out, size, "%.0f h %d min", floor(floor(seconds / 60.0 + 0.5) / 60.0),
                 (int)fmod(floor(seconds / 60.0 + 0.5), 60.0));
    return out;
}

char *mds_format_bytes(double bytes, char *out, size_t size)
{
    static const char *const unit[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    int k = 0;

    while (fabs(bytes) >= 1024.0 && k < 4) {
        bytes /= 1024.0;
        ++k;
    }
    snprintf(out, size, k ? "%.1f %s" : "%.0f %s", bytes, unit[k]);
    return out;
}

mds_status mds_read_file(const char *path, char **text, size_t *length)
{
    struct stat info;
    FILE *file = NULL;
    char *bytes = NULL;

    *text = NULL;
    if (stat(path, &info) == 0 && S_ISDIR(info.st_mode))
        return mds_fail(MDS_ERR_IO, "%s: is a folder, a file is expected", path);
    file = fopen(path, "rb");
    if (!file)
        return mds_fail(MDS_ERR_IO, "%s: %s", path, strerror(errno));
    size_t used = 0, capacity = 1 << 16;
    bytes = malloc(capacity);
    while (bytes) {
        used += fread(bytes + used, 1, capacity - used - 1, file);
        if (used < capacity - 1)
            break;
        char *more = realloc(bytes, capacity *= 2);
        if (!more)
            free(bytes);
        bytes = more;
    }
    const int failed = ferror(file);
    fclose(file);
    if (!bytes)
        return mds_fail(MDS_ERR_NOMEM, "%s: no memory for its text", path);
    if (failed) {
        free(bytes);
        return mds_fail(MDS_ERR_IO, "%s: cannot be read", path);
    }
    bytes[used] = '\0';
    *text = bytes;
    if (length)
        *length = used;
    return MDS_OK;
}
