/* CRC-32, four bytes at a time ("slicing by 4": Kounavis, Berry 2008). */
#include "io/safetensors.h"

/* A table's entry is the sum without carries of those of its number's bits; the polynomial is that of Ethernet, 0xEDB88320
 * with its bits reversed. Table k is for bytes that k others follow. */
#define BIT(i, k, entry) ((i) >> (k)&1 ? UINT32_C(entry) : 0)
#define SUM(i, a, b, c, d, e, f, g, h)                                                                                 \
    (BIT(i, 0, a) ^ BIT(i, 1, b) ^ BIT(i, 2, c) ^ BIT(i, 3, d) ^ BIT(i, 4, e) ^ BIT(i, 5, f) ^ BIT(i, 6, g) ^          \
     BIT(i, 7, h))
#define TABLE_0(i)                                                                                                     \
    SUM(i, 0x77073096, 0xEE0E612C, 0x076DC419, 0x0EDB8832, 0x1DB71064, 0x3B6E20C8, 0x76DC4190, 0xEDB88320)
#define TABLE_1(i)                                                                                                     \
    SUM(i, 0x191B3141, 0x32366282, 0x646CC504, 0xC8D98A08, 0x4AC21251, 0x958424A2, 0xF0794F05, 0x3B83984B)
#define TABLE_2(i)                                                                                                     \
    SUM(i, 0x01C26A37, 0x0384D46E, 0x0709A8DC, 0x0E1351B8, 0x1C26A370, 0x384D46E0, 0x709A8DC0, 0xE1351B80)
#define TABLE_3(i)                                                                                                     \
    SUM(i, 0xB8BC6765, 0xAA09C88B, 0x8F629757, 0xC5B428EF, 0x5019579F, 0xA032AF3E, 0x9B14583D, 0xED59B63B)
#define FOUR(table, i)    table(i), table((i) + 1), table((i) + 2), table((i) + 3)
#define SIXTEEN(table, i) FOUR(table, i), FOUR(table, (i) + 4), FOUR(table, (i) + 8), FOUR(table, (i) + 12)
#define SIXTY_FOUR(table, i)                                                                                           \
    SIXTEEN(table, i), SIXTEEN(table, (i) + 16), SIXTEEN(table, (i) + 32), SIXTEEN(table, (i) + 48)
#define ALL(table)                                                                                                     \
    {                                                                                                                  \
        SIXTY_FOUR(table, 0), SIXTY_FOUR(table, 64), SIXTY_FOUR(table, 128), SIXTY_FOUR(table, 192)                    \
    }

static const uint32_t table[4][256] = {ALL(TABLE_0), ALL(TABLE_1), ALL(TABLE_2), ALL(TABLE_3)};

uint32_t ffn__crc32(uint32_t crc, const void *bytes, size_t size)
{
    const unsigned char *at = bytes;
    crc = ~crc;
    for (; size >= 4; size -= 4, at += 4) {
        crc ^= (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
        crc = table[3][crc & 0xFF] ^ table[2][crc >> 8 & 0xFF] ^ table[1][crc >> 16 & 0xFF] ^ table[0][crc >> 24];
    }
    for (; size > 0; size--) crc = crc >> 8 ^ table[0][(crc ^ *at++) & 0xFF];
    return ~crc;
}
