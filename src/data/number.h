/* Decimal numbers as text, read the same way in every locale. */
#ifndef FFN__NUMBER_H
#define FFN__NUMBER_H

#include <stdbool.h>
#include <stddef.h>

/* Reads all of text [length] as [+-] digits [. digits] [e|E [+-] digits] with at least one digit before the e. Nothing
 * else is a number: no blanks, hexadecimal, digit groups, inf or nan. *value is correctly rounded (to nearest, ties to
 * even); it is infinite if the number is too large and zero if it is too small. False, and *value untouched, if text is
 * not a number. */
bool ffn__parse_number(const char *text, size_t length, double *value);

#endif
