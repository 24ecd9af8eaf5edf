/* Losses, and what their options and targets may be. */
#ifndef FFN__LOSS_H
#define FFN__LOSS_H

#include "tensor/tensor.h"

/* Options in their ranges, and class weights for `outputs` outputs; an error names the option, found and expected. */
ffn_status ffn__loss_check(const ffn_loss *loss, size_t outputs, ffn_error *error);
/* Columns of the targets of a network with `outputs` outputs: 1 for class indices. */
size_t ffn__loss_target_columns(const ffn_loss *loss, size_t outputs);
/* All targets [rows][columns] finite and as the loss wants them; an error names row (from first_row on) and column. */
ffn_status ffn__targets_check(const ffn_loss *loss, size_t outputs, size_t rows, const float *targets, size_t first_row,
                              ffn_error *error);

#endif
