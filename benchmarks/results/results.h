/* Published results, reached with this library: a table of rows, each a training on real data. One file holds the rows
 * of one experiment. */
#ifndef RESULTS_H
#define RESULTS_H

#include "ffn.h"

/* What the command line says. */
typedef struct results_run {
    const char *data; /* folder with the data sets */
    size_t seeds;     /* how many runs, with seeds from 1 on; 0: the row's own */
    size_t epochs;    /* 0: the row's own */
} results_run;

typedef struct results_row {
    const char *name, *what;
    int (*run)(const results_run *run); /* the exit status */
} results_row;

/* The rows of each file; one without a name ends them. */
extern const results_row results_simard[], results_strategies[], results_small[], results_tables[];

/* One training, done once for each seed. */
typedef struct results_task {
    const ffn_dataset *train, *test;
    ffn_model *(*make)(uint64_t seed, ffn_error *error);
    ffn_fit_options options; /* without seed, epochs and callbacks */
    size_t epochs, seeds;    /* unless the run says otherwise */
    bool regression;         /* the figure is the RMSE instead of the test error in percent */
} results_task;

/* Trains, with a line of progress each epoch, and prints each seed's figure, their mean and standard deviation. Frees
 * nothing of the task. */
int results_repeat(const results_run *run, const results_task *task);

/* <folder>/<file> */
const char *results_path(char *buffer, size_t size, const char *folder, const char *file);
/* The training or test part of a set in MNIST's form: pixels 0 to 255. NULL after an error has been printed. */
ffn_dataset *results_load_mnist(const char *folder, const char *set, bool train);
/* Prints the sentence; returns 1. */
int results_fail(const ffn_error *error);

/* Makes pixels of 0 to 255 those of 0 to 1, within the model. Call results_fix_pixels when it is built. */
ffn_value results_pixels(ffn_model *model, ffn_value x);
ffn_status results_fix_pixels(ffn_model *model, size_t pixels, ffn_error *error);

#endif
