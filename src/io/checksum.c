/* CRC-32, four bytes at a time ("slicing by 4": Kounavis, Berry 2008). */
#include "io/safetensors.h"

uint32_t ffn__crc32(uint32_t crc, const void *bytes, size_t size)
{
    static const uint32_t polynomial = 0xEDB88320; /* of Ethernet, bits reversed */
    const unsigned char *at = bytes;
    uint32_t table[4][256];
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t rest = i;
        for (int bit = 0; bit < 8; bit++) rest = rest & 1 ? rest >> 1 ^ polynomial : rest >> 1;
        table[0][i] = rest;
    }
    for (size_t i = 0; i < 256; i++)
        for (size_t k = 1; k < 4; k++) table[k][i] = table[k - 1][i] >> 8 ^ table[0][table[k - 1][i] & 0xFF];
    crc = ~crc;
    for (; size >= 4; size -= 4, at += 4) {
        crc ^= (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
        crc = table[3][crc & 0xFF] ^ table[2][crc >> 8 & 0xFF] ^ table[1][crc >> 16 & 0xFF] ^ table[0][crc >> 24];
    }
    for (; size > 0; size--) crc = crc >> 8 ^ table[0][(crc ^ *at++) & 0xFF];
    return ~crc;
}
