/* RNN, GRU and LSTM: what the operators, their steps and their activations share. */
#ifndef TDNN_OPS_RECURRENT_H
#define TDNN_OPS_RECURRENT_H

#include "lib/ops/op.h"

typedef struct tdnn_recurrent_params {
    tdnn_strings activations;
    tdnn_floats activation_alpha, activation_beta;
    float clip;
    bool has_clip;
    int64_t direction, hidden_size, layout, input_forget, linear_before_reset;
} tdnn_recurrent_params;

/* ---- activations by name ---- */

typedef struct tdnn_cell_act {
    enum tdnn_cell_activation {
        TDNN_CELL_KERNEL,
        TDNN_CELL_AFFINE,
        TDNN_CELL_SCALED_TANH,
        TDNN_CELL_SOFTSIGN,
        TDNN_CELL_THRESHOLDED
    } kind;
    tdnn_act act; /* of TDNN_CELL_KERNEL; alpha and beta of the others too */
} tdnn_cell_act;

/* Functions f, g, h of each direction, as the model or the operator's default has them. */
tdnn_status tdnn_cell_acts(const tdnn_recurrent_params *params, size_t directions, size_t each,
                           tdnn_cell_act *out, tdnn_error *err);
void tdnn_cell_act_run(const tdnn_cell_act *act, const tdnn_kernels *kernels, float *x,
                       size_t n);

/* ---- one step ---- */

/* What stays the same through all steps of a direction. */
typedef struct tdnn_cell {
    const tdnn_kernels *kernels;
    size_t batch, hidden;
    const tdnn_cell_act *acts; /* f, g, h                                              */
    float clip;                /* infinity: none                                       */
    bool input_forget, linear_before_reset;
    const float *r[2];      /* packed recurrent weights: all gates; GRU: z r, and h */
    const float *r_bias;    /* GRU: of the hidden gate's recurrent part; NULL: none */
    const float *peepholes; /* LSTM: i, o, f; NULL: none                            */
    /* Room for the step, a row for each of the batch. */
    float *gates; /* what the input gives; overwritten                    */
    float *product, *reset, *packed;
    float *h, *c; /* the state, updated in rows that are active           */
    const unsigned char *active;
} tdnn_cell;

/* Gates of the operator: 1, 3 or 4. */
size_t tdnn_cell_gates(tdnn_op_kind kind);
/* Gates in each of the two parts of the packed recurrent weights. */
size_t tdnn_cell_part(tdnn_op_kind kind, size_t part);
void tdnn_cell_step(tdnn_op_kind kind, const tdnn_cell *cell);

#endif
