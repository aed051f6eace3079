/* Regular expressions by K. Thompson's method (1968): the pattern becomes a small program, all
 * of whose possible states walk along the text together.
 */
#include "lib/ops/regex.h"
#include "lib/ops/regex_tree.h"

#include <string.h>

enum { MAX_PROGRAM = 200000, BEYOND = -1 };

typedef enum op_kind { OP_CLASS, OP_SPLIT, OP_JUMP, OP_ASSERT, OP_MATCH } op_kind;

typedef struct instruction {
    op_kind kind;
    size_t x, y; /* where SPLIT and JUMP go on */
    const tdnn_regex_node *node;
} instruction;

/* Being made. */
typedef struct maker {
    tdnn_zone *zone;
    size_t emitted; /* nodes, also those that are no instruction */
    tdnn_error *err;
} maker;

struct tdnn_regex {
    instruction *program;
    size_t count, capacity;
    size_t *now, *next, *stack; /* states */
    size_t *mark;               /* per state: the step in which it was last added */
};

static tdnn_status emit(maker *m, tdnn_regex *r, op_kind kind, const tdnn_regex_node *n,
                        size_t *at)
{
    if (r->count == MAX_PROGRAM)
        return TDNN_FAIL(m->err, TDNN_ERR_LIMIT, "regular expression: more than %d states",
                         MAX_PROGRAM);
    if (!TDNN_ZONE_PUSH(m->zone, r->program, r->count, r->capacity))
        return TDNN_NO_MEMORY(m->err);
    if (at) *at = r->count;
    r->program[r->count++] = (instruction){.kind = kind, .node = n};
    return TDNN_OK;
}

static tdnn_status emit_node(maker *m, tdnn_regex *r, const tdnn_regex_node *n);

/* x{2,4}: x x (x (x)?)?;  x{2,}: x x x*  */
static tdnn_status emit_repeat(maker *m, tdnn_regex *r, const tdnn_regex_node *n)
{
    size_t split, first = SIZE_MAX;
    for (int i = 0; i < n->least; i++) TDNN_TRY(emit_node(m, r, n->a));
    if (n->most < 0) {
        TDNN_TRY(emit(m, r, OP_SPLIT, NULL, &split));
        TDNN_TRY(emit_node(m, r, n->a));
        TDNN_TRY(emit(m, r, OP_JUMP, NULL, &first));
        r->program[first].x = split;
        r->program[split].x = split + 1;
        r->program[split].y = r->count;
        return TDNN_OK;
    }
    for (int i = n->least; i < n->most;
         i++) { /* the ways out are chained through y until the end is known */
        TDNN_TRY(emit(m, r, OP_SPLIT, NULL, &split));
        r->program[split].x = split + 1;
        r->program[split].y = first;
        first = split;
        TDNN_TRY(emit_node(m, r, n->a));
    }
    while (first != SIZE_MAX) {
        const size_t before = r->program[first].y;
        r->program[first].y = r->count;
        first = before;
    }
    return TDNN_OK;
}

/* A sequence or list of alternatives hangs on its left side, as deep as it is long: that side
 * is walked with a stack of its own. */
static tdnn_status emit_chain(maker *m, tdnn_regex *r, const tdnn_regex_node *n)
{
    size_t length = 1;
    for (const tdnn_regex_node *k = n; k->kind == n->kind; k = k->a) length++;
    const tdnn_regex_node **parts = tdnn_zone_alloc(m->zone, length, sizeof *parts);
    size_t *ends = tdnn_zone_alloc(m->zone, length, sizeof *ends);
    if (!parts || !ends) return TDNN_NO_MEMORY(m->err);
    const tdnn_regex_node *k = n;
    for (size_t i = length; i-- > 1; k = k->a) parts[i] = k->b;
    parts[0] = k;
    for (size_t i = 0; i < length; i++) {
        const bool choice = n->kind == REGEX_ALT && i + 1 < length;
        size_t split = 0;
        if (choice) TDNN_TRY(emit(m, r, OP_SPLIT, NULL, &split));
        TDNN_TRY(emit_node(m, r, parts[i]));
        if (!choice) continue;
        TDNN_TRY(emit(m, r, OP_JUMP, NULL, &ends[i]));
        r->program[split].x = split + 1;
        r->program[split].y = r->count;
    }
    for (size_t i = 0; n->kind == REGEX_ALT && i + 1 < length; i++)
        r->program[ends[i]].x = r->count;
    return TDNN_OK;
}

static tdnn_status emit_node(maker *m, tdnn_regex *r, const tdnn_regex_node *n)
{
    if (++m->emitted > 4 * MAX_PROGRAM)
        return TDNN_FAIL(m->err, TDNN_ERR_LIMIT, "regular expression: too many repetitions");
    switch (n->kind) {
    case REGEX_EMPTY: return TDNN_OK;
    case REGEX_CLASS: return emit(m, r, OP_CLASS, n, NULL);
    case REGEX_ASSERT: return emit(m, r, OP_ASSERT, n, NULL);
    case REGEX_REPEAT: return emit_repeat(m, r, n);
    case REGEX_CAT:
    case REGEX_ALT: break;
    }
    return emit_chain(m, r, n);
}

tdnn_status tdnn_regex_compile(tdnn_zone *zone, const char *pattern, tdnn_regex **out,
                               tdnn_error *err)
{
    maker m = {.zone = zone, .err = err};
    tdnn_regex_node *tree;
    TDNN_TRY(tdnn_regex_parse(zone, pattern, &tree, err));
    tdnn_regex *r = tdnn_zone_alloc(zone, 1, sizeof *r);
    if (!r) return TDNN_NO_MEMORY(err);
    TDNN_TRY(emit_node(&m, r, tree));
    TDNN_TRY(emit(&m, r, OP_MATCH, NULL, NULL));
    r->now = tdnn_zone_alloc(zone, r->count, sizeof *r->now);
    r->next = tdnn_zone_alloc(zone, r->count, sizeof *r->next);
    r->stack = tdnn_zone_alloc(zone, 2 * r->count, sizeof *r->stack);
    r->mark = tdnn_zone_alloc(zone, r->count, sizeof *r->mark);
    if (!r->now || !r->next || !r->stack || !r->mark) return TDNN_NO_MEMORY(err);
    *out = r;
    return TDNN_OK;
}

/* ---- matching ---- */

static bool in_class(const tdnn_regex_node *n, int32_t code)
{
    bool found = false;
    for (size_t i = 0; i < n->span_count && !found; i++)
        found = n->spans[i].low <= code && code <= n->spans[i].high;
    return found != n->negated;
}

static bool is_word(int32_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || c == '_' ||
           (c >= 'a' && c <= 'z');
}

static bool holds(tdnn_regex_assertion what, int32_t before, int32_t after)
{
    switch (what) {
    case REGEX_TEXT_START: return before == BEYOND;
    case REGEX_TEXT_END: return after == BEYOND;
    case REGEX_LINE_START: return before == BEYOND || before == '\n';
    case REGEX_LINE_END: return after == BEYOND || after == '\n';
    case REGEX_WORD_EDGE: return is_word(before) != is_word(after);
    case REGEX_NO_WORD_EDGE: break;
    }
    return is_word(before) == is_word(after);
}

/* Adds a state, and all that can be reached from it without reading. Each state goes onto the
 * stack once from each of the two ways to it at most, thanks to its mark. */
static void add_state(tdnn_regex *r, size_t *list, size_t *count, size_t state, size_t step,
                      int32_t before, int32_t after)
{
    size_t depth = 0;
    r->stack[depth++] = state;
    while (depth) {
        const size_t s = r->stack[--depth];
        const instruction *i = &r->program[s];
        if (r->mark[s] == step) continue;
        r->mark[s] = step;
        if (i->kind == OP_JUMP) {
            r->stack[depth++] = i->x;
        } else if (i->kind == OP_SPLIT) {
            r->stack[depth++] = i->y;
            r->stack[depth++] = i->x;
        } else if (i->kind == OP_ASSERT) {
            if (holds(i->node->assertion, before, after)) r->stack[depth++] = s + 1;
        } else {
            list[(*count)++] = s;
        }
    }
}

bool tdnn_regex_matches(tdnn_regex *r, const char *text)
{
    const char *at = text;
    size_t count = 0, step = 1;
    int32_t before = BEYOND, code = *at ? tdnn_regex_code(&at) : BEYOND;
    memset(r->mark, 0, r->count * sizeof *r->mark);
    add_state(r, r->now, &count, 0, step++, before, code);
    while (code != BEYOND) {
        size_t next_count = 0;
        const int32_t after = *at ? tdnn_regex_code(&at) : BEYOND;
        for (size_t i = 0; i < count; i++) {
            const instruction *state = &r->program[r->now[i]];
            if (state->kind == OP_CLASS && in_class(state->node, code))
                add_state(r, r->next, &next_count, r->now[i] + 1, step, code, after);
        }
        size_t *t = r->now;
        r->now = r->next, r->next = t;
        count = next_count;
        code = after;
        step++;
    }
    for (size_t i = 0; i < count; i++)
        if (r->program[r->now[i]].kind == OP_MATCH) return true;
    return false;
}
