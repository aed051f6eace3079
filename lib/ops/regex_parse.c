/* The pattern of a regular expression, read into a tree. */
#include "lib/ops/regex_tree.h"

#include <string.h>

enum { MAX_DEPTH = 200, MAX_REPEAT = 1000, MAX_CODE = 0x10ffff };

typedef struct parser {
    tdnn_zone *zone;
    const char *at;
    bool ignore_case, dot_all, multi_line;
    int depth;
    tdnn_error *err;
} parser;

int32_t tdnn_regex_code(const char **at)
{
    const unsigned char *p = (const unsigned char *)*at;
    int32_t code = *p;
    int more = code >= 0xf0 ? 3 : code >= 0xe0 ? 2 : code >= 0xc0 ? 1 : 0;
    if (more) code &= 0x3f >> more;
    for (p++; more > 0 && (*p & 0xc0) == 0x80; more--) code = code << 6 | (*p++ & 0x3f);
    *at = (const char *)p;
    return code > MAX_CODE ? 0xfffd : code;
}

static tdnn_status make_node(parser *p, tdnn_regex_kind kind, tdnn_regex_node *a,
                             tdnn_regex_node *b, tdnn_regex_node **out)
{
    *out = tdnn_zone_alloc(p->zone, 1, sizeof **out);
    if (!*out) return TDNN_NO_MEMORY(p->err);
    (*out)->kind = kind;
    (*out)->a = a;
    (*out)->b = b;
    return TDNN_OK;
}

static tdnn_status add_span(parser *p, tdnn_regex_node *n, int32_t low, int32_t high)
{
    if (!TDNN_ZONE_PUSH(p->zone, n->spans, n->span_count, n->span_capacity))
        return TDNN_NO_MEMORY(p->err);
    n->spans[n->span_count++] = (tdnn_regex_span){low, high};
    return TDNN_OK;
}

/* \d \s \w as ASCII has them, and their opposites. */
static tdnn_status add_named(parser *p, tdnn_regex_node *n, char name)
{
    static const tdnn_regex_span digit[] = {{'0', '9'}},
                                 space[] = {{'\t', '\n'}, {'\f', '\r'}, {' ', ' '}};
    static const tdnn_regex_span word[] = {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}};
    const bool opposite = name < 'a';
    const char lower = (char)(name | 0x20);
    const tdnn_regex_span *list = lower == 'd' ? digit : lower == 's' ? space : word;
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
        *code = tdnn_regex_code(&p->at);
    }
    return TDNN_OK;
}

static bool is_named_class(char c) { return c && strchr("dDsSwW", c); }

/* [[:alpha:]] and the like are left out; everything else that may stand in brackets is here. */
static tdnn_status parse_brackets(parser *p, tdnn_regex_node **out)
{
    TDNN_TRY(make_node(p, REGEX_CLASS, NULL, NULL, out));
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
            low = tdnn_regex_code(&p->at);
        }
        high = low;
        if (p->at[0] == '-' && p->at[1] && p->at[1] != ']') {
            p->at++;
            if (*p->at == '\\') {
                p->at++;
                TDNN_TRY(parse_escape(p, &high));
            } else {
                high = tdnn_regex_code(&p->at);
            }
            if (high < low) return bad(p, "a range that goes backwards");
        }
        TDNN_TRY(add_span(p, *out, low, high));
    }
    p->at++;
    return TDNN_OK;
}

static tdnn_status parse_alternatives(parser *p, tdnn_regex_node **out);

static tdnn_status make_assertion(parser *p, tdnn_regex_assertion what, tdnn_regex_node **out)
{
    TDNN_TRY(make_node(p, REGEX_ASSERT, NULL, NULL, out));
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

static tdnn_status parse_group(parser *p, tdnn_regex_node **out)
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
        TDNN_TRY(make_node(p, REGEX_EMPTY, NULL, NULL, out));
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

static tdnn_status one_code(parser *p, int32_t code, tdnn_regex_node **out)
{
    TDNN_TRY(make_node(p, REGEX_CLASS, NULL, NULL, out));
    return add_span(p, *out, code, code);
}

static tdnn_status parse_backslash(parser *p, tdnn_regex_node **out)
{
    int32_t code;
    switch (*p->at) {
    case 'A': p->at++; return make_assertion(p, REGEX_TEXT_START, out);
    case 'z': p->at++; return make_assertion(p, REGEX_TEXT_END, out);
    case 'b': p->at++; return make_assertion(p, REGEX_WORD_EDGE, out);
    case 'B': p->at++; return make_assertion(p, REGEX_NO_WORD_EDGE, out);
    default: break;
    }
    if (is_named_class(*p->at)) {
        TDNN_TRY(make_node(p, REGEX_CLASS, NULL, NULL, out));
        return add_named(p, *out, *p->at++);
    }
    TDNN_TRY(parse_escape(p, &code));
    return one_code(p, code, out);
}

static tdnn_status add_other_case(parser *p, tdnn_regex_node *n)
{
    for (size_t i = 0, count = n->span_count; i < count; i++) {
        for (int32_t c = 'a'; c <= 'z'; c++) {
            const tdnn_regex_span s = n->spans[i];
            if (s.low <= c && c <= s.high) TDNN_TRY(add_span(p, n, c - 32, c - 32));
            if (s.low <= c - 32 && c - 32 <= s.high) TDNN_TRY(add_span(p, n, c, c));
        }
    }
    return TDNN_OK;
}

static tdnn_status parse_atom(parser *p, tdnn_regex_node **out)
{
    const char c = *p->at;
    if (c == '*' || c == '+' || c == '?') return bad(p, "nothing to repeat");
    if (c == '^' || c == '$') {
        p->at++;
        return make_assertion(p,
                              c == '^' ? (p->multi_line ? REGEX_LINE_START : REGEX_TEXT_START)
                                       : (p->multi_line ? REGEX_LINE_END : REGEX_TEXT_END),
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
        TDNN_TRY(make_node(p, REGEX_CLASS, NULL, NULL, out));
        (*out)->negated = true;
        if (!p->dot_all) TDNN_TRY(add_span(p, *out, '\n', '\n'));
    } else {
        TDNN_TRY(one_code(p, tdnn_regex_code(&p->at), out));
    }
    return p->ignore_case && (*out)->kind == REGEX_CLASS ? add_other_case(p, *out) : TDNN_OK;
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

static tdnn_status parse_repeated(parser *p, tdnn_regex_node **out)
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
        TDNN_TRY(make_node(p, REGEX_REPEAT, *out, NULL, out));
        (*out)->least = least;
        (*out)->most = most;
        if (++p->depth > MAX_DEPTH) return bad(p, "too many repetitions of repetitions");
    }
}

static tdnn_status parse_sequence(parser *p, tdnn_regex_node **out)
{
    TDNN_TRY(make_node(p, REGEX_EMPTY, NULL, NULL, out));
    while (*p->at && *p->at != '|' && *p->at != ')') {
        const int depth = p->depth;
        tdnn_regex_node *next;
        TDNN_TRY(parse_repeated(p, &next));
        TDNN_TRY(make_node(p, REGEX_CAT, *out, next, out));
        p->depth = depth;
    }
    return TDNN_OK;
}

static tdnn_status parse_alternatives(parser *p, tdnn_regex_node **out)
{
    TDNN_TRY(parse_sequence(p, out));
    while (*p->at == '|') {
        tdnn_regex_node *other;
        p->at++;
        TDNN_TRY(parse_sequence(p, &other));
        TDNN_TRY(make_node(p, REGEX_ALT, *out, other, out));
    }
    return TDNN_OK;
}

tdnn_status tdnn_regex_parse(tdnn_zone *zone, const char *pattern, tdnn_regex_node **out,
                             tdnn_error *err)
{
    parser p = {.zone = zone, .at = pattern, .err = err};
    TDNN_TRY(parse_alternatives(&p, out));
    return *p.at ? bad(&p, "unexpected )") : TDNN_OK;
}
