/* A model as one C file: what is known of the file while it is written. */
#ifndef FFN__EXPORT_C_H
#define FFN__EXPORT_C_H

#include "backprop/plan.h"
#include "data/data.h"
#include "io/export_code.h"
#include "io/text.h"

enum { FFN__C_MAX_NAME = 40 };

/* What a dense layer multiplies by, with a batch normalization that follows folded in. */
typedef struct ffn__c_weights {
    size_t inputs, units;
    float *weight; /* [units][inputs]; NULL: the layer is not a dense one */
    float *bias;   /* [units]; NULL: none */
    int8_t *bytes; /* [units][inputs], for int8 */
    float *step;   /* [units]: weight is about step bytes */
    bool written;  /* it stands among the constants */
} ffn__c_weights;

/* One use of a dense layer in int8: q = round(x inverse + zero), y = scale (q bytes^T + start). */
typedef struct ffn__c_use {
    float inverse, zero;
    int32_t *start; /* [units]; NULL: the node is not a dense one */
    float *scale;   /* [units] */
} ffn__c_use;

typedef struct ffn__c_file {
    const ffn_model *model;
    const char *name;
    ffn_export_c_options options;
    ffn__c_weights *weights; /* by layer */
    ffn__c_use *uses;        /* by node; NULL without int8 */
    size_t *folds;           /* by node: that of the normalization which a dense one does as well, or FFN__NONE */
    ffn__block *places;      /* by node: in the memory */
    size_t memory;           /* floats */
    size_t quantized;        /* bytes of the largest quantized input */
    ffn__code_set codes;
    bool *written;             /* by parameter: it stands among the constants */
    ffn__text constants, body; /* arrays, and the function's statements */
    size_t flash;              /* bytes of constants */
} ffn__c_file;

/* ---- what is to be computed (export_c_plan.c) ------------------------------------------------------------------ */

/* Gathers the weights, folds normalizations, places the values in memory. The file is to be destroyed also on failure. */
ffn_status ffn__c_prepare(ffn__c_file *file, ffn_error *error);
void ffn__c_destroy(ffn__c_file *file);

/* How a node's value is called in the function: "in + 4", "m + 128", "out". */
typedef struct ffn__c_value {
    char text[40];
} ffn__c_value;
ffn__c_value ffn__c_value_of(const ffn__c_file *file, size_t node);

/* ---- statements and constants (export_c_layers.c) -------------------------------------------------------------- */

/* The statements that compute the output from the inputs, and the constants that they need. */
ffn_status ffn__c_statements(ffn__c_file *file, ffn_error *error);
void ffn__c_floats(ffn__c_file *file, const char *kind, size_t number, const char *comment, const float *values,
                   size_t count);
void ffn__c_bytes(ffn__c_file *file, const char *kind, size_t number, const char *comment, const int8_t *values,
                  size_t count);
void ffn__c_integers(ffn__c_file *file, const char *kind, size_t number, const char *comment, const int32_t *values,
                     size_t count);

/* ---- int8 (export_c_int8.c) ------------------------------------------------------------------------------------ */

/* Finds the ranges of the dense layers' inputs on the dataset and quantizes the weights. */
ffn_status ffn__c_quantize(ffn__c_file *file, ffn_error *error);
/* What the file will compute, with the library's activations: y [rows][outputs] for x [rows][inputs]. */
ffn_status ffn__c_predict(const ffn__c_file *file, const float *x, size_t rows, float *y, ffn_error *error);
ffn_status ffn__c_measure(const ffn__c_file *file, ffn_export_c_report *report, ffn_error *error);

/* ---- the self-test (export_c_test.c) --------------------------------------------------------------------------- */

ffn_status ffn__c_self_test(ffn__c_file *file, ffn__text *text, ffn_error *error);

#endif
