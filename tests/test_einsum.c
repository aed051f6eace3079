/* Random Einsum equations: one to four operands, letters in any order, dimensions of 1 that fit any
 * other, diagonals, sums, an ellipsis, implicit results; against a loop over all combinations of
 * letters in double precision. */
#include "tests/model_check.h"

enum { LETTERS = 6, MOST_OPERANDS = 4, MOST_LETTERS = 4 };

typedef struct operand {
    char term[8];
    int64_t dim[8];
    int ndim;
    float *data;
    size_t count;
} operand;

typedef struct equation {
    operand in[MOST_OPERANDS];
    size_t count;
    int64_t extent[LETTERS];
    char result[LETTERS + 1];
    bool implicit;
} equation;

static unsigned below(unsigned n) { return (unsigned)((random_float() + 1) / 2 * (float)n) % n; }

static void random_operand(operand *o, const int64_t *extent, bool diagonals, bool ones)
{
    const unsigned letters = below(MOST_LETTERS + 1);
    *o = (operand){.count = 1};
    for (unsigned i = 0; i < letters; i++) {
        const unsigned k = below(LETTERS);
        const char c = (char)('a' + k);
        if (strchr(o->term, c) && !diagonals) continue;
        const bool again = strchr(o->term, c) != NULL;
        o->term[o->ndim] = c;
        o->dim[o->ndim] = ones && !again && below(5) == 0 ? 1 : extent[k];
        o->count *= (size_t)o->dim[o->ndim++];
    }
    o->data = random_floats(o->count + 1);
}

/* Letters that only have dimensions of 1 have an extent of 1. */
static void settle_extents(equation *e)
{
    for (size_t k = 0; k < LETTERS; k++) {
        int64_t most = 0;
        for (size_t i = 0; i < e->count; i++)
            for (int d = 0; d < e->in[i].ndim; d++)
                if (e->in[i].term[d] == (char)('a' + k) && e->in[i].dim[d] > most) most = e->in[i].dim[d];
        e->extent[k] = most;
    }
}

static equation random_equation(void)
{
    equation e = {.count = 1 + below(MOST_OPERANDS), .implicit = below(6) == 0};
    const bool diagonals = below(5) == 0, ones = below(3) == 0;
    int uses[LETTERS] = {0};
    for (size_t k = 0; k < LETTERS; k++) e.extent[k] = 1 + below(e.count > 2 ? 4 : 9);
    for (size_t i = 0; i < e.count; i++) random_operand(&e.in[i], e.extent, diagonals, ones);
    settle_extents(&e);
    for (size_t i = 0; i < e.count; i++)
        for (int d = 0; d < e.in[i].ndim; d++) uses[e.in[i].term[d] - 'a']++;
    size_t n = 0;
    for (unsigned k = 0; k < LETTERS; k++)
        if (e.implicit ? uses[k] == 1 : uses[k] && below(3)) e.result[n++] = (char)('a' + k);
    for (size_t i = n; i > 1 && !e.implicit; i--) { /* in any order */
        const unsigned k = below((unsigned)i);
        const char c = e.result[i - 1];
        e.result[i - 1] = e.result[k], e.result[k] = c;
    }
    return e;
}

static double product_at(const equation *e, const int64_t *digit)
{
    double product = 1;
    for (size_t i = 0; i < e->count; i++) {
        const operand *o = &e->in[i];
        int64_t at = 0;
        for (int d = 0; d < o->ndim; d++)
            at = at * o->dim[d] + (o->dim[d] == 1 ? 0 : digit[o->term[d] - 'a']);
        product *= o->data[at];
    }
    return product;
}

/* Every combination of letters adds its product to one result. */
static double *expected(const equation *e, size_t *count)
{
    size_t total = 1;
    *count = 1;
    for (const char *c = e->result; *c; c++) *count *= (size_t)e->extent[*c - 'a'];
    for (size_t k = 0; k < LETTERS; k++) total *= e->extent[k] ? (size_t)e->extent[k] : 1;
    double *y = calloc(*count, sizeof *y);
    assert_non_null(y);
    for (size_t i = 0; i < total; i++) {
        int64_t digit[LETTERS], at = 0;
        size_t rest = i;
        for (size_t k = 0; k < LETTERS; k++) {
            const size_t n = e->extent[k] ? (size_t)e->extent[k] : 1;
            digit[k] = (int64_t)(rest % n), rest /= n;
        }
        for (const char *c = e->result; *c; c++) at = at * e->extent[*c - 'a'] + digit[*c - 'a'];
        y[at] += product_at(e, digit);
    }
    return y;
}

static const char *const names[MOST_OPERANDS] = {"p", "q", "r", "s"};

/* `constant`: the last operand is one. */
static void check_equation(const equation *e, bool constant)
{
    char text[128] = "equation='", inputs[16] = "";
    size_t count, given = 0;
    double *want = expected(e, &count);
    feed feeds[MOST_OPERANDS];
    onnx_build m = onnx_begin(9, 20);
    for (size_t i = 0; i < e->count; i++) {
        const operand *o = &e->in[i];
        if (i) strcat(text, ","), strcat(inputs, ",");
        strcat(text, o->term), strcat(inputs, names[i]);
        if (constant && i + 1 == e->count) {
            onnx_constant(&m, names[i], TDNN_F32, o->ndim, o->dim, o->data, o->count * sizeof(float));
            continue;
        }
        feeds[given] = (feed){names[i], o->data, {.ndim = o->ndim}};
        memcpy(feeds[given++].shape.dim, o->dim, (size_t)o->ndim * sizeof *o->dim);
        onnx_input(&m, names[i], TDNN_F32, o->ndim, o->dim);
    }
    if (!e->implicit) strcat(text, "->"), strcat(text, e->result);
    strcat(text, "'");
    onnx_node(&m, "Einsum", inputs, "y", text);
    onnx_output(&m, "y");
    if (given) check_model(onnx_end(&m), feeds, given, want, count, 2e-5);
    tdnn_free(m.out.data);
    free(want);
}

static void random_equations(void **unused)
{
    (void)unused;
    for (int i = 0; i < 300; i++) {
        const equation e = random_equation();
        check_equation(&e, i % 3 == 0);
        for (size_t k = 0; k < e.count; k++) free(e.in[k].data);
    }
}

/* As PyTorch writes attention: products of a batch of three dimensions. */
static void attention_products(void **unused)
{
    (void)unused;
    static const char *const terms[][3] = {{"abcd", "abed", "abce"}, {"abce", "abed", "abcd"},
                                           {"cabd", "ebad", "bace"}, {"abc", "cd", "abd"}};
    static const int64_t extent[LETTERS] = {3, 2, 17, 20, 13, 1};
    for (size_t t = 0; t < sizeof terms / sizeof *terms; t++) {
        equation e = {.count = 2};
        for (size_t i = 0; i < 2; i++) {
            operand *o = &e.in[i];
            *o = (operand){.count = 1, .ndim = (int)strlen(terms[t][i])};
            strcpy(o->term, terms[t][i]);
            for (int d = 0; d < o->ndim; d++) o->count *= (size_t)(o->dim[d] = extent[o->term[d] - 'a']);
            o->data = random_floats(o->count);
        }
        settle_extents(&e);
        strcpy(e.result, terms[t][2]);
        check_equation(&e, false);
        free(e.in[0].data), free(e.in[1].data);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(random_equations), cmocka_unit_test(attention_products)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
