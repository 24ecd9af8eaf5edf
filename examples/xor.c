/* The smallest network that learns something: exclusive or, from its four rows. */
#include <ffn.h>
#include <stdio.h>

int main(void)
{
    const float x[4][2] = {{0, 0}, {0, 1}, {1, 0}, {1, 1}}, y[4] = {0, 1, 1, 0};
    float p[4];
    ffn_error error = {0};

    /* A network is described from the input on: each call takes a value and returns the next one. */
    ffn_model *model = ffn_model_create(42, &error);
    ffn_value h = ffn_input(model, ffn_shape_1d(2));
    h = ffn_dense(model, h, 8, ffn_tanh());
    h = ffn_dense(model, h, 1, ffn_sigmoid());

    ffn_dataset *data = ffn_dataset_from_arrays(&x[0][0], ffn_shape_1d(2), y, ffn_shape_1d(1), 4, &error);

    ffn_fit_options options = ffn_fit_defaults();
    options.loss = ffn_binary_cross_entropy();
    options.optimizer = ffn_adam(0.05f);
    options.epochs = 500;

    /* Every call that can fail says so, and the error says why. A mistake in the description shows up in build. */
    const bool ok = model && data && ffn_model_build(model, h, &error) == FFN_OK &&
                    ffn_fit(model, data, &options, NULL, &error) == FFN_OK &&
                    ffn_predict(model, &x[0][0], 4, p, &error) == FFN_OK;
    if (ok)
        for (int i = 0; i < 4; i++) printf("%g xor %g = %.3f\n", (double)x[i][0], (double)x[i][1], (double)p[i]);
    else
        fprintf(stderr, "xor: %s\n", error.message);

    ffn_dataset_destroy(data);
    ffn_model_destroy(model);
    return ok ? 0 : 1;
}
