/* conv_lstm and history: memory of images. */
#include "parsers/darknet/steps.h"

#include <string.h>

tdnn_status tdnn_dark_cell_conv(tdnn_dark_net *net, tdnn_dark_conv *conv)
{
    enum { MOST = 1 << 12 };
    bool pad;
    TDNN_TRY(tdnn_dark_int(net, "size", 3, 1, MOST, &conv->size));
    TDNN_TRY(tdnn_dark_int(net, "stride", 1, 1, MOST, &conv->stride_x));
    TDNN_TRY(tdnn_dark_int(net, "dilation", 1, 1, MOST, &conv->dilation));
    TDNN_TRY(tdnn_dark_int(net, "padding", 0, 0, MOST, &conv->padding));
    TDNN_TRY(tdnn_dark_int(net, "groups", 1, 1, 1 << 24, &conv->groups));
    TDNN_TRY(tdnn_dark_flag(net, "pad", &pad));
    TDNN_TRY(tdnn_dark_flag(net, "batch_normalize", &conv->batch_normalize));
    TDNN_TRY(tdnn_dark_refuse(net, "xnor"));
    conv->stride_y = conv->stride_x;
    if (pad) conv->padding = conv->size / 2;
    return TDNN_OK;
}

enum { F, I, O, G, PARTS };

typedef struct cell {
    tdnn_dark_conv conv;
    bool peephole;
    float constrain; /* the cell stays within this on both sides; 0: free */
    const char *activation, *cell_activation;
    tdnn_dark_weights u[PARTS], w[PARTS], v[PARTS]; /* of input, state, cell (not G) */
} cell;

static tdnn_status check_groups(tdnn_dark_net *net, const tdnn_dark_conv *conv,
                                int64_t channels)
{
    if (channels % conv->groups == 0 && conv->filters % conv->groups == 0) return TDNN_OK;
    return tdnn_cfg_error(
        net->section, "groups",
        TDNN_DARK_FAIL(net, TDNN_ERR_SHAPE, "groups divide neither channels nor filters"),
        net->err);
}

/* In the file: peepholes f, i, o; state f, i, g, o; input f, i, g, o. */
static tdnn_status take_cell(tdnn_dark_net *net, cell *c, int64_t channels)
{
    static const int order[] = {F, I, G, O}, peepholes[] = {F, I, O};
    TDNN_TRY(check_groups(net, &c->conv, channels));
    for (size_t i = 0; c->peephole && i < 3; i++)
        TDNN_TRY(tdnn_dark_conv_take(net, &c->conv, c->conv.filters, &c->v[peepholes[i]]));
    for (size_t i = 0; i < 4; i++)
        TDNN_TRY(tdnn_dark_conv_take(net, &c->conv, c->conv.filters, &c->w[order[i]]));
    for (size_t i = 0; i < 4; i++)
        TDNN_TRY(tdnn_dark_conv_take(net, &c->conv, channels, &c->u[order[i]]));
    return TDNN_OK;
}

static tdnn_status convolve(tdnn_dark_net *net, const cell *c, const tdnn_dark_weights *w,
                            tdnn_dark_value x, tdnn_dark_value *out)
{
    TDNN_TRY(tdnn_dark_conv_add(net, &c->conv, w, false, &x));
    *out = x;
    return tdnn_dark_activate(net, c->activation, false, &out->id);
}

/* f(u(x) + w(h) + v(memory)); memory NULL: without that */
static tdnn_status gate(tdnn_dark_net *net, const cell *c, int part, const tdnn_dark_value *x,
                        const tdnn_dark_value *h, const tdnn_dark_value *memory, tdnn_id *out)
{
    tdnn_dark_value a, b;
    TDNN_TRY(convolve(net, c, &c->u[part], *x, &a));
    TDNN_TRY(convolve(net, c, &c->w[part], *h, &b));
    if (a.h != h->h || a.w != h->w || b.h != h->h || b.w != h->w)
        return TDNN_DARK_FAIL(net, TDNN_ERR_FORMAT,
                              "[conv_lstm] whose convolutions change the size of the image");
    TDNN_TRY(tdnn_dark_op2(net, "Add", a.id, b.id, out));
    if (memory) {
        TDNN_TRY(convolve(net, c, &c->v[part], *memory, &a));
        TDNN_TRY(tdnn_dark_op2(net, "Add", *out, a.id, out));
    }
    return tdnn_dark_activate(net, part == G ? c->cell_activation : "logistic", false, out);
}

static tdnn_status constrain(tdnn_dark_net *net, float most, tdnn_id *value)
{
    tdnn_id inputs[3] = {*value};
    if (most == 0) return TDNN_OK;
    TDNN_TRY(tdnn_dark_scalar(net, -most, &inputs[1]));
    TDNN_TRY(tdnn_dark_scalar(net, most, &inputs[2]));
    return tdnn_dark_add(net, "Clip", NULL, inputs, 3, NULL, value);
}

static tdnn_status add_step(tdnn_dark_net *net, const cell *c, const tdnn_dark_value *x,
                            tdnn_dark_value *h, tdnn_dark_value *memory)
{
    tdnn_id f, i, g, o, out;
    const tdnn_dark_value *peep = c->peephole ? memory : NULL;
    TDNN_TRY(gate(net, c, F, x, h, peep, &f));
    TDNN_TRY(gate(net, c, I, x, h, peep, &i));
    TDNN_TRY(gate(net, c, G, x, h, NULL, &g));
    TDNN_TRY(tdnn_dark_op2(net, "Mul", f, memory->id, &f));
    TDNN_TRY(tdnn_dark_op2(net, "Mul", i, g, &i));
    TDNN_TRY(tdnn_dark_op2(net, "Add", f, i, &memory->id));
    TDNN_TRY(gate(net, c, O, x, h, peep, &o)); /* sees the new memory */
    out = memory->id;
    TDNN_TRY(tdnn_dark_activate(net, c->cell_activation, false, &out));
    TDNN_TRY(tdnn_dark_op2(net, "Mul", o, out, &h->id));
    return constrain(net, c->constrain, &memory->id);
}

static tdnn_status read_cell(tdnn_dark_net *net, cell *c)
{
    TDNN_TRY(tdnn_dark_cell_conv(net, &c->conv));
    TDNN_TRY(tdnn_dark_int(net, "output", 1, 1, 1 << 24, &c->conv.filters));
    TDNN_TRY(tdnn_dark_flag(net, "peephole", &c->peephole));
    TDNN_TRY(
        tdnn_dark_float(net, "state_constrain", (double)(net->time_steps * 32), &c->constrain));
    TDNN_TRY(tdnn_dark_activation(net, "activation", "linear", &c->activation));
    TDNN_TRY(tdnn_dark_activation(net, "lstm_activation", "tanh", &c->cell_activation));
    return tdnn_dark_refuse(net, "bottleneck"); /* Darknet has it on GPUs only */
}

tdnn_status tdnn_dark_conv_lstm(tdnn_dark_net *net)
{
    cell c = {.peephole = false};
    tdnn_dark_value in, h, memory;
    tdnn_dark_steps steps;
    TDNN_TRY(tdnn_dark_image(net, &in));
    TDNN_TRY(read_cell(net, &c));
    TDNN_TRY(take_cell(net, &c, in.c));
    h = in;
    h.c = c.conv.filters;
    TDNN_TRY(tdnn_dark_steps_zero(net, &h, &h.id));
    memory = h;
    TDNN_TRY(tdnn_dark_steps_split(net, &in, &steps));
    for (size_t t = 0; t < steps.count; t++) {
        TDNN_TRY(add_step(net, &c, &steps.x[t], &h, &memory));
        steps.out[t] = h.id;
    }
    return tdnn_dark_steps_join(net, &steps, &h, "conv_lstm");
}

/* The images of the last `history_size` steps, newest first, one behind the other; zeros before
 * the first. */
tdnn_status tdnn_dark_history(tdnn_dark_net *net)
{
    int64_t size;
    tdnn_dark_value in, past;
    tdnn_dark_steps steps;
    TDNN_TRY(tdnn_dark_image(net, &in));
    TDNN_TRY(tdnn_dark_int(net, "history_size", 4, 1, 1 << 12, &size));
    TDNN_TRY(tdnn_dark_steps_split(net, &in, &steps));
    tdnn_id *parts = tdnn_zone_alloc(net->zone, (size_t)size, sizeof *parts);
    if (!parts) return TDNN_NO_MEMORY(net->err);
    TDNN_TRY(tdnn_dark_op2(net, "Sub", steps.x[0].id, steps.x[0].id, &parts[0]));
    for (int64_t i = 1; i < size; i++) parts[i] = parts[0];
    for (size_t t = 0; t < steps.count; t++) {
        memmove(parts + 1, parts, (size_t)(size - 1) * sizeof *parts);
        parts[0] = steps.x[t].id;
        TDNN_TRY(tdnn_dark_concat(net, parts, (size_t)size, 1, NULL, &steps.out[t]));
    }
    past = in;
    past.c *= size;
    TDNN_TRY(tdnn_dark_check_size(net, &past));
    return tdnn_dark_steps_join(net, &steps, &past, "history");
}
