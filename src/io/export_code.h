/* Pieces of C that an exported file is put together from. */
#ifndef FFN__EXPORT_CODE_H
#define FFN__EXPORT_CODE_H

#include "io/text.h"

/* X(id, what it needs as a mask of ids) */
#define FFN__CODES(X)                                                                                                  \
    X(EXP, 0)                                                                                                          \
    X(EXPM1, 0)                                                                                                        \
    X(TANH, 1u << FFN__CODE_EXP)                                                                                       \
    X(LOG1P, 0)                                                                                                        \
    X(LOG, 1u << FFN__CODE_LOG1P)                                                                                      \
    X(SQRT, 0)                                                                                                         \
    X(DENSE, 0)                                                                                                        \
    X(QUANTIZE, 0)                                                                                                     \
    X(DENSE_INT8, 0)                                                                                                   \
    X(COPY, 0)                                                                                                         \
    X(ADD, 0)                                                                                                          \
    X(CONCAT, 1u << FFN__CODE_COPY)                                                                                    \
    X(SCALE, 0)                                                                                                        \
    X(CHANNELS, 0)                                                                                                     \
    X(LAYER_NORM, 1u << FFN__CODE_SQRT)                                                                                \
    X(SIGMOID, 1u << FFN__CODE_EXP)                                                                                    \
    X(TANH_ROWS, 1u << FFN__CODE_TANH)                                                                                 \
    X(RELU, 0)                                                                                                         \
    X(LEAKY_RELU, 0)                                                                                                   \
    X(PRELU, 0)                                                                                                        \
    X(ELU, 1u << FFN__CODE_EXPM1)                                                                                      \
    X(SELU, 1u << FFN__CODE_EXPM1)                                                                                     \
    X(SOFTMAX, 1u << FFN__CODE_EXP)                                                                                    \
    X(LOG_SOFTMAX, 1u << FFN__CODE_EXP | 1u << FFN__CODE_LOG)                                                          \
    X(SWISH, 1u << FFN__CODE_EXP)                                                                                      \
    X(GELU, 1u << FFN__CODE_EXP)                                                                                       \
    X(GELU_TANH, 1u << FFN__CODE_EXP)                                                                                  \
    X(SOFTPLUS, 1u << FFN__CODE_EXP | 1u << FFN__CODE_LOG1P)                                                           \
    X(SOFTSIGN, 0)                                                                                                     \
    X(MISH, 1u << FFN__CODE_EXP)                                                                                       \
    X(HARD_SIGMOID, 0)                                                                                                 \
    X(HARD_SWISH, 0)

#define FFN__CODE_ID(id, needs) FFN__CODE_##id,
typedef enum ffn__code { FFN__CODES(FFN__CODE_ID) FFN__CODE_COUNT } ffn__code;

/* The set with everything that its members need. */
uint32_t ffn__code_closure(uint32_t codes, bool own_math);
/* Whether any of the codes has a form that calls libm. */
bool ffn__code_uses_libm(uint32_t codes);
/* Appends the codes of the set in an order in which each follows what it needs, with `name` before their names. */
void ffn__code_write(ffn__text *text, uint32_t codes, bool own_math, const char *name);

/* Appends the template with every '@' replaced by `name`. */
void ffn__code_add(ffn__text *text, const char *template, const char *name);

#endif
