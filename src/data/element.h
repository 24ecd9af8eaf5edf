/* Numbers as files hold them, of any width and byte order, to floats. */
#ifndef FFN__ELEMENT_H
#define FFN__ELEMENT_H

#include <stdbool.h>
#include <stddef.h>

typedef enum ffn__byte_order { FFN__LITTLE_ENDIAN = 0, FFN__BIG_ENDIAN } ffn__byte_order;

typedef struct ffn__element {
    const char *name; /* for messages */
    size_t size;      /* bytes of one */
    bool whole;       /* it holds whole numbers only */
    void (*convert)(const unsigned char *from, size_t size, size_t count, ffn__byte_order order, float *to);
} ffn__element;

/* Doubles and integers are rounded to the nearest float; doubles beyond what a float holds become infinite. */
extern const ffn__element ffn__boolean, ffn__unsigned8, ffn__unsigned16, ffn__unsigned32, ffn__unsigned64, ffn__signed8,
    ffn__signed16, ffn__signed32, ffn__signed64, ffn__float16, ffn__bfloat16, ffn__float32, ffn__float64;

/* Whether the element is a finite number that no float can hold. */
bool ffn__element_is_too_large(const ffn__element *element, const unsigned char *from, ffn__byte_order order);

#endif
