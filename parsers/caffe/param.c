/* What a layer says of itself: parameters by name, each marked as read, so that in the end what
 * nobody has read can be reported. A number that is no number, or out of range, is an error
 * with its line.
 */
#include "parsers/caffe/build.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Of no meaning when testing, in whatever message. */
static const char *const meaningless[] = {"weight_filler",
                                          "bias_filler",
                                          "filler",
                                          "scale_filler",
                                          "engine",
                                          "debug_info",
                                          "force_nd_im2col",
                                          "stable_prod_grad",
                                          "slope_filler",
                                          "moving_average_fraction",
                                          "save_output_param",
                                          NULL};

/* What every layer may say besides. */
static const char *const of_layers[] = {"name",
                                        "type",
                                        "bottom",
                                        "top",
                                        "phase",
                                        "loss_weight",
                                        "param",
                                        "blobs",
                                        "include",
                                        "exclude",
                                        "blobs_lr",
                                        "weight_decay",
                                        "propagate_down",
                                        "line",
                                        "engine",
                                        "loss_param",
                                        "transform_param",
                                        "blob_share_mode",
                                        NULL};

static bool is_one_of(const char *name, const char *const *list)
{
    for (; *list; list++)
        if (strcmp(*list, name) == 0) return true;
    return false;
}

tdnn_status caffe_at_line(int line, tdnn_status status, tdnn_error *err)
{
    return status ? tdnn_error_at(err, status, "line %d", line) : status;
}

/* ---- finding ---- */

static tdnn_text *look(const caffe_call *c, const char *name)
{
    tdnn_text *field = tdnn_text_find(c->param, name);
    if (field) field->used = true;
    return field;
}

/* A field that may be there once. */
static const tdnn_text *single(caffe_call *c, const char *name)
{
    const tdnn_text *field = c->status ? NULL : look(c, name), *second;
    if (!field || !(second = tdnn_text_again(field))) return field;
    caffe_fail(c, TDNN_ERR_FORMAT, "%s is given twice", name);
    caffe_at_line(second->line, c->status, c->err);
    return NULL;
}

bool caffe_has(const caffe_call *c, const char *name) { return look(c, name) != NULL; }

const tdnn_text *caffe_message(caffe_call *c, const char *name)
{
    const tdnn_text *field = single(c, name);
    if (!field || field->kind == TDNN_TEXT_MESSAGE) return field;
    caffe_fail(c, TDNN_ERR_FORMAT, "%s is %s, expected a message", name, field->value);
    caffe_at_line(field->line, c->status, c->err);
    return NULL;
}

void caffe_ignore(const caffe_call *c, const char *name)
{
    for (tdnn_text *field = look(c, name); field; field = tdnn_text_again(field))
        field->used = true;
}

/* ---- numbers ---- */

static int64_t int_in_range(caffe_call *c, const tdnn_text *field, int64_t least, int64_t most)
{
    int64_t value;
    if (!caffe_try(c, tdnn_text_int(field, &value, c->err))) return least;
    if (value >= least && value <= most) return value;
    caffe_fail(c, TDNN_ERR_FORMAT, "%s is %" PRId64 ", expected %" PRId64 " to %" PRId64,
               field->name, value, least, most);
    caffe_at_line(field->line, c->status, c->err);
    return least;
}

int64_t caffe_int(caffe_call *c, const char *name, int64_t otherwise, int64_t least,
                  int64_t most)
{
    const tdnn_text *field = single(c, name);
    return field ? int_in_range(c, field, least, most) : otherwise;
}

static float float_of(caffe_call *c, const tdnn_text *field)
{
    double value;
    return caffe_try(c, tdnn_text_double(field, &value, c->err)) ? (float)value : 0;
}

float caffe_float(caffe_call *c, const char *name, float otherwise)
{
    const tdnn_text *field = single(c, name);
    return field ? float_of(c, field) : otherwise;
}

bool caffe_bool(caffe_call *c, const char *name, bool otherwise)
{
    const tdnn_text *field = single(c, name);
    bool value = otherwise;
    if (field) caffe_try(c, tdnn_text_bool(field, &value, c->err));
    return value;
}

int64_t caffe_enum(caffe_call *c, const char *name, const char *const *words, int64_t otherwise)
{
    const tdnn_text *field = single(c, name);
    int64_t count = 0, value;
    if (!field) return otherwise;
    for (; words[count]; count++)
        if (*words[count] && field->kind == TDNN_TEXT_WORD &&
            !strcmp(words[count], field->value))
            return count;
    if (!tdnn_text_int(field, &value, NULL) && value >= 0 && value < count && *words[value])
        return value;
    caffe_fail(c, TDNN_ERR_UNSUPPORTED, "%s is %s", name,
               field->kind == TDNN_TEXT_MESSAGE ? "a message" : field->value);
    caffe_at_line(field->line, c->status, c->err);
    return otherwise;
}

/* ---- lists ---- */

static size_t count_of(const tdnn_text *field)
{
    size_t count = 0;
    for (; field; field = tdnn_text_again(field)) count++;
    return count;
}

static tdnn_ints read_ints(caffe_call *c, tdnn_text *field, int64_t least, int64_t most)
{
    tdnn_ints list = {.given = field != NULL};
    size_t count = count_of(field);
    list.at = tdnn_zone_alloc(c->net->zone, count + 1, sizeof *list.at);
    if (!list.at) {
        caffe_fail(c, TDNN_ERR_MEMORY, "out of memory");
        return (tdnn_ints){0};
    }
    for (; field && !c->status; field = tdnn_text_again(field)) {
        field->used = true;
        list.at[list.count++] = int_in_range(c, field, least, most);
    }
    return list;
}

tdnn_ints caffe_ints(caffe_call *c, const char *name, int64_t least, int64_t most)
{
    return read_ints(c, c->status ? NULL : tdnn_text_find(c->param, name), least, most);
}

tdnn_ints caffe_dims_of(caffe_call *c, const tdnn_text *shape, int64_t least)
{
    tdnn_text *dim = c->status ? NULL : tdnn_text_find(shape, "dim");
    tdnn_ints list = read_ints(c, dim, least, INT32_MAX);
    if (list.count <= TDNN_MAX_DIMS) return list;
    caffe_fail(c, TDNN_ERR_UNSUPPORTED, "%zu dimensions, expected at most %d", list.count,
               TDNN_MAX_DIMS);
    caffe_at_line(shape->line, c->status, c->err);
    return (tdnn_ints){0};
}

tdnn_floats caffe_floats(caffe_call *c, const char *name)
{
    tdnn_text *field = c->status ? NULL : tdnn_text_find(c->param, name);
    tdnn_floats list = {.given = field != NULL};
    list.at = tdnn_zone_alloc(c->net->zone, count_of(field) + 1, sizeof *list.at);
    if (!list.at) {
        caffe_fail(c, TDNN_ERR_MEMORY, "out of memory");
        return (tdnn_floats){0};
    }
    for (; field && !c->status; field = tdnn_text_again(field)) {
        field->used = true;
        list.at[list.count++] = float_of(c, field);
    }
    return list;
}

int caffe_axis(caffe_call *c, const char *name, int64_t otherwise, int ndim, int extra)
{
    const tdnn_text *field = single(c, name);
    int64_t axis = otherwise, most = ndim + extra;
    if (field) caffe_try(c, tdnn_text_int(field, &axis, c->err));
    if (axis >= -most && axis < most) return (int)(axis < 0 ? axis + most : axis);
    caffe_fail(c, TDNN_ERR_FORMAT, "%s is %" PRId64 ", expected %" PRId64 " to %" PRId64, name,
               axis, -most, most - 1);
    if (field) caffe_at_line(field->line, c->status, c->err);
    return 0;
}

/* ---- what nobody has read ---- */

static tdnn_status note(caffe_call *c, const tdnn_text *message, const tdnn_text *field)
{
    char where[200], what[200];
    const char *within = message == c->layer->text ? c->layer->type : message->name;
    snprintf(what, sizeof what, "%.80s.%.80s", within, field->name);
    snprintf(where, sizeof where, "layer \"%.80s\" (%.40s), line %d", c->layer->name,
             c->layer->type, field->line);
    return tdnn_findings_add(&c->net->findings, where, what, c->err);
}

/* Messages within messages: their nesting is bounded by the text format's reader. */
static tdnn_status check_message(caffe_call *c, const tdnn_text *message)
{
    for (const tdnn_text *f = message->first; f; f = f->next) {
        if (!f->used && !is_one_of(f->name, meaningless)) TDNN_TRY(note(c, message, f));
        if (f->used && f->kind == TDNN_TEXT_MESSAGE) TDNN_TRY(check_message(c, f));
    }
    return TDNN_OK;
}

tdnn_status caffe_params_check(caffe_call *c)
{
    const tdnn_text *layer = c->layer->text;
    for (const tdnn_text *f = layer->first; f; f = f->next) {
        if (f->used && f->kind == TDNN_TEXT_MESSAGE) TDNN_TRY(check_message(c, f));
        if (f->used || is_one_of(f->name, of_layers) || caffe_is_param(f->name)) continue;
        TDNN_TRY(note(c, layer, f));
    }
    return TDNN_OK;
}
