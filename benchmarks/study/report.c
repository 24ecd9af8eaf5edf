#include "study.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Scores of the final runs that did not diverge. */
typedef struct scores {
    size_t activation, runs, count;
    double accuracy[STUDY_MOST_SEEDS], loss[STUDY_MOST_SEEDS];
    double epoch_seconds;
} scores;

static void collect(const study *s, size_t activation, scores *out)
{
    const study_result *results[STUDY_MOST_SEEDS];
    *out = (scores){.activation = activation};
    out->runs = study_select(s, STUDY_FINAL, activation, 0, results);
    for (size_t i = 0; i < out->runs; i++) {
        const study_result *r = results[i];
        const double accuracy = study_last(r, STUDY_TEST_ACCURACY);
        if (isnan(accuracy)) continue;
        out->epoch_seconds += r->seconds[r->epochs - 1] / (double)r->epochs;
        out->accuracy[out->count] = accuracy;
        out->loss[out->count++] = study_last(r, STUDY_TEST_LOSS);
    }
    out->epoch_seconds /= (double)out->count;
}

/* Best first; an activation all of whose runs diverged comes last. */
static int by_accuracy(const void *a, const void *b)
{
    const scores *x = a, *y = b;
    const double mx = study_mean(x->accuracy, x->count), my = study_mean(y->accuracy, y->count);
    if (isnan(mx) || isnan(my)) return isnan(mx) - isnan(my);
    return (mx < my) - (mx > my);
}

/* ---- learning and dying -------------------------------------------------------------------------------------------- */

/* At the runs' ends, in percent. */
static double percent(const study_result **results, size_t count, study_quantity quantity)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++) sum += study_average(&results[i], 1, results[i]->measured - 1, 0, quantity);
    return 100 * sum / (double)count;
}

static void print_learning(const study *s, const scores *sorted, FILE *out)
{
    fprintf(out, "\nLEARNING: test score after training, mean and 95 %% interval; units and values at the end in %%\n"
                 "                rate  accuracy           loss   ms/epoch    dead  saturated   flat  zeros\n");
    for (size_t i = 0; i < s->activations.count; i++) {
        const scores *c = &sorted[i];
        const study_result *results[STUDY_MOST_SEEDS];
        const size_t count = study_select(s, STUDY_FINAL, c->activation, 0, results);
        fprintf(out, "%-13s%7g  %.4f +- %.4f  %7.4f %10.2f %7.1f %10.1f %6.1f %6.1f",
                s->activations.names[c->activation], s->rates[c->activation], study_mean(c->accuracy, c->count),
                study_interval(c->accuracy, c->count), study_mean(c->loss, c->count), 1e3 * c->epoch_seconds,
                percent(results, count, STUDY_DEAD), percent(results, count, STUDY_SATURATED),
                percent(results, count, STUDY_FLAT), percent(results, count, STUDY_ZEROS));
        if (c->count < c->runs) fprintf(out, "  %zu of %zu diverged", c->runs - c->count, c->runs);
        fprintf(out, "\n");
    }
}

/* The slopes that PReLU learned, layer by layer. */
static void print_slopes(const study *s, FILE *out)
{
    for (size_t a = 0; a < s->activations.count; a++) {
        const study_result *results[STUDY_MOST_SEEDS];
        const size_t count = study_select(s, STUDY_FINAL, a, 0, results);
        if (count == 0 || isnan(study_average(results, count, 0, 1, STUDY_SLOPE))) continue;
        fprintf(out, "%s: slopes learned, from the first layer:", s->activations.names[a]);
        for (size_t layer = 1; layer <= s->config.layers; layer++) {
            double slopes[STUDY_MOST_SEEDS];
            for (size_t i = 0; i < count; i++)
                slopes[i] = study_average(&results[i], 1, results[i]->measured - 1, layer, STUDY_SLOPE);
            fprintf(out, " %.3f +- %.3f", study_mean(slopes, count), study_interval(slopes, count));
        }
        fprintf(out, "\n");
    }
}

/* Pairs of the sorted: + the row's is better, - worse, at 5 % by Welch's test, adjusted for the number of pairs. */
static ffn_status print_pairs(const study *s, const scores *sorted, FILE *out, ffn_error *error)
{
    const size_t n = s->activations.count, pairs = n * (n - 1) / 2;
    double *p = calloc(pairs + 1, sizeof *p);
    if (!p) return ffn_fail(error, FFN_OUT_OF_MEMORY, "no memory for %zu pairs", pairs);
    for (size_t i = 0, k = 0; i < n; i++)
        for (size_t j = i + 1; j < n; j++, k++)
            p[k] = study_welch(sorted[i].accuracy, sorted[i].count, sorted[j].accuracy, sorted[j].count);
    study_holm(p, pairs);
    size_t different = 0;
    fprintf(out,
            "\nPAIRS by accuracy: + better, - worse, . no difference at 5 %% (Welch's t, Holm's correction for %zu "
            "pairs)\n",
            pairs);
    for (size_t i = 0; i < n; i++) {
        fprintf(out, "%-13s", s->activations.names[sorted[i].activation]);
        for (size_t j = 0; j < n; j++) {
            const size_t low = i < j ? i : j, high = i < j ? j : i, k = low * n - low * (low + 1) / 2 + high - low - 1;
            const bool significant = i != j && p[k] < 0.05;
            fprintf(out, " %c", i == j ? ' ' : significant ? (i < j ? '+' : '-') : '.');
            different += significant && i < j;
        }
        fprintf(out, "\n");
    }
    fprintf(out, "%zu of %zu pairs differ\n", different, pairs);
    free(p);
    return FFN_OK;
}

/* ---- the start, and gradients -------------------------------------------------------------------------------------- */

/* At the start in the last hidden layer of the networks compared, measured and by theory. */
static void print_start(const study *s, FILE *out)
{
    static const study_quantity measured[] = {STUDY_MEAN, STUDY_VARIANCE, STUDY_GRADIENT_VARIANCE, STUDY_GAIN};
    static const study_quantity theory[] = {STUDY_THEORY_MEAN, STUDY_THEORY_VARIANCE, STUDY_THEORY_GRADIENT_VARIANCE,
                                            STUDY_THEORY_GAIN};
    const size_t last = s->config.layers;
    fprintf(out,
            "\nAT THE START, measured and by theory: values in layer %zu, gradients in layer 1\n"
            "                 mean  theory   variance  theory   gradient variance  theory     gain  theory\n",
            last);
    for (size_t a = 0; a < s->activations.count; a++) {
        const study_result *r[STUDY_MOST_SEEDS];
        const size_t n = study_select(s, STUDY_FINAL, a, 0, r);
        double found[COUNT(measured)], known[COUNT(theory)];
        for (size_t q = 0; q < COUNT(measured); q++) {
            const size_t layer = q < 2 ? last : 1;
            found[q] = study_average(r, n, 0, layer, measured[q]);
            known[q] = study_average(r, n, 0, layer, theory[q]);
        }
        fprintf(out, "%-13s%8.4f%8.4f%11.4f%8.4f%20.2e%9.1e%8.3f%8.3f\n", s->activations.names[a], found[0], known[0],
                found[1], known[1], found[2], known[2], found[3], known[3]);
    }
}

/* The power of ten of the first layer's gradient over the last one's. */
static double vanishing(const study_result **r, size_t count, size_t layers, bool at_end)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        const size_t epoch = at_end ? r[i]->measured - 1 : 0;
        sum += log10(study_average(&r[i], 1, epoch, 1, STUDY_WEIGHT_GRADIENT) /
                     study_average(&r[i], 1, epoch, layers, STUDY_WEIGHT_GRADIENT));
    }
    return sum / (double)count;
}

static void print_gradients(const study *s, FILE *out)
{
    const study_config *c = &s->config;
    fprintf(
        out,
        "\nGRADIENTS by depth: power of ten of the norm in layer 1 over that in the last hidden layer, at the start\n"
        "and after %zu epochs%s\n             ",
        c->depth_epochs, c->sigmoid_output ? "" : ", with the test accuracy that is reached");
    for (size_t d = 0; d < STUDY_MOST_DEPTHS && c->depths[d]; d++) fprintf(out, "%8zu layers     ", c->depths[d]);
    fprintf(out, "\n");
    for (size_t a = 0; a < s->activations.count; a++) {
        fprintf(out, "%-13s", s->activations.names[a]);
        for (size_t d = 0; d < STUDY_MOST_DEPTHS && c->depths[d]; d++) {
            const study_result *r[STUDY_MOST_SEEDS];
            const size_t count = study_select(s, STUDY_DEPTH, a, c->depths[d], r);
            double accuracy = 0;
            for (size_t i = 0; i < count; i++) accuracy += study_last(r[i], STUDY_TEST_ACCURACY) / (double)count;
            fprintf(out, "%7.1f%7.1f", vanishing(r, count, c->depths[d], false),
                    vanishing(r, count, c->depths[d], true));
            if (c->sigmoid_output) /* whose accuracy is one of outputs, not of rows */
                fprintf(out, "      ");
            else
                fprintf(out, " %.3f", accuracy);
        }
        fprintf(out, "\n");
    }
}

/* ---- published figures --------------------------------------------------------------------------------------------- */

/* A published figure, seed by seed. */
static size_t find_figure(const study *s, const study_published *f, size_t activation, double *values)
{
    const study_result *results[STUDY_MOST_SEEDS];
    const study_stage stage = s->config.layers ? STUDY_FINAL : STUDY_DEPTH;
    const size_t runs = study_select(s, stage, activation, f->layers, results);
    size_t count = 0;
    for (size_t i = 0; i < runs; i++) {
        const double value =
            strcmp(f->figure, "gradient") == 0
                ? study_average(&results[i], 1, 0, f->layer, STUDY_BIAS_GRADIENT)
                : study_last(results[i],
                             strcmp(f->figure, "test accuracy") == 0 ? STUDY_TEST_ACCURACY : STUDY_VALIDATION_LOSS);
        if (!isnan(value)) values[count++] = value;
    }
    return count;
}

static void print_published(const study *s, FILE *out)
{
    size_t printed = 0;
    for (const study_published *f = study_published_figures; f->experiment; f++) {
        if (strcmp(f->experiment, s->config.name) != 0) continue;
        for (size_t a = 0; a < s->activations.count; a++) {
            if (strcmp(f->activation, s->activations.names[a]) != 0) continue;
            double values[STUDY_MOST_SEEDS];
            const size_t count = find_figure(s, f, a, values);
            const double mean = study_mean(values, count);
            char where[64] = "";
            if (f->layer) (void)snprintf(where, sizeof where, ", layer %zu of %zu", f->layer, f->layers);
            if (printed++ == 0)
                fprintf(out, "\nPUBLISHED, with a tolerance, and found: mean, deviation and median over seeds\n");
            fprintf(out, "%-10s %s%-16s %7.4g +- %-7.2g found %7.4g +- %-7.2g (%.4g, %zu seeds)  %s\n", f->activation,
                    f->figure, where, f->value, f->tolerance, mean, study_deviation(values, count),
                    study_median(values, count), count, fabs(mean - f->value) <= f->tolerance ? "agrees" : "DIFFERS");
        }
    }
}

/* ---- the page ------------------------------------------------------------------------------------------------------ */

ffn_status study_report(const study *s, FILE *out, ffn_error *error)
{
    const study_config *c = &s->config;
    ffn_status status = FFN_OK;
    fprintf(out, "%s: %s\n", c->name, c->what);
    fprintf(out, "%s: %zu rows for training, %zu for validation, %zu for the test; %s, batches of %zu, weights: %s",
            s->data.name, ffn_dataset_rows(s->data.train), ffn_dataset_rows(s->data.validation),
            ffn_dataset_rows(s->data.test), c->optimizer, c->batch, study_init_names[c->init]);
    if (c->dropout > 0) fprintf(out, ", dropout %g", c->dropout);
    if (c->layers)
        fprintf(out, "\n%zu hidden layers of %zu, %zu epochs, %zu seeds", c->layers, c->units, c->epochs, c->seeds);
    fprintf(out, "\n");
    if (c->layers) {
        scores *sorted = calloc(s->activations.count, sizeof *sorted);
        if (!sorted) return ffn_fail(error, FFN_OUT_OF_MEMORY, "no memory for the report");
        for (size_t a = 0; a < s->activations.count; a++) collect(s, a, &sorted[a]);
        qsort(sorted, s->activations.count, sizeof *sorted, by_accuracy);
        print_learning(s, sorted, out);
        print_slopes(s, out);
        status = print_pairs(s, sorted, out, error);
        free(sorted);
        print_start(s, out);
    }
    if (c->depths[0]) print_gradients(s, out);
    print_published(s, out);
    return status;
}
