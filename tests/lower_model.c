/* Random nets of one operator, run as they are and after lowering. */
#include "tests/lower_model.h"

#include "lib/passes/pass.h"
#include "lib/runtime/write.h"

#include <math.h>

static tdnn_error err;

/* ---- random numbers ---- */

static uint64_t seed;

uint32_t random_u32(void)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(seed >> 33);
}

int64_t random_pick(int64_t low, int64_t high)
{
    return low + (int64_t)(random_u32() % (uint32_t)(high - low + 1));
}

double random_uniform(double low, double high)
{
    return low + (high - low) * (double)(random_u32() >> 7) / (double)(1 << 24);
}

bool random_chance(void) { return random_u32() & 64; }

/* ---- nets ---- */

lower_model lower_begin(uint64_t number)
{
    seed = number * 977 + 13;
    for (int i = 0; i < 8; i++) random_u32();
    return (lower_model){.build = onnx_begin(8, OPSET), .opset = OPSET};
}

void attr_int(lower_model *m, const char *name, int64_t value)
{
    const size_t at = strlen(m->attrs);
    snprintf(m->attrs + at, sizeof m->attrs - at, "%s%s=%lld", at ? "; " : "", name,
             (long long)value);
}

void attr_text(lower_model *m, const char *name, const char *value)
{
    const size_t at = strlen(m->attrs);
    snprintf(m->attrs + at, sizeof m->attrs - at, "%s%s='%s'", at ? "; " : "", name, value);
}

void attr_float(lower_model *m, const char *name, double value)
{
    const size_t at = strlen(m->attrs);
    snprintf(m->attrs + at, sizeof m->attrs - at, "%s%s=%.6f", at ? "; " : "", name, value);
}

void attr_floats(lower_model *m, const char *name, size_t count, double low, double high)
{
    char text[512] = "";
    for (size_t i = 0; i < count; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s%.4f", i ? ", " : "",
                 random_uniform(low, high));
    const size_t at = strlen(m->attrs);
    snprintf(m->attrs + at, sizeof m->attrs - at, "%s%s=[%s]", at ? "; " : "", name, text);
}

float *lower_feed(lower_model *m, const char *name, int ndim, const int64_t *dims, double low,
                  double high)
{
    const tdnn_shape shape = tdnn_shape_make(ndim, dims);
    tdnn_tensor *t = NULL;
    int64_t any[TDNN_MAX_DIMS];
    for (int i = 0; i < ndim; i++) any[i] = -1;
    onnx_input(&m->build, name, TDNN_F32, ndim, any);
    assert_ok(tdnn_tensor_create(TDNN_F32, &shape, &t, &err), err);
    float *f = tdnn_tensor_data(t);
    for (int64_t i = 0; i < tdnn_shape_count(&shape); i++)
        f[i] = (float)random_uniform(low, high);
    assert_true(m->input_count < MOST_PORTS);
    m->names[m->input_count] = name;
    m->inputs[m->input_count++] = t;
    return f;
}

tdnn_net *lower_load(tdnn_bytes bytes)
{
    tdnn_net *net = NULL;
    assert_ok(tdnn_net_load_memory(bytes, (tdnn_bytes){0}, NULL, &net, &err), err);
    return net;
}

static void only_standard(const tdnn_graph *graph, int64_t opset)
{
    for (size_t n = 0; n < graph->node_count; n++) {
        assert_null(graph->nodes[n]->op->domain);
        if (graph->nodes[n]->op->kind == TDNN_OP_BatchNormalization)
            assert_false(
                ((const tdnn_batch_norm_params *)graph->nodes[n]->params)->training_mode);
        if (graph->nodes[n]->op->kind == TDNN_OP_Resize)
            assert_false(((const tdnn_resize_params *)graph->nodes[n]->params)->axes.given);
        if (opset < 17)
            assert_int_not_equal(graph->nodes[n]->op->kind, TDNN_OP_LayerNormalization);
        for (size_t s = 0; s < graph->nodes[n]->subgraph_count; s++)
            only_standard(graph->nodes[n]->subgraphs[s], opset);
    }
}

static tdnn_session *run(const lower_model *m, tdnn_net *net)
{
    tdnn_session *s = NULL;
    assert_ok(tdnn_session_create(net, NULL, &s, &err), err);
    for (size_t i = 0; i < m->input_count; i++)
        assert_ok(tdnn_session_set_input(s, m->names[i], m->inputs[i], &err), err);
    assert_ok(tdnn_session_run(s, &err), err);
    return s;
}

static void same_output(const tdnn_tensor *a, const tdnn_tensor *b, double tolerance,
                        const char *attrs)
{
    char x[TDNN_SHAPE_TEXT], y[TDNN_SHAPE_TEXT];
    assert_int_equal(a->dtype, b->dtype);
    if (!tdnn_shape_equal(&a->shape, &b->shape))
        fail_msg("%s: %s, lowered %s", attrs, tdnn_shape_text(&a->shape, x),
                 tdnn_shape_text(&b->shape, y));
    for (size_t i = 0; i < (size_t)tdnn_shape_count(&a->shape); i++) {
        const double p = tdnn_tensor_get_f64(a, i), q = tdnn_tensor_get_f64(b, i);
        if (!(fabs(p - q) <= tolerance * fmax(1, fabs(p))))
            fail_msg("%s: element %zu of %s is %.9g, lowered %.9g", attrs, i,
                     tdnn_shape_text(&a->shape, x), p, q);
    }
}

/* With all sizes declared, what depends on them alone becomes constants. */
static void settle(const lower_model *m, tdnn_graph *graph)
{
    for (size_t i = 0; i < m->input_count; i++)
        graph->values[tdnn_graph_find_value(graph, m->names[i])].shape = m->inputs[i]->shape;
    assert_ok(tdnn_graph_settle(graph, &err), err);
    assert_ok(tdnn_graph_check(graph, &err), err);
    for (size_t n = 0; n < graph->node_count; n++) {
        const tdnn_op_kind kind = graph->nodes[n]->op->kind;
        if (kind == TDNN_OP_NonMaxSuppression) break; /* nobody knows how many it finds */
        assert_int_not_equal(kind, TDNN_OP_Range);
    }
}

size_t lower_same(lower_model *m, double tolerance)
{
    const tdnn_bytes bytes = onnx_end(&m->build);
    tdnn_net *net = lower_load(bytes), *lowered = lower_load(bytes);
    size_t used = 0;
    assert_ok(tdnn_lower(lowered->graph, m->opset, &err), err);
    assert_ok(tdnn_graph_check(lowered->graph, &err), err);
    only_standard(lowered->graph, m->opset);
    if (random_chance()) settle(m, lowered->graph);
    tdnn_session *a = run(m, net), *b = run(m, lowered);
    for (size_t i = 0; i < tdnn_net_output_count(net); i++) {
        const tdnn_tensor *x, *y;
        const char *name = tdnn_net_output(net, i)->name;
        assert_ok(tdnn_session_output(a, name, &x, &err), err);
        assert_ok(tdnn_session_output(b, name, &y, &err), err);
        same_output(x, y, tolerance, m->attrs);
        for (size_t k = 0; !i && k < (size_t)tdnn_shape_count(&x->shape); k++)
            used += tdnn_tensor_get_f64(x, k) != 0;
    }
    tdnn_session_free(a);
    tdnn_session_free(b);
    tdnn_net_release(net);
    tdnn_net_release(lowered);
    tdnn_free((void *)bytes.data);
    for (size_t i = 0; i < m->input_count; i++) tdnn_tensor_release(m->inputs[i]);
    return used;
}
