/* The text format: a scanner, and a reader with a stack of its own instead of recursion. */
#include "parsers/text.h"

#include "lib/base/number.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_NESTING = 64 };

typedef struct scanner {
    const char *at, *end;
    int line;
    tdnn_zone *zone;
    tdnn_error *err;
} scanner;

static tdnn_status fail_at(scanner *s, const char *what)
{
    char found[24] = "the end";
    if (s->at < s->end) {
        unsigned char c = (unsigned char)*s->at;
        memcpy(found, "'?'", 4);
        if (c >= 32 && c < 127) found[1] = (char)c;
    }
    TDNN_FAIL(s->err, TDNN_ERR_FORMAT, "found %s, expected %s", found, what);
    return tdnn_error_at(s->err, TDNN_ERR_FORMAT, "line %d", s->line);
}

static void skip_space(scanner *s)
{
    for (; s->at < s->end; s->at++) {
        if (*s->at == '#') {
            while (s->at < s->end && *s->at != '\n') s->at++;
            if (s->at == s->end) return;
        }
        if (*s->at == '\n')
            s->line++;
        else if (*s->at != ' ' && *s->at != '\t' && *s->at != '\r' && *s->at != '\f' &&
                 *s->at != '\v')
            return;
    }
}

static bool take(scanner *s, char c)
{
    skip_space(s);
    if (s->at == s->end || *s->at != c) return false;
    s->at++;
    return true;
}

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           c == '_' || c == '.' || c == '+' || c == '-';
}

static tdnn_status read_word(scanner *s, const char *what, const char **out, size_t *length)
{
    skip_space(s);
    const char *begin = s->at;
    while (s->at < s->end && is_word(*s->at)) s->at++;
    if (s->at == begin) return fail_at(s, what);
    *length = (size_t)(s->at - begin);
    *out = tdnn_zone_strndup(s->zone, begin, *length);
    return *out ? TDNN_OK : TDNN_NO_MEMORY(s->err);
}

/* A name is a word, or an extension's name in brackets. */
static tdnn_status read_name(scanner *s, const char **out)
{
    size_t length;
    bool bracket = take(s, '[');
    TDNN_TRY(read_word(s, "a field's name", out, &length));
    if (bracket && !take(s, ']')) return fail_at(s, "']'");
    return TDNN_OK;
}

/* ---- strings ---- */

static int digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return 99;
}

/* Up to `most` digits of the given base. */
static unsigned read_digits(scanner *s, int base, int most)
{
    unsigned value = 0;
    for (; most > 0 && s->at < s->end && digit(*s->at) < base; most--)
        value = value * (unsigned)base + (unsigned)digit(*s->at++);
    return value;
}

static char read_escape(scanner *s)
{
    static const char from[] = "abfnrtv", to[] = "\a\b\f\n\r\t\v";
    char c = *s->at;
    if (digit(c) < 8) return (char)read_digits(s, 8, 3);
    if (c == '\n') s->line++;
    s->at++;
    if ((c == 'x' || c == 'X') && s->at < s->end && digit(*s->at) < 16)
        return (char)read_digits(s, 16, 2);
    const char *known = c ? strchr(from, c) : NULL;
    return known ? to[known - from] : c;
}

typedef struct string {
    char *text;
    size_t length, capacity;
} string;

/* Room for `more` characters and the NUL; doubles, so that many short pieces cost no more than
 * one long one. */
static tdnn_status grow_string(scanner *s, string *to, size_t more)
{
    size_t wanted = to->capacity ? to->capacity : 32;
    if (to->text && more < to->capacity - to->length) return TDNN_OK;
    while (wanted - to->length <= more) wanted *= 2;
    char *grown = tdnn_zone_alloc(s->zone, wanted, 1);
    if (!grown) return TDNN_NO_MEMORY(s->err);
    if (to->length) memcpy(grown, to->text, to->length);
    to->text = grown;
    to->capacity = wanted;
    return TDNN_OK;
}

/* One quoted piece. Its escapes are never shorter than what they stand for. */
static tdnn_status read_piece(scanner *s, string *to)
{
    const char quote = *s->at++, *end = s->at;
    while (end < s->end && *end != quote && *end != '\n')
        end += *end == '\\' && end + 1 < s->end ? 2 : 1;
    TDNN_TRY(grow_string(s, to, (size_t)(end - s->at)));
    while (s->at < s->end && *s->at != quote && *s->at != '\n') {
        char c = *s->at++;
        if (c == '\\' && s->at < s->end) c = read_escape(s);
        to->text[to->length++] = c;
    }
    if (s->at == s->end || *s->at != quote) return fail_at(s, "the string's closing quote");
    s->at++;
    return TDNN_OK;
}

/* Strings that follow one another are one string. */
static tdnn_status read_string(scanner *s, tdnn_text *field)
{
    string all = {0};
    do {
        TDNN_TRY(read_piece(s, &all));
        skip_space(s);
    } while (s->at < s->end && (*s->at == '"' || *s->at == '\''));
    all.text[all.length] = '\0';
    field->kind = TDNN_TEXT_STRING;
    field->value = all.text;
    field->length = all.length;
    return TDNN_OK;
}

/* ---- fields ---- */

typedef struct open_message {
    tdnn_text *message;
    char close;   /* '}' or '>'; 0: the file            */
    bool in_list; /* an element of name: [ {..}, {..} ] */
} open_message;

static tdnn_status add_field(scanner *s, tdnn_text *message, const char *name, tdnn_text **out)
{
    tdnn_text *field = *out = tdnn_zone_alloc(s->zone, 1, sizeof *field);
    if (!field) return TDNN_NO_MEMORY(s->err);
    field->name = name;
    field->line = s->line;
    if (message->last)
        message->last->next = field;
    else
        message->first = field;
    message->last = field;
    message->count++;
    return TDNN_OK;
}

static tdnn_status read_scalar(scanner *s, tdnn_text *field)
{
    skip_space(s);
    field->line = s->line;
    if (s->at < s->end && (*s->at == '"' || *s->at == '\'')) return read_string(s, field);
    field->kind = TDNN_TEXT_WORD;
    return read_word(s, "a value", &field->value, &field->length);
}

typedef struct reader {
    scanner s;
    open_message stack[MOST_NESTING + 1];
    size_t depth;
} reader;

static tdnn_status open(reader *r, tdnn_text *field, char close, bool in_list)
{
    if (r->depth == MOST_NESTING) {
        TDNN_FAIL(r->s.err, TDNN_ERR_LIMIT, "messages are nested more than %d deep",
                  MOST_NESTING);
        return tdnn_error_at(r->s.err, TDNN_ERR_LIMIT, "line %d", r->s.line);
    }
    field->kind = TDNN_TEXT_MESSAGE;
    r->stack[++r->depth] = (open_message){field, close, in_list};
    return TDNN_OK;
}

/* An element of a list, or what follows the last one. */
static tdnn_status read_elements(reader *r, const char *name)
{
    scanner *s = &r->s;
    tdnn_text *field;
    for (;;) {
        if (take(s, ']')) return TDNN_OK;
        TDNN_TRY(add_field(s, r->stack[r->depth].message, name, &field));
        if (take(s, '{')) return open(r, field, '}', true);
        if (take(s, '<')) return open(r, field, '>', true);
        TDNN_TRY(read_scalar(s, field));
        if (!take(s, ',') && (skip_space(s), s->at == s->end || *s->at != ']'))
            return fail_at(s, "',' or ']'");
    }
}

static tdnn_status read_field(reader *r)
{
    scanner *s = &r->s;
    const char *name;
    tdnn_text *field;
    TDNN_TRY(read_name(s, &name));
    bool colon = take(s, ':');
    if (colon && take(s, '[')) return read_elements(r, name);
    TDNN_TRY(add_field(s, r->stack[r->depth].message, name, &field));
    if (take(s, '{')) return open(r, field, '}', false);
    if (take(s, '<')) return open(r, field, '>', false);
    if (!colon) return fail_at(s, "':' or '{'");
    TDNN_TRY(read_scalar(s, field));
    if (!take(s, ',')) take(s, ';');
    return TDNN_OK;
}

static tdnn_status close(reader *r)
{
    open_message done = r->stack[r->depth--];
    scanner *s = &r->s;
    if (!done.in_list) {
        if (!take(s, ',')) take(s, ';');
        return TDNN_OK;
    }
    if (take(s, ',')) return read_elements(r, done.message->name);
    return take(s, ']') ? TDNN_OK : fail_at(s, "',' or ']'");
}

tdnn_status tdnn_text_parse(tdnn_bytes bytes, tdnn_zone *zone, tdnn_text **out, tdnn_error *err)
{
    const char *begin = bytes.data;
    reader r = {.s = {begin, begin + bytes.size, 1, zone, err}};
    tdnn_text *root = *out = tdnn_zone_alloc(zone, 1, sizeof *root);
    if (!root) return TDNN_NO_MEMORY(err);
    root->name = "";
    root->line = 1;
    root->kind = TDNN_TEXT_MESSAGE;
    r.stack[0].message = root;
    for (;;) {
        skip_space(&r.s);
        if (r.s.at == r.s.end) break;
        if (r.depth && *r.s.at == r.stack[r.depth].close) {
            r.s.at++;
            TDNN_TRY(close(&r));
        } else {
            TDNN_TRY(read_field(&r));
        }
    }
    return r.depth ? fail_at(&r.s, "the end of a message") : TDNN_OK;
}

/* ---- looking things up ---- */

tdnn_text *tdnn_text_find(const tdnn_text *message, const char *name)
{
    tdnn_text *field = message ? message->first : NULL;
    while (field && strcmp(field->name, name) != 0) field = field->next;
    return field;
}

tdnn_text *tdnn_text_again(const tdnn_text *field)
{
    tdnn_text *next = field->next;
    while (next && strcmp(next->name, field->name) != 0) next = next->next;
    return next;
}

static tdnn_status wrong(const tdnn_text *field, const char *expected, tdnn_error *err)
{
    TDNN_FAIL(err, TDNN_ERR_FORMAT, "%s is %s, expected %s", field->name,
              field->kind == TDNN_TEXT_MESSAGE ? "a message" : field->value, expected);
    return tdnn_error_at(err, TDNN_ERR_FORMAT, "line %d", field->line);
}

tdnn_status tdnn_text_int(const tdnn_text *field, int64_t *out, tdnn_error *err)
{
    char *end = NULL;
    *out = 0;
    if (field->kind != TDNN_TEXT_WORD) return wrong(field, "an integer", err);
    errno = 0;
    *out = strtoll(field->value, &end, 0);
    if (errno || end == field->value || *end) return wrong(field, "an integer", err);
    return TDNN_OK;
}

tdnn_status tdnn_text_double(const tdnn_text *field, double *out, tdnn_error *err)
{
    *out = 0;
    if (field->kind != TDNN_TEXT_WORD) return wrong(field, "a number", err);
    size_t length = tdnn_number_parse(field->value, field->length, out);
    const char *rest = field->value + length;
    if (!length || (*rest && strcmp(rest, "f") != 0 && strcmp(rest, "F") != 0))
        return wrong(field, "a number", err);
    return TDNN_OK;
}

tdnn_status tdnn_text_bool(const tdnn_text *field, bool *out, tdnn_error *err)
{
    static const char *const yes[] = {"true", "True", "t", "1"}, *const no[] = {"false",
                                                                                "False", "f",
                                                                                "0"};
    *out = false;
    if (field->kind != TDNN_TEXT_WORD) return wrong(field, "true or false", err);
    for (size_t i = 0; i < 4; i++) {
        if (strcmp(field->value, yes[i]) == 0) *out = true;
        if (strcmp(field->value, yes[i]) == 0 || strcmp(field->value, no[i]) == 0)
            return TDNN_OK;
    }
    return wrong(field, "true or false", err);
}
