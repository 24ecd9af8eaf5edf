/* The activations by SLEEF's functions of 16 floats, in the usual formulas: what they lose in the tails is not made up
 * for. Compiled for AVX-512 where SLEEF is found. */
#include "rivals.h"

#include "tensor/isa.h"

#ifdef RIVAL_SLEEF
#include <immintrin.h>
#include <sleef.h>

#define SET(x)         _mm512_set1_ps(x)
#define ADD(x, y)      _mm512_add_ps(x, y)
#define MULTIPLY(x, y) _mm512_mul_ps(x, y)
#define NEGATIVE(x)    _mm512_sub_ps(_mm512_setzero_ps(), x)
typedef __m512 vec16;

static inline vec16 sigmoid(vec16 x) { return _mm512_div_ps(SET(1), ADD(SET(1), Sleef_expf16_u10(NEGATIVE(x)))); }
static inline vec16 elu(vec16 x)
{
    return _mm512_mask_blend_ps(_mm512_cmp_ps_mask(x, _mm512_setzero_ps(), _CMP_LT_OQ), x, Sleef_expm1f16_u10(x));
}
static inline vec16 swish(vec16 x) { return MULTIPLY(x, sigmoid(x)); }
static inline vec16 gelu(vec16 x)
{
    return MULTIPLY(MULTIPLY(SET(0.5f), x), ADD(SET(1), Sleef_erff16_u10(MULTIPLY(x, SET(0.70710678f)))));
}
static inline vec16 gelu_tanh_argument(vec16 x)
{
    return MULTIPLY(x, _mm512_fmadd_ps(MULTIPLY(x, x), SET(0.79788456f * 0.044715f), SET(0.79788456f)));
}
static inline vec16 gelu_tanh(vec16 x)
{
    return MULTIPLY(MULTIPLY(SET(0.5f), x), ADD(SET(1), Sleef_tanhf16_u10(gelu_tanh_argument(x))));
}
static inline vec16 gelu_tanh_u35(vec16 x)
{
    return MULTIPLY(MULTIPLY(SET(0.5f), x), ADD(SET(1), Sleef_tanhf16_u35(gelu_tanh_argument(x))));
}
static inline vec16 softplus(vec16 x)
{
    return ADD(_mm512_max_ps(_mm512_setzero_ps(), x), Sleef_log1pf16_u10(Sleef_expf16_u10(NEGATIVE(_mm512_abs_ps(x)))));
}

/* whole vectors: the sizes measured are multiples of 16 */
#define ELEMENTWISE(name, value)                                                                                       \
    static void name##_forward(size_t rows, size_t cols, const float *x, float *y)                                     \
    {                                                                                                                  \
        for (size_t i = 0; i < rows * cols; i += 16) _mm512_storeu_ps(y + i, value(_mm512_loadu_ps(x + i)));           \
    }
ELEMENTWISE(sigmoid, sigmoid)
ELEMENTWISE(tanh, Sleef_tanhf16_u10)
ELEMENTWISE(tanh_u35, Sleef_tanhf16_u35)
ELEMENTWISE(elu, elu)
ELEMENTWISE(swish, swish)
ELEMENTWISE(gelu, gelu)
ELEMENTWISE(gelu_tanh, gelu_tanh)
ELEMENTWISE(gelu_tanh_u35, gelu_tanh_u35)
ELEMENTWISE(softplus, softplus)

static const rival u10[] = {{"sigmoid", sigmoid_forward, NULL},  {"tanh", tanh_forward, NULL},
                            {"elu", elu_forward, NULL},          {"swish", swish_forward, NULL},
                            {"gelu", gelu_forward, NULL},        {"gelu_tanh", gelu_tanh_forward, NULL},
                            {"softplus", softplus_forward, NULL}};
static const rival u35[] = {{"tanh", tanh_u35_forward, NULL}, {"gelu_tanh", gelu_tanh_u35_forward, NULL}};

static const rival *find(const rival *rivals, size_t count, const char *kind)
{
    return ffn__isa_available(FFN__ISA_AVX512) ? rival_find(rivals, count, kind) : NULL;
}

const rival *rival_sleef_u10(const char *kind) { return find(u10, sizeof(u10) / sizeof(u10)[0], kind); }
const rival *rival_sleef_u35(const char *kind) { return find(u35, sizeof(u35) / sizeof(u35)[0], kind); }

#else

const rival *rival_sleef_u10(const char *kind) { return (void)kind, NULL; }
const rival *rival_sleef_u35(const char *kind) { return (void)kind, NULL; }

#endif
