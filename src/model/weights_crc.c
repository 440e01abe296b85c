#include "model/weights_crc.h"

/* table[k][b] is the sum of byte b followed by k zero bytes (M. Kounavis and F. Berry, "Novel table
 * lookup-based algorithms for high-performance CRC generation", IEEE Trans. Comput. 57 (2008)). */
void mds_crc_init(mds_crc *crc)
{
    for (uint32_t b = 0; b < 256; ++b) {
        uint32_t sum = b;

        for (int bit = 0; bit < 8; ++bit)
            sum = sum & 1 ? sum >> 1 ^ 0xEDB88320u : sum >> 1;
        crc->table[0][b] = sum;
    }
    for (int k = 1; k < 8; ++k)
        for (int b = 0; b < 256; ++b) {
            const uint32_t before = crc->table[k - 1][b];

            crc->table[k][b] = before >> 8 ^ crc->table[0][before & 0xFF];
        }
}

uint32_t mds_crc_add(const mds_crc *crc, uint32_t sum, const void *bytes, size_t count)
{
    const unsigned char *at = bytes;

    sum = ~sum;
    for (; count >= 8; count -= 8, at += 8) {
        /* Byte by byte, so that the order of the machine's bytes does not matter. */
        const uint32_t low = sum ^ ((uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 |
                                    (uint32_t)at[3] << 24);

        sum = crc->table[7][low & 0xFF] ^ crc->table[6][low >> 8 & 0xFF] ^
              crc->table[5][low >> 16 & 0xFF] ^ crc->table[4][low >> 24] ^ crc->table[3][at[4]] ^
              crc->table[2][at[5]] ^ crc->table[1][at[6]] ^ crc->table[0][at[7]];
    }
    for (; count; --count, ++at)
        sum = sum >> 8 ^ crc->table[0][(sum ^ *at) & 0xFF];
    return ~sum;
}
