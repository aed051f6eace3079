/* A call's attributes: read, taken away, given. */
#include "parsers/onnx/import.h"

#include <string.h>

typedef Onnx__AttributeProto attr_proto;

static const char *text(const char *s) { return s ? s : ""; }

static const char *const type_names[] = {
    [TDNN_ATTR_END] = "nothing",     [TDNN_ATTR_INT] = "an int",
    [TDNN_ATTR_FLOAT] = "a float",   [TDNN_ATTR_STRING] = "a string",
    [TDNN_ATTR_TENSOR] = "a tensor", [TDNN_ATTR_GRAPH] = "a graph",
    [TDNN_ATTR_INTS] = "ints",       [TDNN_ATTR_FLOATS] = "floats",
    [TDNN_ATTR_STRINGS] = "strings",
};

/* Old models do not say the type; then it is the field that is there. */
tdnn_attr_type onnx_attr_type(const attr_proto *a)
{
    switch (a->type) {
    case ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT: return TDNN_ATTR_FLOAT;
    case ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT: return TDNN_ATTR_INT;
    case ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRING: return TDNN_ATTR_STRING;
    case ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__TENSOR: return TDNN_ATTR_TENSOR;
    case ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__GRAPH: return TDNN_ATTR_GRAPH;
    case ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOATS: return TDNN_ATTR_FLOATS;
    case ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS: return TDNN_ATTR_INTS;
    case ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRINGS: return TDNN_ATTR_STRINGS;
    case ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__UNDEFINED: break;
    default: return TDNN_ATTR_END;
    }
    return a->n_floats    ? TDNN_ATTR_FLOATS
           : a->n_ints    ? TDNN_ATTR_INTS
           : a->n_strings ? TDNN_ATTR_STRINGS
           : a->t         ? TDNN_ATTR_TENSOR
           : a->g         ? TDNN_ATTR_GRAPH
           : a->has_f     ? TDNN_ATTR_FLOAT
           : a->has_i     ? TDNN_ATTR_INT
           : a->has_s     ? TDNN_ATTR_STRING
                          : TDNN_ATTR_END;
}

static size_t index_of(const onnx_call *call, const char *name)
{
    size_t i = 0;
    while (i < call->attr_count && strcmp(text(call->attrs[i]->name), name) != 0) i++;
    return i;
}

const attr_proto *onnx_attr(const onnx_call *call, const char *name)
{
    size_t i = index_of(call, name);
    return i < call->attr_count ? call->attrs[i] : NULL;
}

const attr_proto *onnx_take(onnx_call *call, const char *name)
{
    size_t i = index_of(call, name);
    if (i == call->attr_count) return NULL;
    const attr_proto *found = call->attrs[i];
    call->attrs[i] = call->attrs[--call->attr_count];
    return found;
}

static tdnn_status take_typed(onnx_call *call, const char *name, tdnn_attr_type type,
                              const attr_proto **out, tdnn_error *err)
{
    *out = onnx_take(call, name);
    tdnn_attr_type is = *out ? onnx_attr_type(*out) : type;
    bool empty_list = is == TDNN_ATTR_END && (*out)->type == 0;
    if (is == type || (empty_list && type >= TDNN_ATTR_INTS)) return TDNN_OK;
    return TDNN_FAIL(err, TDNN_ERR_FORMAT, "attribute \"%s\" is %s, expected %s", name,
                     type_names[is], type_names[type]);
}

tdnn_status onnx_take_int(onnx_call *call, const char *name, int64_t *out, tdnn_error *err)
{
    const attr_proto *a;
    TDNN_TRY(take_typed(call, name, TDNN_ATTR_INT, &a, err));
    if (a) *out = a->i;
    return TDNN_OK;
}

tdnn_status onnx_take_float(onnx_call *call, const char *name, float *out, tdnn_error *err)
{
    const attr_proto *a;
    TDNN_TRY(take_typed(call, name, TDNN_ATTR_FLOAT, &a, err));
    if (a) *out = a->f;
    return TDNN_OK;
}

tdnn_status onnx_take_ints(onnx_call *call, const char *name, tdnn_ints *out, tdnn_error *err)
{
    const attr_proto *a;
    TDNN_TRY(take_typed(call, name, TDNN_ATTR_INTS, &a, err));
    if (a) *out = (tdnn_ints){a->ints, a->n_ints, true};
    return TDNN_OK;
}

tdnn_status onnx_take_floats(onnx_call *call, const char *name, tdnn_floats *out,
                             tdnn_error *err)
{
    const attr_proto *a;
    TDNN_TRY(take_typed(call, name, TDNN_ATTR_FLOATS, &a, err));
    if (a) *out = (tdnn_floats){a->floats, a->n_floats, true};
    return TDNN_OK;
}

tdnn_status onnx_take_string(onnx_call *call, const char *name, const char **out,
                             tdnn_error *err)
{
    const attr_proto *a;
    *out = NULL;
    TDNN_TRY(take_typed(call, name, TDNN_ATTR_STRING, &a, err));
    if (!a) return TDNN_OK;
    *out = tdnn_zone_strndup(call->scope->model->zone, (const char *)a->s.data, a->s.len);
    return *out ? TDNN_OK : TDNN_NO_MEMORY(err);
}

static tdnn_status give(onnx_call *call, attr_proto attr, tdnn_error *err)
{
    tdnn_zone *zone = call->scope->model->zone;
    onnx_take(call, attr.name);
    attr_proto *kept = tdnn_zone_alloc(zone, 1, sizeof *kept);
    const attr_proto **grown = tdnn_zone_alloc(zone, call->attr_count + 1, sizeof *grown);
    if (!kept || !grown) return TDNN_NO_MEMORY(err);
    *kept = attr;
    if (call->attr_count) memcpy(grown, call->attrs, call->attr_count * sizeof *grown);
    grown[call->attr_count++] = kept;
    call->attrs = grown;
    return TDNN_OK;
}

static attr_proto make_attr(const char *name, Onnx__AttributeProto__AttributeType type)
{
    attr_proto a = ONNX__ATTRIBUTE_PROTO__INIT;
    a.name = (char *)(uintptr_t)name;
    a.has_type = 1;
    a.type = type;
    return a;
}

tdnn_status onnx_give_int(onnx_call *call, const char *name, int64_t value, tdnn_error *err)
{
    attr_proto a = make_attr(name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT);
    a.i = value;
    return give(call, a, err);
}

tdnn_status onnx_give_float(onnx_call *call, const char *name, float value, tdnn_error *err)
{
    attr_proto a = make_attr(name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT);
    a.f = value;
    return give(call, a, err);
}

tdnn_status onnx_give_string(onnx_call *call, const char *name, const char *value,
                             tdnn_error *err)
{
    attr_proto a = make_attr(name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRING);
    a.s = (ProtobufCBinaryData){strlen(value), (uint8_t *)(uintptr_t)value};
    return give(call, a, err);
}

tdnn_status onnx_rename(onnx_call *call, const char *from, const char *to, tdnn_error *err)
{
    const attr_proto *old = onnx_take(call, from);
    if (!old) return TDNN_OK;
    attr_proto a = *old;
    a.name = (char *)(uintptr_t)to;
    return give(call, a, err);
}
