/* The activations that recurrent layers may name. */
#include "lib/ops/recurrent.h"

#include <math.h>
#include <string.h>
#include <strings.h>

static const struct {
    const char *name;
    enum tdnn_cell_activation kind;
    int act;
    float alpha, beta; /* defaults */
    bool has_alpha, has_beta;
} rows[] = {
    {"Relu", TDNN_CELL_KERNEL, TDNN_ACTIVATE_CLIP, 0, INFINITY, false, false},
    {"Tanh", TDNN_CELL_KERNEL, TDNN_ACTIVATE_TANH, 0, 0, false, false},
    {"Sigmoid", TDNN_CELL_KERNEL, TDNN_ACTIVATE_SIGMOID, 0, 0, false, false},
    {"Affine", TDNN_CELL_AFFINE, 0, 1, 0, true, true},
    {"LeakyRelu", TDNN_CELL_KERNEL, TDNN_ACTIVATE_LEAKY, 0.01f, 0, true, false},
    {"ThresholdedRelu", TDNN_CELL_THRESHOLDED, 0, 1, 0, true, false},
    {"ScaledTanh", TDNN_CELL_SCALED_TANH, 0, 1, 1, true, true},
    {"HardSigmoid", TDNN_CELL_KERNEL, TDNN_ACTIVATE_HARDSIGMOID, 0.2f, 0.5f, true, true},
    {"Elu", TDNN_CELL_KERNEL, TDNN_ACTIVATE_ELU, 1, 0, true, false},
    {"Softsign", TDNN_CELL_SOFTSIGN, 0, 0, 0, false, false},
    {"Softplus", TDNN_CELL_KERNEL, TDNN_ACTIVATE_SOFTPLUS, 0, 0, false, false},
};

static tdnn_status find(const char *name, size_t *row, tdnn_error *err)
{
    for (*row = 0; *row < sizeof rows / sizeof *rows; ++*row)
        if (strcasecmp(name, rows[*row].name) == 0) return TDNN_OK;
    return TDNN_FAIL(err, TDNN_ERR_UNSUPPORTED, "activation \"%.40s\"", name);
}

/* Alphas and betas belong, in order, to the functions that take them. */
tdnn_status tdnn_cell_acts(const tdnn_recurrent_params *p, size_t directions, size_t each,
                           tdnn_cell_act *out, tdnn_error *err)
{
    static const char *const usual[] = {"Sigmoid", "Tanh", "Tanh"};
    size_t alphas = 0, betas = 0;
    if (p->activations.count && p->activations.count != directions * each)
        return TDNN_FAIL(err, TDNN_ERR_SHAPE, "%zu activations, expected %zu",
                         p->activations.count, directions * each);
    for (size_t i = 0; i < directions * each; i++) {
        size_t row;
        const char *name = each == 1 ? "Tanh" : usual[i % each];
        TDNN_TRY(find(p->activations.count ? p->activations.at[i] : name, &row, err));
        float alpha = rows[row].alpha, beta = rows[row].beta;
        if (rows[row].has_alpha && alphas < p->activation_alpha.count)
            alpha = p->activation_alpha.at[alphas++];
        if (rows[row].has_beta && betas < p->activation_beta.count)
            beta = p->activation_beta.at[betas++];
        out[i].kind = rows[row].kind;
        out[i].act = (tdnn_act){(tdnn_act_kind)rows[row].act, alpha, beta};
    }
    return TDNN_OK;
}

void tdnn_cell_act_run(const tdnn_cell_act *a, const tdnn_kernels *k, float *x, size_t n)
{
    static const tdnn_act tangent = {.kind = TDNN_ACTIVATE_TANH};
    const float alpha = a->act.alpha, beta = a->act.beta;
    switch (a->kind) {
    case TDNN_CELL_KERNEL: k->activate_f32(x, x, n, &a->act); break;
    case TDNN_CELL_AFFINE: k->affine_f32(x, x, n, alpha, beta); break;
    case TDNN_CELL_SCALED_TANH:
        k->affine_f32(x, x, n, beta, 0);
        k->activate_f32(x, x, n, &tangent);
        k->affine_f32(x, x, n, alpha, 0);
        break;
    case TDNN_CELL_SOFTSIGN:
        for (size_t i = 0; i < n; i++) x[i] = x[i] / (1 + fabsf(x[i]));
        break;
    case TDNN_CELL_THRESHOLDED:
        for (size_t i = 0; i < n; i++) x[i] = x[i] > alpha ? x[i] : 0;
        break;
    }
}
