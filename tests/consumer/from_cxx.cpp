// The same contract from C++11: the header compiles, the names link, a network learns.
#include <ffn.h>

#include <cmath>
#include <iostream>
#include <memory>

int main()
{
    const float x[4][2] = {{0, 0}, {0, 1}, {1, 0}, {1, 1}};
    const float y[4] = {0, 1, 1, 0};
    ffn_error error = {};

    std::unique_ptr<ffn_model, void (*)(ffn_model *)> model(ffn_model_create(42, &error), ffn_model_destroy);
    ffn_value h = ffn_input(model.get(), ffn_shape_1d(2));
    h = ffn_dense(model.get(), h, 8, ffn_tanh());
    h = ffn_dense(model.get(), h, 1, ffn_sigmoid());
    if (ffn_model_build(model.get(), h, &error) != FFN_OK) {
        std::cerr << error.message << '\n';
        return 1;
    }

    std::unique_ptr<ffn_dataset, void (*)(ffn_dataset *)> data(
        ffn_dataset_from_arrays(&x[0][0], ffn_shape_1d(2), y, ffn_shape_1d(1), 4, &error), ffn_dataset_destroy);
    ffn_fit_options options = ffn_fit_defaults();
    options.optimizer = ffn_adam(0.05f);
    options.epochs = 500;
    if (ffn_fit(model.get(), data.get(), &options, nullptr, &error) != FFN_OK) {
        std::cerr << error.message << '\n';
        return 1;
    }

    float p[4];
    if (ffn_predict(model.get(), &x[0][0], 4, p, &error) != FFN_OK) return 1;
    for (int i = 0; i < 4; i++)
        if (!(std::fabs(p[i] - y[i]) < 0.1f)) return 1;
    return 0;
}
