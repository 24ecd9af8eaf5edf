/* The blocks of C in docs/model-selection.md, each where it makes sense: compiled and run on iris, and on a table with words. */
#include <ffn.h>
#include <stdio.h>
#include <stdlib.h>

static void require(bool holds, const char *what, const ffn_error *error)
{
    if (holds) return;
    fprintf(stderr, "%s: %s\n", what, error ? error->message : "not as the guide says");
    exit(1);
}

#include "model_selection_2.c" /* build */

static ffn_model *train(const ffn_dataset *data)
{
    ffn_error error = {FFN_OK, ""};
    ffn_model *model = build(NULL, 1, data, NULL, &error);
    require(model && ffn_fit(model, data, NULL, NULL, &error) == FFN_OK, "training", &error);
    return model;
}

static void measure(const ffn_model *model, const ffn_dataset *test)
{
    ffn_status status;
    ffn_error error = {FFN_OK, ""};
#include "model_selection_1.c"
    require(status == FFN_OK && auc > 0.9 && auc <= 1, "one figure", &error);
}

static void choose(const ffn_dataset *data)
{
    ffn_status status;
    ffn_error error = {FFN_OK, ""};
    (void)remove("search.csv");
#include "model_selection_3.c"
    require(status == FFN_OK && result.folds == 5 && result.mean > 0.8, "folds", &error);
    ffn_cross_validation_destroy(&result);
    options.fit.epochs = 5;
#include "model_selection_4.c"
    require(status == FFN_OK && found.model && found.count == 50 && found.best->score > 0.9, "search", &error);
    FILE *log = fopen("search.csv", "r");
    require(log != NULL, "the log", NULL);
    (void)fclose(log);
    ffn_search_result_destroy(&found);
}

static void write(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    require(file && fputs(text, file) >= 0 && fclose(file) == 0, path, NULL);
}

static void read_words(void)
{
    ffn_error error = {FFN_OK, ""};
    write("cars.csv", "fuel,weight,class\ndiesel,1.5,van\npetrol,1.1,car\ndiesel,1.2,car\npetrol,1.9,van\n");
    write("new-cars.csv", "fuel,weight\npetrol,1.3\n");
#include "model_selection_5.c"
    require(data && ffn_dataset_inputs(data).shape.dim[1] == 3, "words", &error);
    ffn_model *model = train(data);
#include "model_selection_6.c"
    require(rows && ffn_dataset_inputs(rows).data[0] == 0 && ffn_dataset_inputs(rows).data[1] == 1, "known words",
            &error);
    ffn_dataset_destroy(rows);
    ffn_dataset_destroy(data);
    ffn_model_destroy(model);
}

static void calibrate(ffn_model *model, const ffn_dataset *validation)
{
    ffn_status status;
    ffn_error error = {FFN_OK, ""};
#include "model_selection_7.c"
    require(status == FFN_OK && temperature >= 0.01 && temperature <= 100, "calibration", &error);
}

int main(int argc, char **argv)
{
    ffn_error error = {FFN_OK, ""};
    ffn_dataset *data = ffn_dataset_load_csv(argc > 1 ? argv[1] : "iris.csv", NULL, &error);
    ffn_dataset *training = NULL, *test = NULL;
    require(data && ffn_dataset_split_stratified(data, 0.7f, 1, &training, &test, &error) == FFN_OK, "data", &error);
    ffn_model *model = train(training);
    measure(model, test);
    calibrate(model, test);
    choose(training);
    read_words();
    ffn_model_destroy(model);
    ffn_dataset_destroy(training);
    ffn_dataset_destroy(test);
    ffn_dataset_destroy(data);
    puts("every block runs");
    return 0;
}
