#define _GNU_SOURCE
#include "study.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef enum kind { EPOCHS, LAYERS, TIMES, FILES } kind;
static const char *const file_names[FILES] = {"epochs.csv", "layers.csv", "times.csv"};

enum { PREFIX = 256, LINE = 1024, PATH = 1024 };

struct study_record {
    const char *data;
    const study_config *config;
    const study_activations *activations;
    size_t runs;  /* read or written */
    bool writing; /* what stood in the files has been read */
    char path[FILES][PATH];
    char *text[FILES];  /* what stood in the file, all complete lines ... */
    size_t read[FILES]; /* ... and so many bytes of it belong to runs that are complete */
};

/* ---- the files' lines ---------------------------------------------------------------------------------------------- */

static void write_header(FILE *file, kind k)
{
    fprintf(file, "run,data,rows,stage,activation,layers,units,optimizer,rate,batch,epochs,dropout,init,seed,epoch");
    if (k == EPOCHS)
        for (size_t i = 0; i < STUDY_SCORES; i++) fprintf(file, ",%s", study_score_names[i]);
    if (k == EPOCHS) fprintf(file, ",last");
    if (k == LAYERS) fprintf(file, ",layer");
    if (k == LAYERS)
        for (size_t i = 0; i < STUDY_QUANTITIES; i++) fprintf(file, ",%s", study_quantity_names[i]);
    if (k == TIMES) fprintf(file, ",seconds");
    fprintf(file, "\n");
}

/* What every line of the next run begins with. */
static void format_prefix(const study_record *r, const study_run *run, char prefix[PREFIX])
{
    const study_config *c = r->config;
    (void)snprintf(prefix, PREFIX, "%zu,%.31s,%zu,%s,%s,%zu,%zu,%.20s,%.9g,%zu,%zu,%.9g,%s,%llu,", r->runs, r->data,
                   c->rows, study_stage_names[run->stage], r->activations->names[run->activation], run->layers,
                   c->units, c->optimizer, run->rate, c->batch, run->epochs, c->dropout, study_init_names[c->init],
                   (unsigned long long)run->seed);
}

static void write_number(FILE *file, double value)
{
    if (isnan(value))
        fprintf(file, ",");
    else
        fprintf(file, ",%.9g", value);
}

/* The next number of a line, behind a comma; an empty one is NaN. */
static double read_number(const char **text)
{
    *text += **text == ',';
    if (**text == ',' || **text == '\n') return (double)NAN;
    char *end;
    const double value = strtod(*text, &end);
    *text = end;
    return value;
}

/* ---- opening ------------------------------------------------------------------------------------------------------- */

/* The file's text up to its last complete line; empty if there is no file. NULL without memory. */
static char *read_file(const char *path)
{
    FILE *file = fopen(path, "r");
    size_t size = 0, capacity = 1 << 16;
    char *text = malloc(capacity);
    while (text && file) {
        size += fread(text + size, 1, capacity - 1 - size, file);
        if (size < capacity - 1) break;
        char *more = realloc(text, capacity *= 2);
        if (!more) free(text);
        text = more;
    }
    if (file) (void)fclose(file);
    if (!text) return NULL;
    while (size > 0 && text[size - 1] != '\n') size--;
    text[size] = 0;
    return text;
}

static ffn_status open_file(study_record *r, kind k, const char *folder, ffn_error *error)
{
    char header[LINE] = "";
    FILE *memory = fmemopen(header, sizeof header, "w");
    if (!memory) return ffn_fail(error, FFN_OUT_OF_MEMORY, "no memory for a header");
    write_header(memory, k);
    (void)fclose(memory);
    r->read[k] = strlen(header);
    (void)snprintf(r->path[k], PATH, "%s/%s", folder, file_names[k]);
    r->text[k] = read_file(r->path[k]);
    if (r->text[k] && r->text[k][0] == 0) { /* a new file */
        FILE *file = fopen(r->path[k], "w");
        if (!file) return ffn_fail(error, FFN_IO_ERROR, "%s: cannot write: %s", r->path[k], strerror(errno));
        (void)fputs(header, file);
        (void)fclose(file);
        free(r->text[k]);
        r->text[k] = strdup(header);
    }
    if (!r->text[k]) return ffn_fail(error, FFN_OUT_OF_MEMORY, "%s: no memory to read it", r->path[k]);
    if (strncmp(r->text[k], header, r->read[k]) == 0) return FFN_OK;
    return ffn_fail(error, FFN_BAD_FORMAT, "%s: its header is not that of a study", r->path[k]);
}

study_record *study_record_open(const char *folder, const char *data, const study_config *config,
                                const study_activations *activations, ffn_error *error)
{
    study_record *r = calloc(1, sizeof *r);
    if (!r) {
        (void)ffn_fail(error, FFN_OUT_OF_MEMORY, "no memory to keep records");
        return NULL;
    }
    r->data = data;
    r->config = config;
    r->activations = activations;
    (void)mkdir(folder, 0777); /* if it is not there in the end, opening a file will say so */
    for (kind k = EPOCHS; k < FILES; k++)
        if (open_file(r, k, folder, error) != FFN_OK) {
            study_record_close(r);
            return NULL;
        }
    return r;
}

void study_record_close(study_record *record)
{
    for (size_t k = 0; record && k < FILES; k++) free(record->text[k]);
    free(record);
}

/* ---- reading ------------------------------------------------------------------------------------------------------- */

/* Whether a line at `text` begins with the prefix: *rest is what follows the epoch, which must be `epoch`. */
static bool match(const char *text, const char *prefix, size_t epoch, const char **rest)
{
    const size_t length = strlen(prefix);
    if (strncmp(text, prefix, length) != 0) return false;
    char *end;
    const bool same = strtoull(text + length, &end, 10) == epoch;
    *rest = end;
    return same;
}

static const char *next_line(const char *text) { return strchr(text, '\n') + 1; }

/* Each reads the run's lines at `text` and returns where they end; NULL if they are not all there. */
static const char *read_epochs(const char *text, const char *prefix, study_result *result)
{
    bool last = false;
    for (const char *rest; !last && result->epochs < result->run.epochs; text = next_line(text)) {
        if (!match(text, prefix, result->epochs + 1, &rest)) return NULL;
        for (size_t i = 0; i < STUDY_SCORES; i++) result->scores[result->epochs][i] = read_number(&rest);
        last = read_number(&rest) == 1;
        result->epochs++;
    }
    return last ? text : NULL;
}

static const char *read_layers(const char *text, const char *prefix, study_result *result)
{
    const size_t layers = result->run.layers;
    const bool diverged = isnan(study_last(result, STUDY_TRAIN_LOSS));
    const size_t times = result->epochs + (diverged ? 0 : 1);
    for (size_t i = 0; i < times * layers; i++, text = next_line(text)) {
        const char *rest;
        if (!match(text, prefix, i / layers, &rest) || read_number(&rest) != (double)(i % layers + 1)) return NULL;
        for (size_t q = 0; q < STUDY_QUANTITIES; q++) result->layers[i].q[q] = read_number(&rest);
    }
    result->measured = times;
    return text;
}

static const char *read_times(const char *text, const char *prefix, study_result *result)
{
    for (size_t i = 0; i < result->epochs; i++, text = next_line(text)) {
        const char *rest;
        if (!match(text, prefix, i + 1, &rest)) return NULL;
        result->seconds[i] = read_number(&rest);
    }
    return text;
}

/* Cuts the files to the runs that are complete. */
static ffn_status start_writing(study_record *r, ffn_error *error)
{
    r->writing = true;
    for (kind k = EPOCHS; k < FILES; k++)
        if (truncate(r->path[k], (off_t)r->read[k]) != 0)
            return ffn_fail(error, FFN_IO_ERROR, "%s: cannot write: %s", r->path[k], strerror(errno));
    return FFN_OK;
}

ffn_status study_record_read(study_record *r, const study_run *run, study_result *result, bool *found, ffn_error *error)
{
    static const char *(*const readers[FILES])(const char *, const char *, study_result *) = {read_epochs, read_layers,
                                                                                              read_times};
    *found = false;
    if (r->writing) return FFN_OK;
    char prefix[PREFIX];
    format_prefix(r, run, prefix);
    const char *epochs = r->text[EPOCHS] + r->read[EPOCHS];
    if (*epochs && strncmp(epochs, prefix, strlen(prefix)) != 0)
        return ffn_fail(error, FFN_BAD_FORMAT,
                        "%s: run %zu is one of a study with other options; choose another folder", r->path[EPOCHS],
                        r->runs);
    ffn_status status = study_result_create(result, run, error);
    if (status != FFN_OK) return status;
    const char *ends[FILES];
    *found = true;
    for (kind k = EPOCHS; k < FILES && *found; k++) {
        ends[k] = readers[k](r->text[k] + r->read[k], prefix, result);
        *found = ends[k] != NULL;
    }
    if (!*found) {
        study_result_destroy(result);
        return start_writing(r, error);
    }
    for (kind k = EPOCHS; k < FILES; k++) r->read[k] = (size_t)(ends[k] - r->text[k]);
    r->runs++;
    return FFN_OK;
}

/* ---- writing ------------------------------------------------------------------------------------------------------- */

static void write_epochs(FILE *file, const char *prefix, const study_result *result)
{
    for (size_t i = 0; i < result->epochs; i++) {
        fprintf(file, "%s%zu", prefix, i + 1);
        for (size_t j = 0; j < STUDY_SCORES; j++) write_number(file, result->scores[i][j]);
        fprintf(file, ",%d\n", i + 1 == result->epochs);
    }
}

static void write_layers(FILE *file, const char *prefix, const study_result *result)
{
    const size_t layers = result->run.layers;
    for (size_t i = 0; i < result->measured * layers; i++) {
        fprintf(file, "%s%zu,%zu", prefix, i / layers, i % layers + 1);
        for (size_t q = 0; q < STUDY_QUANTITIES; q++) write_number(file, result->layers[i].q[q]);
        fprintf(file, "\n");
    }
}

static void write_times(FILE *file, const char *prefix, const study_result *result)
{
    for (size_t i = 0; i < result->epochs; i++) fprintf(file, "%s%zu,%.6g\n", prefix, i + 1, result->seconds[i]);
}

ffn_status study_record_write(study_record *r, const study_result *result, ffn_error *error)
{
    static void (*const writers[FILES])(FILE *, const char *, const study_result *) = {write_epochs, write_layers,
                                                                                       write_times};
    char prefix[PREFIX];
    format_prefix(r, &result->run, prefix);
    for (kind k = EPOCHS; k < FILES; k++) {
        FILE *file = fopen(r->path[k], "a");
        if (!file) return ffn_fail(error, FFN_IO_ERROR, "%s: cannot write: %s", r->path[k], strerror(errno));
        writers[k](file, prefix, result);
        const bool failed = ferror(file) != 0;
        if (fclose(file) != 0 || failed)
            return ffn_fail(error, FFN_IO_ERROR, "%s: cannot write: %s", r->path[k], strerror(errno));
    }
    r->runs++;
    return FFN_OK;
}
