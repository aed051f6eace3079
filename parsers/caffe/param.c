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

/* "layer NAME (Type), line N". */
static void place(const caffe_call *c, int line, char *out, size_t size)
{
    snprintf(out, size, "layer \"%.80s\" (%.40s), line %d", c->layer->name, c->layer->type, line);
}

/* A bad parameter: a finding, or else the call's failure. */
static void complain(caffe_call *c, const tdnn_text *field, tdnn_error *why)
{
    const tdnn_status status = why->status;
    tdnn_findings *findings = &c->net->findings;
    if (!c->layer || !tdnn_findings_take(findings, status)) {
        if (c->status) return;
        c->status = status;
        if (c->err) *c->err = *why;
        caffe_at_line(field->line, status, c->err);
        return;
    }
    tdnn_error error;
    if (!c->told) c->failed_first = c->status != TDNN_OK;
    c->told = true;
    place(c, field->line, why->where, sizeof why->where);
    tdnn_status told = tdnn_findings_add_error(findings, TDNN_FINDING_ATTRIBUTE, c->layer->name,
                                               c->layer->type, why, &error);
    if (!told || c->status) return;
    c->status = told;
    if (c->err) *c->err = error;
}

#define COMPLAIN(c, field, status, ...)                                                        \
    do {                                                                                       \
        tdnn_error why_ = {0};                                                                 \
        TDNN_FAIL(&why_, (status), __VA_ARGS__);                                               \
        complain((c), (field), &why_);                                                         \
    } while (0)

/* A field that may be there once. */
static const tdnn_text *single(caffe_call *c, const char *name)
{
    const tdnn_text *field = look(c, name), *second;
    if (!field || !(second = tdnn_text_again(field))) return field;
    COMPLAIN(c, second, TDNN_ERR_FORMAT, "%s is given twice", name);
    return NULL;
}

bool caffe_has(const caffe_call *c, const char *name) { return look(c, name) != NULL; }

const tdnn_text *caffe_message(caffe_call *c, const char *name)
{
    const tdnn_text *field = single(c, name);
    if (!field || field->kind == TDNN_TEXT_MESSAGE) return field;
    COMPLAIN(c, field, TDNN_ERR_FORMAT, "%s is %s, expected a message", name, field->value);
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
    tdnn_error why = {0};
    int64_t value;
    const bool of_rank = most <= TDNN_MAX_DIMS; /* says nothing if the rank is a stand-in's */
    if (tdnn_text_int(field, &value, &why))
        complain(c, field, &why);
    else if (value >= least && value <= most)
        return value;
    else if (!(c->doubtful && of_rank))
        COMPLAIN(c, field, TDNN_ERR_FORMAT, "%s is %" PRId64 ", expected %" PRId64 " to %" PRId64,
                 field->name, value, least, most);
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
    tdnn_error why = {0};
    double value;
    if (!tdnn_text_double(field, &value, &why)) return (float)value;
    complain(c, field, &why);
    return 0;
}

float caffe_float(caffe_call *c, const char *name, float otherwise)
{
    const tdnn_text *field = single(c, name);
    return field ? float_of(c, field) : otherwise;
}

bool caffe_bool(caffe_call *c, const char *name, bool otherwise)
{
    const tdnn_text *field = single(c, name);
    tdnn_error why = {0};
    bool value = otherwise;
    if (field && tdnn_text_bool(field, &value, &why)) complain(c, field, &why);
    return value;
}

static void unknown_word(caffe_call *c, const tdnn_text *field, const char *const *words)
{
    char known[256] = "";
    size_t used = 0;
    for (; *words; words++) {
        int length =
            snprintf(known + used, sizeof known - used, "%s%s", used ? ", " : "", *words);
        if (**words && length > 0 && (size_t)length < sizeof known - used) used += (size_t)length;
        known[used] = '\0';
    }
    COMPLAIN(c, field, TDNN_ERR_UNSUPPORTED, "%s is %.80s, expected one of %s", field->name,
             field->kind == TDNN_TEXT_MESSAGE ? "a message" : field->value, known);
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
    unknown_word(c, field, words);
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
    for (; field; field = tdnn_text_again(field)) {
        field->used = true;
        list.at[list.count++] = int_in_range(c, field, least, most);
    }
    return list;
}

tdnn_ints caffe_ints(caffe_call *c, const char *name, int64_t least, int64_t most)
{
    return read_ints(c, tdnn_text_find(c->param, name), least, most);
}

tdnn_ints caffe_dims_of(caffe_call *c, const tdnn_text *shape, int64_t least)
{
    tdnn_ints list = read_ints(c, tdnn_text_find(shape, "dim"), least, INT32_MAX);
    if (list.count <= TDNN_MAX_DIMS) return list;
    COMPLAIN(c, shape, TDNN_ERR_UNSUPPORTED, "%zu dimensions, expected at most %d", list.count,
             TDNN_MAX_DIMS);
    return (tdnn_ints){0};
}

tdnn_floats caffe_floats(caffe_call *c, const char *name)
{
    tdnn_text *field = tdnn_text_find(c->param, name);
    tdnn_floats list = {.given = field != NULL};
    list.at = tdnn_zone_alloc(c->net->zone, count_of(field) + 1, sizeof *list.at);
    if (!list.at) {
        caffe_fail(c, TDNN_ERR_MEMORY, "out of memory");
        return (tdnn_floats){0};
    }
    for (; field; field = tdnn_text_again(field)) {
        field->used = true;
        list.at[list.count++] = float_of(c, field);
    }
    return list;
}

int caffe_axis(caffe_call *c, const char *name, int64_t otherwise, int ndim, int extra)
{
    const tdnn_text *field = single(c, name);
    tdnn_error why = {0};
    int64_t axis = otherwise, most = ndim + extra;
    if (field && tdnn_text_int(field, &axis, &why))
        complain(c, field, &why);
    else if (axis >= -most && axis < most)
        return (int)(axis < 0 ? axis + most : axis);
    else if (!field)
        caffe_fail(c, TDNN_ERR_FORMAT, "%s is %" PRId64 ", expected %" PRId64 " to %" PRId64,
                   name, axis, -most, most - 1);
    else if (!c->doubtful || axis < -TDNN_MAX_DIMS || axis > TDNN_MAX_DIMS)
        COMPLAIN(c, field, TDNN_ERR_FORMAT, "%s is %" PRId64 ", expected %" PRId64 " to %" PRId64,
                 name, axis, -most, most - 1);
    return 0;
}

/* ---- what nobody has read ---- */

static tdnn_status note(caffe_call *c, const tdnn_text *message, const tdnn_text *field)
{
    char where[200], what[200];
    const char *within = message == c->layer->text ? c->layer->type : message->name;
    snprintf(what, sizeof what, "%.80s.%.80s", within, field->name);
    place(c, field->line, where, sizeof where);
    const tdnn_finding finding = {TDNN_FINDING_ATTRIBUTE, c->layer->name, c->layer->type, where,
                                  what};
    return tdnn_findings_add(&c->net->findings, &finding, c->err);
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
