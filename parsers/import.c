/* Attributes by name: from what a model says into the place that the operator's schema gives.
 */
#include "parsers/parser.h"

#include <string.h>

static const tdnn_attr *find_attr(const tdnn_schema *op, const char *name)
{
    for (const tdnn_attr *a = op->attrs; a && a->type != TDNN_ATTR_END; a++)
        if (!strcmp(a->name, name)) return a;
    return NULL;
}

static const char *type_name(tdnn_attr_type type)
{
    static const char *const names[] = {
        [TDNN_ATTR_INT] = "an int",      [TDNN_ATTR_FLOAT] = "a float",
        [TDNN_ATTR_STRING] = "a string", [TDNN_ATTR_ENUM] = "a string",
        [TDNN_ATTR_TENSOR] = "a tensor", [TDNN_ATTR_GRAPH] = "a graph",
        [TDNN_ATTR_INTS] = "ints",       [TDNN_ATTR_FLOATS] = "floats",
        [TDNN_ATTR_STRINGS] = "strings",
    };
    const char *name = (size_t)type < sizeof names / sizeof *names ? names[type] : NULL;
    return name ? name : "of an unknown type";
}

static tdnn_status find_choice(const tdnn_attr *attr, const char *text, int64_t *out,
                               tdnn_error *err)
{
    char known[256] = "";
    size_t used = 0;
    for (int64_t i = 0; attr->choices[i]; i++) {
        if (!strcmp(attr->choices[i], text)) {
            *out = i;
            return TDNN_OK;
        }
        size_t length = strlen(attr->choices[i]);
        if (used + length + 3 > sizeof known) continue;
        if (used) memcpy(known + used, ", ", 3), used += 2;
        memcpy(known + used, attr->choices[i], length + 1);
        used += length;
    }
    return TDNN_FAIL(err, TDNN_ERR_UNSUPPORTED,
                     "attribute \"%s\" is \"%.60s\", expected one of %s", attr->name, text,
                     known);
}

static tdnn_status copy_strings(tdnn_graph *graph, const tdnn_attr_value *value,
                                tdnn_strings *out, tdnn_error *err)
{
    const char **list = tdnn_zone_alloc(graph->zone, value->count, sizeof *list);
    if (!list) return TDNN_NO_MEMORY(err);
    for (size_t i = 0; i < value->count; i++) {
        list[i] = tdnn_zone_strdup(graph->zone, value->strings[i]);
        if (!list[i]) return TDNN_NO_MEMORY(err);
    }
    *out = (tdnn_strings){list, value->count, true};
    return TDNN_OK;
}

static tdnn_status copy_floats(tdnn_graph *graph, const tdnn_attr_value *value,
                               tdnn_floats *out, tdnn_error *err)
{
    float *list = tdnn_zone_alloc(graph->zone, value->count, sizeof *list);
    if (!list) return TDNN_NO_MEMORY(err);
    if (value->count) memcpy(list, value->floats, value->count * sizeof *list);
    *out = (tdnn_floats){list, value->count, true};
    return TDNN_OK;
}

static tdnn_status store(tdnn_graph *graph, const tdnn_attr *attr, const tdnn_attr_value *value,
                         void *at, tdnn_error *err)
{
    switch (attr->type) {
    case TDNN_ATTR_INT:
    case TDNN_ATTR_GRAPH: *(int64_t *)at = value->i; return TDNN_OK;
    case TDNN_ATTR_FLOAT: *(float *)at = value->f; return TDNN_OK;
    case TDNN_ATTR_ENUM: return find_choice(attr, value->s, at, err);
    case TDNN_ATTR_STRING:
        *(const char **)at = tdnn_zone_strdup(graph->zone, value->s);
        return *(const char **)at ? TDNN_OK : TDNN_NO_MEMORY(err);
    case TDNN_ATTR_TENSOR:
        *(tdnn_tensor **)at = value->tensor;
        return tdnn_graph_hold(graph, tdnn_tensor_retain(value->tensor), err);
    case TDNN_ATTR_INTS: return tdnn_graph_ints(graph, value->ints, value->count, at, err);
    case TDNN_ATTR_FLOATS: return copy_floats(graph, value, at, err);
    case TDNN_ATTR_STRINGS: return copy_strings(graph, value, at, err);
    default: return TDNN_OK;
    }
}

bool tdnn_attr_is_type(const char *name)
{
    return !strcmp(name, "to") || !strcmp(name, "dtype") || !strcmp(name, "output_dtype") ||
           !strcmp(name, "output_datatype");
}

static tdnn_status check_type(const char *name, int64_t type, tdnn_error *err)
{
    if (type >= 0 && type < TDNN_DTYPE_COUNT && type != TDNN_C64 && type != TDNN_C128)
        return TDNN_OK;
    return TDNN_FAIL(
        err, TDNN_ERR_UNSUPPORTED,
        "attribute \"%s\" is element type %lld%s%s, expected a real one of 1 to %d", name,
        (long long)type, type == TDNN_C64 || type == TDNN_C128 ? ", " : "",
        type == TDNN_C64 || type == TDNN_C128 ? tdnn_dtype_name((tdnn_dtype)type) : "",
        TDNN_DTYPE_COUNT - 1);
}

static tdnn_status set_attr(tdnn_graph *graph, tdnn_node *node, const char *name,
                            const tdnn_attr_value *value, tdnn_error *err)
{
    const tdnn_attr *attr = find_attr(node->op, name);
    if (!attr)
        return TDNN_FAIL(err, TDNN_ERR_UNSUPPORTED, "attribute \"%s\" of %s", name,
                         node->op->name);
    if (attr->type == TDNN_ATTR_IGNORED) return TDNN_OK;
    tdnn_attr_type wanted = attr->type == TDNN_ATTR_ENUM ? TDNN_ATTR_STRING : attr->type;
    /* A list without elements has no type in old models. */
    bool empty = value->type == TDNN_ATTR_END && wanted >= TDNN_ATTR_INTS;
    if (value->type != wanted && !empty)
        return TDNN_FAIL(err, TDNN_ERR_FORMAT, "attribute \"%s\" is %s, expected %s", name,
                         type_name(value->type), type_name(attr->type));
    if (wanted == TDNN_ATTR_INT && tdnn_attr_is_type(name))
        TDNN_TRY(check_type(name, value->i, err));
    unsigned char *params = node->params;
    if (attr->given) *(bool *)(params + attr->given) = true;
    return store(graph, attr, value, params + attr->offset, err);
}

tdnn_status tdnn_node_set_attr(tdnn_graph *graph, tdnn_node *node, const char *name,
                               const tdnn_attr_value *value, tdnn_error *err)
{
    tdnn_status status = set_attr(graph, node, name, value, err);
    tdnn_tensor_release(value->tensor);
    return status;
}
