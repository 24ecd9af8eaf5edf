/* Transposition in registers, for the *_kernels.c sources. */
#ifndef FFN__TRANSPOSE_H
#define FFN__TRANSPOSE_H

#include "tensor/vector.h"

/* Blocks of VL rows by four columns: the rows are gathered by quads, so that lanes 4g .. 4g + 3 of vector i hold the
 * quad of row 4g + i, and then only four lanes change places with each other. That takes a third of the shuffles of
 * VL by VL blocks, since loading a quad into its place takes none. */
enum { QUAD = 4 };

#if VL == 16
#define FFN__IN_QUADS(a, b, c, d)                                                                                      \
    a, b, c, d, a + 4, b + 4, c + 4, d + 4, a + 8, b + 8, c + 8, d + 8, a + 12, b + 12, c + 12, d + 12
#elif VL == 8
#define FFN__IN_QUADS(a, b, c, d) a, b, c, d, a + 4, b + 4, c + 4, d + 4
#elif VL == 4
#define FFN__IN_QUADS(a, b, c, d) a, b, c, d
#endif

#if VL >= 4
/* The quads at x, x + step, and so on: as many as there are in a vector. */
VECTOR_INLINE vec load_quads(const float *x, size_t step)
{
#if VL == 16
    __m512 v = _mm512_castps128_ps512(_mm_loadu_ps(x));
    v = _mm512_insertf32x4(v, _mm_loadu_ps(x + step), 1);
    v = _mm512_insertf32x4(v, _mm_loadu_ps(x + 2 * step), 2);
    return (vec)_mm512_insertf32x4(v, _mm_loadu_ps(x + 3 * step), 3);
#elif VL == 8
    const __m256 v = _mm256_castps128_ps256(_mm_loadu_ps(x));
    return (vec)_mm256_insertf128_ps(v, _mm_loadu_ps(x + step), 1);
#else
    (void)step;
    return vec_load(x);
#endif
}

/* turned [4] = four columns of x [VL][ldx]. */
VECTOR_INLINE void turn_quads(const float *x, size_t ldx, vec turned[QUAD])
{
    const vec a = load_quads(x, QUAD * ldx), b = load_quads(x + ldx, QUAD * ldx);
    const vec c = load_quads(x + 2 * ldx, QUAD * ldx), d = load_quads(x + 3 * ldx, QUAD * ldx);
    const vec low_ab = __builtin_shufflevector(a, b, FFN__IN_QUADS(0, VL, 1, VL + 1));
    const vec low_cd = __builtin_shufflevector(c, d, FFN__IN_QUADS(0, VL, 1, VL + 1));
    const vec high_ab = __builtin_shufflevector(a, b, FFN__IN_QUADS(2, VL + 2, 3, VL + 3));
    const vec high_cd = __builtin_shufflevector(c, d, FFN__IN_QUADS(2, VL + 2, 3, VL + 3));
    turned[0] = __builtin_shufflevector(low_ab, low_cd, FFN__IN_QUADS(0, 1, VL, VL + 1));
    turned[1] = __builtin_shufflevector(low_ab, low_cd, FFN__IN_QUADS(2, 3, VL + 2, VL + 3));
    turned[2] = __builtin_shufflevector(high_ab, high_cd, FFN__IN_QUADS(0, 1, VL, VL + 1));
    turned[3] = __builtin_shufflevector(high_ab, high_cd, FFN__IN_QUADS(2, 3, VL + 2, VL + 3));
}
#else
VECTOR_INLINE void turn_quads(const float *x, size_t ldx, vec turned[QUAD])
{
    for (size_t r = 0; r < VL; r++)
        for (size_t c = 0; c < QUAD; c++) turned[c][r] = x[r * ldx + c];
}
#endif

/* to [4][ldt] = four columns of x [VL][ldx]. */
VECTOR_INLINE void transpose_quads(const float *x, size_t ldx, float *to, size_t ldt)
{
    vec turned[QUAD];
    turn_quads(x, ldx, turned);
    UNROLL for (size_t i = 0; i < QUAD; i++) vec_store(to + i * ldt, turned[i]);
}

/* to [cols][ldt] = the transpose of x [VL][ldx], cols >= QUAD: some of the last columns are turned twice. */
VECTOR_INLINE void transpose_rows(size_t cols, const float *x, size_t ldx, float *to, size_t ldt)
{
    size_t c = 0;
    for (; c + QUAD <= cols; c += QUAD) transpose_quads(x + c, ldx, to + c * ldt, ldt);
    if (c < cols) transpose_quads(x + cols - QUAD, ldx, to + (cols - QUAD) * ldt, ldt);
}

/* The same for fewer rows, zeros behind; of VL columns of the result the first `width` are stored. */
VECTOR_INLINE void transpose_part(size_t rows, size_t cols, const float *x, size_t ldx, float *to, size_t ldt,
                                  size_t width)
{
    float block[VL * QUAD] = {0};
    for (size_t c = 0; c < cols; c += QUAD) {
        const size_t at = c + QUAD <= cols ? c : cols - QUAD;
        vec turned[QUAD];
        for (size_t r = 0; r < rows; r++) memcpy(block + r * QUAD, x + r * ldx + at, QUAD * sizeof *x);
        turn_quads(block, QUAD, turned);
        UNROLL for (size_t i = 0; i < QUAD; i++) if (width >= VL) vec_store(to + (at + i) * ldt, turned[i]);
        else vec_store_part(to + (at + i) * ldt, turned[i], width);
    }
}

/* to [cols][ldt], `width` columns of it, = the transpose of x [rows][ldx], rows <= width; zeros behind. */
VECTOR_INLINE void transpose(size_t rows, size_t cols, const float *x, size_t ldx, float *to, size_t ldt, size_t width)
{
    size_t r = 0;
    for (; cols >= QUAD && r + VL <= rows; r += VL) transpose_rows(cols, x + r * ldx, ldx, to + r, ldt);
    for (; cols >= QUAD && r < width; r += VL)
        transpose_part(rows > r ? rows - r : 0, cols, x + r * ldx, ldx, to + r, ldt, width - r);
    for (size_t c = 0; cols < QUAD && c < cols; c++)
        for (r = 0; r < width; r++) to[c * ldt + r] = r < rows ? x[r * ldx + c] : 0;
}

#endif
