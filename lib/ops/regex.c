/* Regular expressions by K. Thompson's method (1968): the pattern becomes a small program, all
 * of whose possible states walk along the text together.
 */
#include "lib/ops/regex.h"

#include <string.h>

enum {
    MAX_DEPTH = 200,
    MAX_REPEAT = 1000,
    MAX_PROGRAM = 200000,
    MAX_CODE = 0x10ffff,
    BEYOND = -1
};

/* ---- the pattern as a tree ---- */

typedef enum node_kind { EMPTY, CLASS, CAT, ALT, REPEAT, ASSERT } node_kind;
typedef enum assertion {
    TEXT_START,
    TEXT_END,
    LINE_START,
    LINE_END,
    WORD_EDGE,
    NO_WORD_EDGE
} assertion;

typedef struct span {
    int32_t low, high;
} span;

typedef struct node {
    node_kind kind;
    struct node *a, *b;
    span *spans; /* CLASS */
    size_t span_count, span_capacity;
    bool negated;
    int least, most; /* REPEAT; most -1: any number */
    assertion assertion;
} node;

typedef struct parser {
    tdnn_zone *zone;
    const char *at;
    bool ignore_case, dot_all, multi_line;
    int depth;
    size_t emitted; /* nodes, also those that are no instruction */
    tdnn_error *err;
} parser;

static int32_t next_code(const char **at)
{
    const unsigned char *p = (const unsigned char *)*at;
    int32_t code = *p;
    int more = code >= 0xf0 ? 3 : code >= 0xe0 ? 2 : code >= 0xc0 ? 1 : 0;
    if (more) code &= 0x3f >> more;
    for (p++; more > 0 && (*p & 0xc0) == 0x80; more--) code = code << 6 | (*p++ & 0x3f);
    *at = (const char *)p;
    return code > MAX_CODE ? 0xfffd : code;
}

static tdnn_status make_node(parser *p, node_kind kind, node *a, node *b, node **out)
{
    *out = tdnn_zone_alloc(p->zone, 1, sizeof **out);
    if (!*out) return TDNN_NO_MEMORY(p->err);
    (*out)->kind = kind;
    (*out)->a = a;
    (*out)->b = b;
    return TDNN_OK;
}

static tdnn_status add_span(parser *p, node *n, int32_t low, int32_t high)
{
    if (!TDNN_ZONE_PUSH(p->zone, n->spans, n->span_count, n->span_capacity))
        return TDNN_NO_MEMORY(p->err);
    n->spans[n->span_count++] = (span){low, high};
    return TDNN_OK;
}

/* \d \s \w as ASCII has them, and their opposites. */
static tdnn_status add_named(parser *p, node *n, char name)
{
    static const span digit[] = {{'0', '9'}},
                      space[] = {{'\t', '\n'}, {'\f', '\r'}, {' ', ' '}};
    static const span word[] = {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}};
    const bool opposite = name < 'a';
    const char lower = (char)(name | 0x20);
    const span *list = lower == 'd' ? digit : lower == 's' ? space : word;
    const size_t count = lower == 'd' ? 1 : lower == 's' ? 3 : 4;
    int32_t low = 0;
    for (size_t i = 0; i < count; i++) {
        if (!opposite)
            TDNN_TRY(add_span(p, n, list[i].low, list[i].high));
        else if (list[i].low > low)
            TDNN_TRY(add_span(p, n, low, list[i].low - 1));
        low = list[i].high + 1;
    }
    return opposite ? add_span(p, n, low, MAX_CODE) : TDNN_OK;
}

static tdnn_status bad(const parser *p, const char *what)
{
    return TDNN_FAIL(p->err, TDNN_ERR_FORMAT, "regular expression: %s before \"%.20s\"", what,
                     p->at);
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Behind "\x": two digits, or any number in braces. */
static tdnn_status parse_hex(parser *p, int32_t *code)
{
    const bool braces = *p->at == '{';
    *code = 0;
    p->at += braces;
    int digits = 0;
    for (; (braces || digits < 2) && hex_digit(*p->at) >= 0 && *code <= MAX_CODE; digits++)
        *code = *code * 16 + hex_digit(*p->at++);
    if (digits == 0 || *code > MAX_CODE || (braces && *p->at++ != '}'))
        return bad(p, "bad hexadecimal number");
    return TDNN_OK;
}

/* The character behind a backslash that stands for one character; `c` is what follows it. */
static tdnn_status parse_escape(parser *p, int32_t *code)
{
    static const char names[] = "afnrtv", codes[] = "\a\f\n\r\t\v";
    const char c = *p->at;
    const char *named = c ? strchr(names, c) : NULL;
    if (named) {
        *code = codes[named - names];
        p->at++;
    } else if (c == 'x') {
        p->at++;
        return parse_hex(p, code);
    } else if (c == 0 || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
               (c >= 'A' && c <= 'Z')) {
        return TDNN_FAIL(p->err, TDNN_ERR_UNSUPPORTED,
                         "regular expression: \"\\%c\" is not known", c ? c : ' ');
    } else {
        *code = next_code(&p->at);
    }
    return TDNN_OK;
}

static bool is_named_class(char c) { return c && strchr("dDsSwW", c); }

/* [[:alpha:]] and the like are left out; everything else that may stand in brackets is here. */
static tdnn_status parse_brackets(parser *p, node **out)
{
    TDNN_TRY(make_node(p, CLASS, NULL, NULL, out));
    if (*p->at == '^') (*out)->negated = true, p->at++;
    for (bool first = true; first || *p->at != ']'; first = false) {
        int32_t low, high;
        if (!*p->at) return bad(p, "missing ]");
        if (p->at[0] == '[' && p->at[1] == ':')
            return TDNN_FAIL(p->err, TDNN_ERR_UNSUPPORTED,
                             "regular expression: named classes in brackets");
        if (p->at[0] == '\\' && is_named_class(p->at[1])) {
            TDNN_TRY(add_named(p, *out, p->at[1]));
            p->at += 2;
            continue;
        }
        if (*p->at == '\\') {
            p->at++;
            TDNN_TRY(parse_escape(p, &low));
        } else {
            low = next_code(&p->at);
        }
        high = low;
        if (p->at[0] == '-' && p->at[1] && p->at[1] != ']') {
            p->at++;
            if (*p->at == '\\') {
                p->at++;
                TDNN_TRY(parse_escape(p, &high));
            } else {
                high = next_code(&p->at);
            }
            if (high < low) return bad(p, "a range that goes backwards");
        }
        TDNN_TRY(add_span(p, *out, low, high));
    }
    p->at++;
    return TDNN_OK;
}

static tdnn_status parse_alternatives(parser *p, node **out);

static tdnn_status make_assertion(parser *p, assertion what, node **out)
{
    TDNN_TRY(make_node(p, ASSERT, NULL, NULL, out));
    (*out)->assertion = what;
    return TDNN_OK;
}

/* Behind "(?": flags for what follows or for a group; or a group's name. */
static tdnn_status parse_group_head(parser *p, bool *only_flags)
{
    *only_flags = false;
    if (*p->at == 'P' || *p->at == '<') {
        const char *end = strchr(p->at, '>');
        if (!end || p->at[*p->at == 'P'] != '<') return bad(p, "bad name of a group");
        p->at = end + 1;
        return TDNN_OK;
    }
    for (bool on = true;; p->at++) {
        switch (*p->at) {
        case '-': on = false; break;
        case 'i': p->ignore_case = on; break;
        case 's': p->dot_all = on; break;
        case 'm': p->multi_line = on; break;
        case 'U': break; /* which match is found is of no interest here */
        case ')': *only_flags = true; return TDNN_OK;
        case ':': p->at++; return TDNN_OK;
        default:
            return TDNN_FAIL(p->err, TDNN_ERR_UNSUPPORTED, "regular expression: \"(?%.8s\"",
                             p->at);
        }
    }
}

static tdnn_status parse_group(parser *p, node **out)
{
    const parser before = *p;
    bool only_flags = false;
    if (++p->depth > MAX_DEPTH)
        return TDNN_FAIL(p->err, TDNN_ERR_LIMIT,
                         "regular expression: groups lie too deep in each other");
    if (*p->at == '?') {
        p->at++;
        TDNN_TRY(parse_group_head(p, &only_flags));
    }
    if (only_flags)
        TDNN_TRY(make_node(p, EMPTY, NULL, NULL, out));
    else
        TDNN_TRY(parse_alternatives(p, out));
    if (*p->at != ')') return bad(p, "missing )");
    p->at++;
    p->depth--;
    if (!only_flags) {
        p->ignore_case = before.ignore_case;
        p->dot_all = before.dot_all;
        p->multi_line = before.multi_line;
    }
    return TDNN_OK;
}

static tdnn_status one_code(parser *p, int32_t code, node **out)
{
    TDNN_TRY(make_node(p, CLASS, NULL, NULL, out));
    return add_span(p, *out, code, code);
}

static tdnn_status parse_backslash(parser *p, node **out)
{
    int32_t code;
    switch (*p->at) {
    case 'A': p->at++; return make_assertion(p, TEXT_START, out);
    case 'z': p->at++; return make_assertion(p, TEXT_END, out);
    case 'b': p->at++; return make_assertion(p, WORD_EDGE, out);
    case 'B': p->at++; return make_assertion(p, NO_WORD_EDGE, out);
    default: break;
    }
    if (is_named_class(*p->at)) {
        TDNN_TRY(make_node(p, CLASS, NULL, NULL, out));
        return add_named(p, *out, *p->at++);
    }
    TDNN_TRY(parse_escape(p, &code));
    return one_code(p, code, out);
}

static tdnn_status add_other_case(parser *p, node *n)
{
    for (size_t i = 0, count = n->span_count; i < count; i++) {
        for (int32_t c = 'a'; c <= 'z'; c++) {
            const span s = n->spans[i];
            if (s.low <= c && c <= s.high) TDNN_TRY(add_span(p, n, c - 32, c - 32));
            if (s.low <= c - 32 && c - 32 <= s.high) TDNN_TRY(add_span(p, n, c, c));
        }
    }
    return TDNN_OK;
}

static tdnn_status parse_atom(parser *p, node **out)
{
    const char c = *p->at;
    if (c == '*' || c == '+' || c == '?') return bad(p, "nothing to repeat");
    if (c == '^' || c == '$') {
        p->at++;
        return make_assertion(p,
                              c == '^' ? (p->multi_line ? LINE_START : TEXT_START)
                                       : (p->multi_line ? LINE_END : TEXT_END),
                              out);
    }
    if (c == '(') {
        p->at++;
        return parse_group(p, out);
    }
    if (c == '[') {
        p->at++;
        TDNN_TRY(parse_brackets(p, out));
    } else if (c == '\\') {
        p->at++;
        TDNN_TRY(parse_backslash(p, out));
    } else if (c == '.') {
        p->at++;
        TDNN_TRY(make_node(p, CLASS, NULL, NULL, out));
        (*out)->negated = true;
        if (!p->dot_all) TDNN_TRY(add_span(p, *out, '\n', '\n'));
    } else {
        TDNN_TRY(one_code(p, next_code(&p->at), out));
    }
    return p->ignore_case && (*out)->kind == CLASS ? add_other_case(p, *out) : TDNN_OK;
}

/* {m}, {m,} or {m,n}; anything else in braces stands for itself. */
static bool parse_count(const char **at, int *least, int *most)
{
    const char *s = *at + 1;
    int numbers[2] = {0, -1}, digits = 0;
    for (; *s >= '0' && *s <= '9' && numbers[0] <= MAX_REPEAT; s++, digits++)
        numbers[0] = numbers[0] * 10 + (*s - '0');
    if (digits == 0) return false;
    if (*s != ',')
        numbers[1] = numbers[0];
    else if (s[1] >= '0' && s[1] <= '9')
        numbers[1] = 0;
    for (s += *s == ','; *s >= '0' && *s <= '9' && numbers[1] <= MAX_REPEAT; s++)
        numbers[1] = numbers[1] * 10 + (*s - '0');
    if (*s != '}') return false;
    *at = s + 1;
    *least = numbers[0];
    *most = numbers[1];
    return true;
}

static tdnn_status parse_repeated(parser *p, node **out)
{
    TDNN_TRY(parse_atom(p, out));
    for (;;) {
        int least = 0, most = -1;
        if (*p->at == '*' || *p->at == '+' || *p->at == '?') {
            least = *p->at == '+';
            most = *p->at == '?' ? 1 : -1;
            p->at++;
        } else if (*p->at != '{' || !parse_count(&p->at, &least, &most)) {
            return TDNN_OK;
        }
        if (*p->at == '?') p->at++; /* prefer fewer: the same whole texts match */
        if (least > MAX_REPEAT || most > MAX_REPEAT || (most >= 0 && most < least))
            return bad(p, "a bad number of repetitions");
        TDNN_TRY(make_node(p, REPEAT, *out, NULL, out));
        (*out)->least = least;
        (*out)->most = most;
        if (++p->depth > MAX_DEPTH) return bad(p, "too many repetitions of repetitions");
    }
}

static tdnn_status parse_sequence(parser *p, node **out)
{
    TDNN_TRY(make_node(p, EMPTY, NULL, NULL, out));
    while (*p->at && *p->at != '|' && *p->at != ')') {
        const int depth = p->depth;
        node *next;
        TDNN_TRY(parse_repeated(p, &next));
        TDNN_TRY(make_node(p, CAT, *out, next, out));
        p->depth = depth;
    }
    return TDNN_OK;
}

static tdnn_status parse_alternatives(parser *p, node **out)
{
    TDNN_TRY(parse_sequence(p, out));
    while (*p->at == '|') {
        node *other;
        p->at++;
        TDNN_TRY(parse_sequence(p, &other));
        TDNN_TRY(make_node(p, ALT, *out, other, out));
    }
    return TDNN_OK;
}

/* ---- the tree as a program ---- */

typedef enum op_kind { OP_CLASS, OP_SPLIT, OP_JUMP, OP_ASSERT, OP_MATCH } op_kind;

typedef struct instruction {
    op_kind kind;
    size_t x, y; /* where SPLIT and JUMP go on */
    const node *node;
} instruction;

struct tdnn_regex {
    instruction *program;
    size_t count, capacity;
    size_t *now, *next, *stack; /* states */
    size_t *mark;               /* per state: the step in which it was last added */
};

static tdnn_status emit(parser *p, tdnn_regex *r, op_kind kind, const node *n, size_t *at)
{
    if (r->count == MAX_PROGRAM)
        return TDNN_FAIL(p->err, TDNN_ERR_LIMIT, "regular expression: more than %d states",
                         MAX_PROGRAM);
    if (!TDNN_ZONE_PUSH(p->zone, r->program, r->count, r->capacity))
        return TDNN_NO_MEMORY(p->err);
    if (at) *at = r->count;
    r->program[r->count++] = (instruction){.kind = kind, .node = n};
    return TDNN_OK;
}

static tdnn_status emit_node(parser *p, tdnn_regex *r, const node *n);

/* x{2,4}: x x (x (x)?)?;  x{2,}: x x x*  */
static tdnn_status emit_repeat(parser *p, tdnn_regex *r, const node *n)
{
    size_t split, first = SIZE_MAX;
    for (int i = 0; i < n->least; i++) TDNN_TRY(emit_node(p, r, n->a));
    if (n->most < 0) {
        TDNN_TRY(emit(p, r, OP_SPLIT, NULL, &split));
        TDNN_TRY(emit_node(p, r, n->a));
        TDNN_TRY(emit(p, r, OP_JUMP, NULL, &first));
        r->program[first].x = split;
        r->program[split].x = split + 1;
        r->program[split].y = r->count;
        return TDNN_OK;
    }
    for (int i = n->least; i < n->most; i++) { /* the ways out are chained through y until the end is known */
        TDNN_TRY(emit(p, r, OP_SPLIT, NULL, &split));
        r->program[split].x = split + 1;
        r->program[split].y = first;
        first = split;
        TDNN_TRY(emit_node(p, r, n->a));
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
static tdnn_status emit_chain(parser *p, tdnn_regex *r, const node *n)
{
    size_t length = 1;
    for (const node *k = n; k->kind == n->kind; k = k->a) length++;
    const node **parts = tdnn_zone_alloc(p->zone, length, sizeof *parts);
    size_t *ends = tdnn_zone_alloc(p->zone, length, sizeof *ends);
    if (!parts || !ends) return TDNN_NO_MEMORY(p->err);
    const node *k = n;
    for (size_t i = length; i-- > 1; k = k->a) parts[i] = k->b;
    parts[0] = k;
    for (size_t i = 0; i < length; i++) {
        const bool choice = n->kind == ALT && i + 1 < length;
        size_t split = 0;
        if (choice) TDNN_TRY(emit(p, r, OP_SPLIT, NULL, &split));
        TDNN_TRY(emit_node(p, r, parts[i]));
        if (!choice) continue;
        TDNN_TRY(emit(p, r, OP_JUMP, NULL, &ends[i]));
        r->program[split].x = split + 1;
        r->program[split].y = r->count;
    }
    for (size_t i = 0; n->kind == ALT && i + 1 < length; i++) r->program[ends[i]].x = r->count;
    return TDNN_OK;
}

static tdnn_status emit_node(parser *p, tdnn_regex *r, const node *n)
{
    if (++p->emitted > 4 * MAX_PROGRAM)
        return TDNN_FAIL(p->err, TDNN_ERR_LIMIT, "regular expression: too many repetitions");
    switch (n->kind) {
    case EMPTY: return TDNN_OK;
    case CLASS: return emit(p, r, OP_CLASS, n, NULL);
    case ASSERT: return emit(p, r, OP_ASSERT, n, NULL);
    case REPEAT: return emit_repeat(p, r, n);
    case CAT:
    case ALT: break;
    }
    return emit_chain(p, r, n);
}

tdnn_status tdnn_regex_compile(tdnn_zone *zone, const char *pattern, tdnn_regex **out,
                               tdnn_error *err)
{
    parser p = {.zone = zone, .at = pattern, .err = err};
    node *tree;
    TDNN_TRY(parse_alternatives(&p, &tree));
    if (*p.at) return bad(&p, "unexpected )");
    tdnn_regex *r = tdnn_zone_alloc(zone, 1, sizeof *r);
    if (!r) return TDNN_NO_MEMORY(err);
    TDNN_TRY(emit_node(&p, r, tree));
    TDNN_TRY(emit(&p, r, OP_MATCH, NULL, NULL));
    r->now = tdnn_zone_alloc(zone, r->count, sizeof *r->now);
    r->next = tdnn_zone_alloc(zone, r->count, sizeof *r->next);
    r->stack = tdnn_zone_alloc(zone, 2 * r->count, sizeof *r->stack);
    r->mark = tdnn_zone_alloc(zone, r->count, sizeof *r->mark);
    if (!r->now || !r->next || !r->stack || !r->mark) return TDNN_NO_MEMORY(err);
    *out = r;
    return TDNN_OK;
}

/* ---- matching ---- */

static bool in_class(const node *n, int32_t code)
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

static bool holds(assertion what, int32_t before, int32_t after)
{
    switch (what) {
    case TEXT_START: return before == BEYOND;
    case TEXT_END: return after == BEYOND;
    case LINE_START: return before == BEYOND || before == '\n';
    case LINE_END: return after == BEYOND || after == '\n';
    case WORD_EDGE: return is_word(before) != is_word(after);
    case NO_WORD_EDGE: break;
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
    int32_t before = BEYOND, code = *at ? next_code(&at) : BEYOND;
    memset(r->mark, 0, r->count * sizeof *r->mark);
    add_state(r, r->now, &count, 0, step++, before, code);
    while (code != BEYOND) {
        size_t next_count = 0;
        const int32_t after = *at ? next_code(&at) : BEYOND;
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
