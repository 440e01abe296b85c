/* CRC-32 as in zlib, PNG and Ethernet (reflected polynomial 0xEDB88320), eight bytes at a time, so
 * that checking a file takes less than reading it. */
#ifndef MDS_MODEL_WEIGHTS_CRC_H
#define MDS_MODEL_WEIGHTS_CRC_H

#include <stddef.h>
#include <stdint.h>

typedef struct mds_crc {
    uint32_t table[8][256];
} mds_crc;

void mds_crc_init(mds_crc *crc);
/* Continues from `sum` (start with 0), as zlib.crc32(bytes, sum). */
uint32_t mds_crc_add(const mds_crc *crc, uint32_t sum, const void *bytes, size_t count);

#endif
