/* Classification from a CSV file with text labels: which iris is it? The argument may name another such
 * file. */
#include "show.h"

#include <stdio.h>

#ifndef FFN_EXAMPLES_DATA
#define FFN_EXAMPLES_DATA "data"
#endif

static ffn_status train(ffn_model *model, const ffn_dataset *data, ffn_error *error)
{
    ffn_value h = ffn_input(model, ffn_dataset_sample_shape(data));
    h = ffn_standardize(model, h); /* in the model, so that it takes centimetres */
    h = ffn_dense(model, h, 16, ffn_relu());
    h = ffn_dense(model, h, ffn_dataset_classes(data), ffn_softmax());
    const ffn_status status = ffn_model_build(model, h, error);
    if (status != FFN_OK) return status;

    ffn_fit_options options = ffn_fit_defaults(); /* after a softmax the loss is the cross entropy */
    options.optimizer = ffn_adam(0.01f);
    options.batch_size = 16;
    options.epochs = 60;
    return ffn_fit(model, data, &options, NULL, error);
}

/* One flower that nobody has labelled; nothing to ask if the file was not of irises. */
static ffn_status ask(const ffn_model *model, const ffn_dataset *data, ffn_error *error)
{
    const float flower[4] = {6.1f, 2.8f, 4.7f, 1.2f};
    float p[3];
    if (ffn_shape_size(ffn_model_input_shape(model)) != 4 || ffn_shape_size(ffn_model_output_shape(model)) != 3)
        return FFN_OK;
    const ffn_status status = ffn_predict(model, flower, 1, p, error);
    if (status != FFN_OK) return status;
    printf("\na flower of 6.1 by 2.8 cm (sepal) and 4.7 by 1.2 cm (petal) is\n");
    for (size_t i = 0; i < 3; i++)
        printf("  %-12s with probability %.3f\n", ffn_dataset_class_name(data, i), (double)p[i]);
    return FFN_OK;
}

static const char usage[] = "iris [IRIS.csv]\n"
                            "Learns to tell three kinds of iris by the sizes of their leaves.";

int main(int argc, char **argv)
{
    const int asked = show_usage(argc, argv, usage);
    if (asked >= 0) return asked;
    const char *path = argc > 1 ? argv[1] : FFN_EXAMPLES_DATA "/iris.csv";
    ffn_error error = {0};
    ffn_dataset *all = NULL, *training = NULL, *test = NULL;
    ffn_metrics metrics = {0};

    /* With no options the header is found by itself and the last column, the species' names, gives the classes. */
    ffn_model *model = ffn_model_create(1, &error);
    all = ffn_dataset_load_csv(path, NULL, &error);
    bool ok = model && all && ffn_dataset_split_stratified(all, 0.8f, 1, &training, &test, &error) == FFN_OK &&
              train(model, training, &error) == FFN_OK &&
              ffn_evaluate(model, test, ffn_cross_entropy(), &metrics, &error) == FFN_OK;
    if (ok) {
        printf("%zu rows to train on, %zu to test\n\n", ffn_dataset_rows(training), ffn_dataset_rows(test));
        show_scores(&metrics, test);
        printf("\ntest accuracy %.4f, loss %.4f\n", metrics.accuracy, metrics.loss);
        ok = ask(model, test, &error) == FFN_OK;
    }

    ffn_metrics_destroy(&metrics);
    ffn_dataset_destroy(test);
    ffn_dataset_destroy(training);
    ffn_dataset_destroy(all);
    ffn_model_destroy(model);
    return ok ? 0 : show_error("iris", &error);
}
