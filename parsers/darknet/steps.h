/* Time in recurrent layers: the batch is [time_steps][sequences], and the steps are laid out
 * one behind the other as ordinary nodes, from a state of zeros. */
#ifndef TDNN_PARSERS_DARKNET_STEPS_H
#define TDNN_PARSERS_DARKNET_STEPS_H

#include "parsers/darknet/net.h"

typedef struct tdnn_dark_steps {
    tdnn_dark_value *x; /* the input of each step                      */
    tdnn_id *out;       /* to fill: the output of each step            */
    size_t count;
} tdnn_dark_steps;

tdnn_status tdnn_dark_steps_split(tdnn_dark_net *net, const tdnn_dark_value *in,
                                  tdnn_dark_steps *steps);
/* net->out: all outputs, each of the size that `one` has. */
tdnn_status tdnn_dark_steps_join(tdnn_dark_net *net, const tdnn_dark_steps *steps,
                                 const tdnn_dark_value *one, const char *name);
/* A state before the first step: zeros, for any number of sequences. */
tdnn_status tdnn_dark_steps_zero(tdnn_dark_net *net, const tdnn_dark_value *like, tdnn_id *out);

/* The keys that describe the convolutions inside crnn and conv_lstm. */
tdnn_status tdnn_dark_cell_conv(tdnn_dark_net *net, tdnn_dark_conv *conv);

#endif
