/* Initial values of weights. */
#ifndef FFN__INITIALIZER_H
#define FFN__INITIALIZER_H

#include "base/base.h"

/* The initializer itself, or the default for `gain` if it is made of zeros. */
ffn_initializer ffn__initializer_or_default(ffn_initializer initializer, ffn_gain gain);

/* All the library's kinds; NULL past the last. */
const ffn_initializer_ops *ffn__initializer_kind(size_t index);

#endif
