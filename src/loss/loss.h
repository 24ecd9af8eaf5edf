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

/* What turns the sum over all rows into the loss, and the sum's gradient into the loss's: 1 / ops->weight; 0 if that is
 * 0, when all targets are of classes with weight 0. */
double ffn__loss_scale(const ffn_loss *loss, size_t rows, size_t cols, const float *targets);

/* ops->value of a loss behind the final activation that its domain is fused with, from that activation's input: returns
 * the sum over the rows and sets dz [rows][cols] to scale times its gradient with respect to the logits. For
 * log-probabilities dz is also the work space: it must be there and not overlap the logits. Otherwise it may be NULL,
 * or be the logits. */
double ffn__loss_fused(const ffn_loss *loss, size_t rows, size_t cols, const float *logits, const float *targets,
                       float *dz, double scale);

#endif
