/* Transposition of VL x VL blocks in registers, for the *_kernels.c sources. */
#ifndef FFN__TRANSPOSE_H
#define FFN__TRANSPOSE_H

#include "tensor/vector.h"

/* Eklundh 1972: for every power of two s below VL, rows i and i + s swap the lanes that differ in that bit. Lane i of
 * the first and the second result, as numbers of a lane of both rows: */
#define FFN__SWAP_FIRST(s, i)  ((i) & (s) ? VL + (i) - (s) : (i))
#define FFN__SWAP_SECOND(s, i) ((i) & (s) ? VL + (i) : (i) + (s))
#define FFN__LANES2(F, s, i)   F(s, i), F(s, i + 1)
#define FFN__LANES4(F, s, i)   FFN__LANES2(F, s, i), FFN__LANES2(F, s, i + 2)
#define FFN__LANES8(F, s, i)   FFN__LANES4(F, s, i), FFN__LANES4(F, s, i + 4)
#if VL == 16
#define FFN__LANES(F, s) FFN__LANES8(F, s, 0), FFN__LANES8(F, s, 8)
#elif VL == 8
#define FFN__LANES(F, s) FFN__LANES8(F, s, 0)
#elif VL == 4
#define FFN__LANES(F, s) FFN__LANES4(F, s, 0)
#else
#define FFN__LANES(F, s) FFN__LANES2(F, s, 0)
#endif

#define FFN__SWAP(row, s)                                                                                              \
    for (size_t i = 0; i < VL; i++) {                                                                                  \
        if (i & (s)) continue;                                                                                         \
        const vec a = row[i], b = row[i + (s)];                                                                        \
        row[i] = __builtin_shufflevector(a, b, FFN__LANES(FFN__SWAP_FIRST, s));                                        \
        row[i + (s)] = __builtin_shufflevector(a, b, FFN__LANES(FFN__SWAP_SECOND, s));                                 \
    }

VECTOR_INLINE void transpose_lanes(vec row[VL])
{
    FFN__SWAP(row, 1)
#if VL >= 4
    FFN__SWAP(row, 2)
#endif
#if VL >= 8
    FFN__SWAP(row, 4)
#endif
#if VL >= 16
    FFN__SWAP(row, 8)
#endif
}

/* to [cols][ldt], `width` columns of it, = the transpose of x [rows][ldx], rows <= width; zeros behind. */
VECTOR_INLINE void transpose(size_t rows, size_t cols, const float *x, size_t ldx, float *to, size_t ldt, size_t width)
{
    for (size_t c = 0; c < cols; c += VL)
        for (size_t r = 0; r < width; r += VL) {
            const size_t across = cols - c, down = rows > r ? rows - r : 0, wide = width - r;
            vec row[VL];
            if (across >= VL && down >= VL) {
                for (size_t i = 0; i < VL; i++) row[i] = vec_load(x + (r + i) * ldx + c);
            } else {
                for (size_t i = 0; i < VL; i++)
                    row[i] = i >= down        ? vec_set(0)
                             : across >= VL ? vec_load(x + (r + i) * ldx + c)
                                            : vec_load_part(x + (r + i) * ldx + c, across);
            }
            transpose_lanes(row);
            if (across >= VL && wide >= VL) {
                for (size_t i = 0; i < VL; i++) vec_store(to + (c + i) * ldt + r, row[i]);
            } else {
                for (size_t i = 0; i < VL && i < across; i++) {
                    if (wide >= VL)
                        vec_store(to + (c + i) * ldt + r, row[i]);
                    else
                        vec_store_part(to + (c + i) * ldt + r, row[i], wide);
                }
            }
        }
}

#endif
