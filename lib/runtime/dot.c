/* A graph in Graphviz' language. */
#include "lib/base/file.h"
#include "lib/runtime/net.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

typedef struct text {
    char *at;
    size_t count, capacity;
    bool failed;
} text;

static void put_bytes(text *t, const char *bytes, size_t count)
{
    if (t->failed) return;
    if (t->capacity - t->count < count) {
        size_t capacity = (t->capacity + count) * 2;
        char *grown = tdnn_realloc(t->at, t->count, capacity, 1);
        if (!grown) {
            t->failed = true;
            return;
        }
        t->at = grown;
        t->capacity = capacity;
    }
    memcpy(t->at + t->count, bytes, count);
    t->count += count;
}

__attribute__((format(printf, 2, 3))) static void put(text *t, const char *format, ...)
{
    char line[256];
    va_list args;
    va_start(args, format);
    int length = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    if (length > 0)
        put_bytes(t, line, (size_t)length < sizeof line ? (size_t)length : sizeof line - 1);
}

static void put_quoted(text *t, const char *name)
{
    for (; *name; name++) {
        if (*name == '"' || *name == '\\') put_bytes(t, "\\", 1);
        put_bytes(t, name, 1);
    }
}

static void put_node(text *t, const tdnn_graph *graph, size_t n)
{
    const tdnn_node *node = graph->nodes[n];
    put(t, "  n%zu [shape=box, style=rounded, label=\"%s\\n", n, node->op->name);
    put_quoted(t, node->name);
    put(t, "\"];\n");
    for (size_t i = 0; i < node->input_count + node->capture_count; i++)
        if (node->inputs[i] != TDNN_ABSENT && !graph->values[node->inputs[i]].constant)
            put(t, "  v%d -> n%zu;\n", node->inputs[i], n);
    for (size_t i = 0; i < node->output_count; i++)
        if (node->outputs[i] != TDNN_ABSENT) put(t, "  n%zu -> v%d;\n", n, node->outputs[i]);
}

tdnn_status tdnn_graph_write_dot(const tdnn_graph *graph, const char *path, tdnn_error *err)
{
    text t = {0};
    char shape[TDNN_SHAPE_TEXT];
    put(&t, "digraph net {\n  node [fontname=\"sans-serif\", fontsize=10];\n");
    for (size_t v = 0; v < graph->value_count; v++) {
        const tdnn_value *value = &graph->values[v];
        if (value->constant) continue;
        put(&t, "  v%zu [shape=plain, label=\"", v);
        put_quoted(&t, value->name);
        if (value->shape.ndim >= 0) put(&t, "\\n%s", tdnn_shape_text(&value->shape, shape));
        put(&t, "\"];\n");
    }
    for (size_t n = 0; n < graph->node_count; n++) put_node(&t, graph, n);
    put(&t, "}\n");
    tdnn_status status =
        t.failed ? TDNN_NO_MEMORY(err) : tdnn_file_write(path, t.at, t.count, err);
    tdnn_free(t.at);
    return status;
}
