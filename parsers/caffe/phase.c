/* Which layers are part of the net when it is tested: Caffe's include and exclude rules. The
 * phase is TEST; level and stages are what the model says of its own state, else 0 and none.
 */
#include "parsers/caffe/net.h"

#include <inttypes.h>
#include <string.h>

static bool is_test(const tdnn_text *phase)
{
    return phase->kind == TDNN_TEXT_WORD &&
           (!strcmp(phase->value, "TEST") || !strcmp(phase->value, "1"));
}

static bool has_stage(const tdnn_text *state, const char *stage)
{
    const tdnn_text *s = tdnn_text_find(state, "stage");
    for (; s; s = tdnn_text_again(s))
        if (s->kind != TDNN_TEXT_MESSAGE && !strcmp(s->value, stage)) return true;
    return false;
}

static tdnn_status level_of(const tdnn_text *message, const char *name, int64_t otherwise,
                            int64_t *out, tdnn_error *err)
{
    const tdnn_text *field = tdnn_text_find(message, name);
    *out = otherwise;
    return field ? tdnn_text_int(field, out, err) : TDNN_OK;
}

/* Whether all that a rule asks for holds. */
static tdnn_status meets(const tdnn_text *state, const tdnn_text *rule, bool *met,
                         tdnn_error *err)
{
    int64_t level, least, most;
    const tdnn_text *phase = tdnn_text_find(rule, "phase");
    TDNN_TRY(level_of(state, "level", 0, &level, err));
    TDNN_TRY(level_of(rule, "min_level", INT64_MIN, &least, err));
    TDNN_TRY(level_of(rule, "max_level", INT64_MAX, &most, err));
    *met = (!phase || is_test(phase)) && level >= least && level <= most;
    const tdnn_text *stage = tdnn_text_find(rule, "stage");
    for (; stage; stage = tdnn_text_again(stage))
        if (stage->kind == TDNN_TEXT_MESSAGE || !has_stage(state, stage->value)) *met = false;
    stage = tdnn_text_find(rule, "not_stage");
    for (; stage; stage = tdnn_text_again(stage))
        if (stage->kind != TDNN_TEXT_MESSAGE && has_stage(state, stage->value)) *met = false;
    return TDNN_OK;
}

/* Whether any rule of that name is met. */
static tdnn_status meets_any(const tdnn_text *state, const tdnn_text *layer, const char *name,
                             bool *any, tdnn_error *err)
{
    *any = false;
    const tdnn_text *rule = tdnn_text_find(layer, name);
    for (; rule && !*any; rule = tdnn_text_again(rule)) TDNN_TRY(meets(state, rule, any, err));
    return TDNN_OK;
}

tdnn_status caffe_layer_included(const caffe_net *net, const caffe_layer *layer, bool *included,
                                 tdnn_error *err)
{
    const tdnn_text *state = tdnn_text_find(net->text, "state");
    bool includes = tdnn_text_find(layer->text, "include") != NULL;
    *included = true;
    if (includes && tdnn_text_find(layer->text, "exclude"))
        return TDNN_FAIL(err, TDNN_ERR_FORMAT,
                         "both include and exclude rules, expected one kind");
    if (includes) return meets_any(state, layer->text, "include", included, err);
    bool excluded;
    TDNN_TRY(meets_any(state, layer->text, "exclude", &excluded, err));
    *included = !excluded;
    return TDNN_OK;
}
