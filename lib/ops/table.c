/* The table of operators, in the order of lib/graph/oplist.h. */
#include "lib/ops/op.h"

#include <string.h>

static const tdnn_op *const table[] = {
#define TDNN_OP_ROW(name) [TDNN_OP_##name] = &tdnn_op_##name,
    TDNN_OP_LIST(TDNN_OP_ROW)
#undef TDNN_OP_ROW
};
_Static_assert(sizeof table / sizeof *table == TDNN_OP_COUNT, "an operator has no descriptor");

const tdnn_schema *tdnn_schema_of(tdnn_op_kind kind) { return &table[kind]->schema; }

static bool same_domain(const char *a, const char *b)
{
    if (!a || strcmp(a, "ai.onnx") == 0) a = "";
    if (!b || strcmp(b, "ai.onnx") == 0) b = "";
    return strcmp(a, b) == 0;
}

const tdnn_schema *tdnn_schema_find(const char *domain, const char *name)
{
    for (size_t i = 0; i < TDNN_OP_COUNT; i++)
        if (strcmp(table[i]->schema.name, name) == 0 &&
            same_domain(table[i]->schema.domain, domain))
            return &table[i]->schema;
    return NULL;
}
