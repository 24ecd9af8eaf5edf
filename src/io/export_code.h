/* Pieces of C that an exported file is put together from. */
#ifndef FFN__EXPORT_CODE_H
#define FFN__EXPORT_CODE_H

#include "io/text.h"

/* X(id, the set of what it needs) */
#define FFN__CODES(X)                                                                                                  \
    X(EXP, 0)                                                                                                          \
    X(EXPM1, 0)                                                                                                        \
    X(TANH, FFN__SET_OF(EXP))                                                                                          \
    X(LOG1P, 0)                                                                                                        \
    X(LOG, FFN__SET_OF(LOG1P))                                                                                         \
    X(SQRT, 0)                                                                                                         \
    X(DENSE, 0)                                                                                                        \
    X(QUANTIZE, 0)                                                                                                     \
    X(DENSE_INT8, 0)                                                                                                   \
    X(COPY, 0)                                                                                                         \
    X(ADD, 0)                                                                                                          \
    X(CONCAT, FFN__SET_OF(COPY))                                                                                       \
    X(SCALE, 0)                                                                                                        \
    X(CHANNELS, 0)                                                                                                     \
    X(QUANTILE_NORMAL, FFN__SET_OF(LOG) | FFN__SET_OF(SQRT))                                                           \
    X(LAYER_NORM, FFN__SET_OF(SQRT))                                                                                   \
    X(SIGMOID, FFN__SET_OF(EXP))                                                                                       \
    X(TANH_ROWS, FFN__SET_OF(TANH))                                                                                    \
    X(RELU, 0)                                                                                                         \
    X(LEAKY_RELU, 0)                                                                                                   \
    X(PRELU, 0)                                                                                                        \
    X(ELU, FFN__SET_OF(EXPM1))                                                                                         \
    X(SELU, FFN__SET_OF(EXPM1))                                                                                        \
    X(SOFTMAX, FFN__SET_OF(EXP))                                                                                       \
    X(LOG_SOFTMAX, FFN__SET_OF(EXP) | FFN__SET_OF(LOG))                                                                \
    X(SWISH, FFN__SET_OF(EXP))                                                                                         \
    X(GELU, FFN__SET_OF(EXP))                                                                                          \
    X(GELU_TANH, FFN__SET_OF(EXP))                                                                                     \
    X(SOFTPLUS, FFN__SET_OF(EXP) | FFN__SET_OF(LOG1P))                                                                 \
    X(SOFTSIGN, 0)                                                                                                     \
    X(MISH, FFN__SET_OF(EXP))                                                                                          \
    X(HARD_SIGMOID, 0)                                                                                                 \
    X(HARD_SWISH, 0)

#define FFN__CODE_ID(id, needs) FFN__CODE_##id,
typedef enum ffn__code { FFN__CODES(FFN__CODE_ID) FFN__CODE_COUNT } ffn__code;

typedef uint64_t ffn__code_set; /* bit i: code i */
#define FFN__SET_OF(id) ((ffn__code_set)1 << FFN__CODE_##id)

/* The set with everything that its members need. */
ffn__code_set ffn__code_closure(ffn__code_set codes, bool own_math);
/* Whether any of the codes has a form that calls libm. */
bool ffn__code_uses_libm(ffn__code_set codes);
/* Appends the codes of the set in an order in which each follows what it needs, with `name` before their names. */
void ffn__code_write(ffn__text *text, ffn__code_set codes, bool own_math, const char *name);

/* Appends the template with every '@' replaced by `name`. */
void ffn__code_add(ffn__text *text, const char *template, const char *name);

#endif
