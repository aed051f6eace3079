/* Attention as exporters write it out, of random shapes: one step must give what loops in double precision
 * give, with masks, scales on either side, queries, keys and values from one projection or from three, and
 * the transposition behind it. */
#include "tests/model_check.h"

typedef enum joint { SEPARATE, SPLIT, GATHER } joint;

typedef struct shape {
    size_t batch, heads, queries, keys, depth;
} shape;

typedef struct variant {
    const char *name;
    joint joint;     /* where q, k and v come from                          */
    int scale;       /* 0 none, 1 Div of the scores, 2 Mul of q, 3 Mul of both q and k */
    int masks;       /* bits: 1 per head, 2 per batch and key, 4 Where, 8 a Reshape of the batch, 16: that of 2
                        times 4, a step of its own                                               */
    bool turned;     /* back to [batch, queries, heads * depth]             */
    size_t steps;
} variant;

typedef struct numbers {
    float *x[3]; /* [batch, rows, heads, depth]; of a joint projection: inside `all` */
    float *all, *head_mask, *key_mask;
    uint8_t *where;
} numbers;

static double at(const numbers *n, const variant *v, const shape *s, int which, size_t b, size_t i, size_t h,
                 size_t d)
{
    const size_t rows = which == 0 ? s->queries : s->keys;
    if (v->joint == SEPARATE) return n->x[which][((b * rows + i) * s->heads + h) * s->depth + d];
    return n->all[(((b * rows + i) * 3 + (size_t)which) * s->heads + h) * s->depth + d];
}

static double score_of(const numbers *n, const variant *v, const shape *s, size_t b, size_t h, size_t i, size_t k)
{
    double sum = 0;
    for (size_t d = 0; d < s->depth; d++) sum += at(n, v, s, 0, b, i, h, d) * at(n, v, s, 1, b, k, h, d);
    if (v->scale) sum *= 0.25;
    if (v->masks & 1) sum += n->head_mask[(h * s->queries + i) * s->keys + k];
    if (v->masks & 2) sum += n->key_mask[b * s->keys + k] * (v->masks & 16 ? 4 : 1);
    if ((v->masks & 4) && !n->where[i * s->keys + k]) sum = -100;
    return sum;
}

static double *expected(const numbers *n, const variant *v, const shape *s)
{
    double *y = calloc(s->batch * s->heads * s->queries * s->depth, sizeof *y), *e = malloc(s->keys * sizeof *e);
    assert_true(y && e);
    for (size_t row = 0; row < s->batch * s->heads * s->queries; row++) {
        const size_t i = row % s->queries, h = row / s->queries % s->heads, b = row / s->queries / s->heads;
        double sum = 0;
        for (size_t k = 0; k < s->keys; k++) sum += e[k] = exp(score_of(n, v, s, b, h, i, k));
        for (size_t k = 0; k < s->keys; k++)
            for (size_t d = 0; d < s->depth; d++) {
                const size_t to = v->turned ? ((b * s->queries + i) * s->heads + h) * s->depth + d
                                            : row * s->depth + d;
                y[to] += e[k] / sum * at(n, v, s, 2, b, k, h, d);
            }
    }
    free(e);
    return y;
}

/* q [B, H, M, D], k [B, H, D, N] and v [B, H, N, D] from what there is. */
static void write_inputs(onnx_build *m, const variant *v, const shape *s)
{
    const int64_t b = (int64_t)s->batch, h = (int64_t)s->heads, d = (int64_t)s->depth;
    if (v->joint == SEPARATE) {
        onnx_input(m, "x0", TDNN_F32, 3, (int64_t[]){b, (int64_t)s->queries, h * d});
        onnx_input(m, "x1", TDNN_F32, 3, (int64_t[]){b, (int64_t)s->keys, h * d});
        onnx_input(m, "x2", TDNN_F32, 3, (int64_t[]){b, (int64_t)s->keys, h * d});
        onnx_ints(m, "heads", 4, (int64_t[]){0, 0, h, d});
        onnx_node(m, "Reshape", "x0,heads", "r0", "");
        onnx_node(m, "Reshape", "x1,heads", "r1", "");
        onnx_node(m, "Reshape", "x2,heads", "r2", "");
        onnx_node(m, "Transpose", "r0", "q0", "perm=[0, 2, 1, 3]");
        onnx_node(m, "Transpose", "r1", "k0", "perm=[0, 2, 3, 1]");
        onnx_node(m, "Transpose", "r2", "v", "perm=[0, 2, 1, 3]");
        return;
    }
    onnx_input(m, "all", TDNN_F32, 3, (int64_t[]){b, (int64_t)s->keys, 3 * h * d});
    onnx_ints(m, "parts", 5, (int64_t[]){0, 0, 3, h, d});
    onnx_node(m, "Reshape", "all,parts", "p", "");
    onnx_node(m, "Transpose", "p", "t", "perm=[2, 0, 3, 1, 4]");
    if (v->joint == GATHER) {
        onnx_constant(m, "zero", TDNN_I64, 0, NULL, &(int64_t){0}, 8);
        onnx_constant(m, "one", TDNN_I64, 0, NULL, &(int64_t){1}, 8);
        onnx_constant(m, "two", TDNN_I64, 0, NULL, &(int64_t){2}, 8);
        onnx_node(m, "Gather", "t,zero", "q0", "axis=0");
        onnx_node(m, "Gather", "t,one", "k1", "axis=0");
        onnx_node(m, "Gather", "t,two", "v", "axis=0");
    } else {
        onnx_ints(m, "first", 1, (int64_t[]){0});
        onnx_node(m, "Split", "t", "s0,s1,s2", "axis=0; num_outputs=3");
        onnx_node(m, "Squeeze", "s0,first", "q0", "");
        onnx_node(m, "Squeeze", "s1,first", "k1", "");
        onnx_node(m, "Squeeze", "s2,first", "v", "");
    }
    onnx_node(m, "Transpose", "k1", "k0", "perm=[0, 1, 3, 2]");
}

static void write_scores(onnx_build *m, const variant *v, const shape *s, const numbers *n)
{
    const int64_t b = (int64_t)s->batch, h = (int64_t)s->heads, i = (int64_t)s->queries, k = (int64_t)s->keys;
    const char *q = "q0", *keys = "k0", *last = "qk";
    char inputs[32];
    if (v->scale == 2 || v->scale == 3) onnx_node(m, "Mul", v->scale == 2 ? "q0,quarter" : "half,q0", "q", ""), q = "q";
    if (v->scale == 3) onnx_node(m, "Mul", "k0,half", "k", ""), keys = "k";
    onnx_constant(m, "quarter", TDNN_F32, 0, NULL, &(float){0.25f}, 4);
    onnx_constant(m, "half", TDNN_F32, 1, (int64_t[]){1}, &(float){0.5f}, 4);
    onnx_constant(m, "four", TDNN_F32, 0, NULL, &(float){4}, 4);
    onnx_constant(m, "low", TDNN_F32, 0, NULL, &(float){-100}, 4);
    snprintf(inputs, sizeof inputs, "%s,%s", q, keys);
    onnx_node(m, "MatMul", inputs, "qk", "");
    if (v->scale == 1) onnx_node(m, "Div", "qk,four", "sc", ""), last = "sc";
    if (v->masks & 1) {
        onnx_constant(m, "hm", TDNN_F32, 3, (int64_t[]){h, i, k}, n->head_mask, (size_t)(h * i * k) * 4);
        snprintf(inputs, sizeof inputs, "%s,hm", last);
        onnx_node(m, "Add", inputs, "m1", ""), last = "m1";
    }
    if (v->masks & 8) {
        onnx_ints(m, "joined", 4, (int64_t[]){1, b * h, i, k});
        onnx_ints(m, "parted", 4, (int64_t[]){b, h, i, k});
        snprintf(inputs, sizeof inputs, "%s,joined", last);
        onnx_node(m, "Reshape", inputs, "j", "");
        onnx_node(m, "Reshape", "j,parted", "j2", ""), last = "j2";
    }
    if (v->masks & 2) {
        onnx_input(m, "km", TDNN_F32, 4, (int64_t[]){b, 1, 1, k});
        if (v->masks & 16) onnx_node(m, "Mul", "km,four", "km4", "");
        snprintf(inputs, sizeof inputs, "%s,%s", v->masks & 16 ? "km4" : "km", last);
        onnx_node(m, "Add", inputs, "m2", ""), last = "m2";
    }
    if (v->masks & 4) {
        onnx_constant(m, "wm", TDNN_BOOL, 2, (int64_t[]){i, k}, n->where, (size_t)(i * k));
        snprintf(inputs, sizeof inputs, "wm,%s,low", last);
        onnx_node(m, "Where", inputs, "m3", ""), last = "m3";
    }
    onnx_node(m, "Softmax", last, "pr", "axis=-1");
}

static numbers random_numbers(const shape *s)
{
    numbers n;
    const size_t each = s->batch * s->heads * s->depth;
    for (int i = 0; i < 3; i++) n.x[i] = random_floats(each * (i ? s->keys : s->queries));
    n.all = random_floats(3 * each * s->keys);
    n.head_mask = random_floats(s->heads * s->queries * s->keys);
    n.key_mask = random_floats(s->batch * s->keys);
    n.where = malloc(s->queries * s->keys);
    assert_non_null(n.where);
    for (size_t i = 0; i < s->queries * s->keys; i++) n.where[i] = random_float() > -0.5f;
    return n;
}

static void free_numbers(numbers *n)
{
    for (int i = 0; i < 3; i++) free(n->x[i]);
    free(n->all), free(n->head_mask), free(n->key_mask), free(n->where);
}

static void check_variant(const variant *v, const shape *s)
{
    const int64_t b = (int64_t)s->batch, h = (int64_t)s->heads, i = (int64_t)s->queries, k = (int64_t)s->keys;
    const int64_t d = (int64_t)s->depth;
    numbers n = random_numbers(s);
    double *want = expected(&n, v, s);
    onnx_build m = onnx_begin(9, 20);
    feed feeds[4];
    size_t given = 0;
    write_inputs(&m, v, s);
    write_scores(&m, v, s, &n);
    onnx_node(&m, "MatMul", "pr,v", v->turned ? "o" : "y", "");
    if (v->turned) {
        onnx_ints(&m, "flat", 3, (int64_t[]){0, 0, h * d});
        onnx_node(&m, "Transpose", "o", "ot", "perm=[0, 2, 1, 3]");
        onnx_node(&m, "Reshape", "ot,flat", "y", "");
    }
    onnx_output(&m, "y");
    if (v->joint == SEPARATE) {
        feeds[given++] = (feed){"x0", n.x[0], {3, {b, i, h * d}}};
        feeds[given++] = (feed){"x1", n.x[1], {3, {b, k, h * d}}};
        feeds[given++] = (feed){"x2", n.x[2], {3, {b, k, h * d}}};
    } else {
        feeds[given++] = (feed){"all", n.all, {3, {b, k, 3 * h * d}}};
    }
    if (v->masks & 2) feeds[given++] = (feed){"km", n.key_mask, {4, {b, 1, 1, k}}};
    const size_t count = s->batch * s->heads * s->queries * s->depth;
    const size_t steps = check_model(onnx_end(&m), feeds, given, want, count, 1e-5);
    if (s->queries >= 5) assert_int_equal(steps, v->steps);
    tdnn_free(m.out.data);
    free(want);
    free_numbers(&n);
}

static void variants(void **unused)
{
    (void)unused;
    static const variant all[] = {
        {"plain", SEPARATE, 0, 0, false, 1},        {"timm", GATHER, 2, 0, true, 1},
        {"swin", GATHER, 2, 1 | 2 | 8, true, 1},    {"bert", SEPARATE, 1, 2, true, 1},
        {"bert", SEPARATE, 1, 2 | 16, true, 2},      {"sdpa", SPLIT, 3, 1, true, 1},             {"gpt", SPLIT, 1, 4, true, 1},
        {"everything", SEPARATE, 3, 7, true, 1},    {"masked last", GATHER, 0, 5, false, 1},
    };
    static const shape shapes[] = {{1, 3, 17, 17, 8}, {2, 2, 49, 49, 32}, {1, 2, 5, 5, 3}, {3, 1, 2, 2, 16},
                                   {1, 1, 100, 100, 64}, {2, 3, 33, 33, 20}, {1, 2, 400, 400, 5}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        for (size_t k = 0; k < sizeof shapes / sizeof *shapes; k++) check_variant(&all[i], &shapes[k]);
}

/* More or fewer keys than queries. */
static void cross_attention(void **unused)
{
    (void)unused;
    static const variant cross = {"cross", SEPARATE, 1, 7, true, 1};
    static const shape shapes[] = {{2, 2, 7, 31, 12}, {1, 4, 70, 3, 9}, {1, 1, 40, 1, 1}, {1, 1, 6, 2000, 4}};
    for (size_t k = 0; k < sizeof shapes / sizeof *shapes; k++) check_variant(&cross, &shapes[k]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(variants), cmocka_unit_test(cross_attention)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
