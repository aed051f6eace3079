/* json_read.c - a strict JSON reader: RFC 8259, UTF-8 passed through, escapes decoded, nesting
 * bounded. */
#include "cli/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEEPEST = 64 };

typedef struct reader {
    const char *at, *end, *start;
    const char *fault; /* what was expected; NULL so far */
} reader;

static bool fail(reader *r, const char *expected)
{
    if (!r->fault) r->fault = expected;
    return false;
}

static void skip_space(reader *r)
{
    while (r->at < r->end && strchr(" \t\r\n", *r->at) && *r->at) r->at++;
}

static bool take(reader *r, char c)
{
    skip_space(r);
    if (r->at == r->end || *r->at != c) return false;
    r->at++;
    return true;
}

static bool take_word(reader *r, const char *word)
{
    size_t length = strlen(word);

    if ((size_t)(r->end - r->at) < length || memcmp(r->at, word, length) != 0)
        return fail(r, "a value");
    r->at += length;
    return true;
}

static bool hex4(reader *r, unsigned *out)
{
    *out = 0;
    if (r->end - r->at < 4) return fail(r, "four hexadecimal digits");
    for (int i = 0; i < 4; i++) {
        const char *digits = "0123456789abcdef", *d;
        char c = *r->at++;

        if (c >= 'A' && c <= 'F') c = (char)(c - 'A' + 'a');
        d = c ? strchr(digits, c) : NULL;
        if (!d) return fail(r, "four hexadecimal digits");
        *out = *out * 16 + (unsigned)(d - digits);
    }
    return true;
}

static char *put_utf8(char *to, unsigned code)
{
    if (code < 0x80) {
        *to++ = (char)code;
    } else if (code < 0x800) {
        *to++ = (char)(0xC0 | code >> 6);
        *to++ = (char)(0x80 | (code & 0x3F));
    } else if (code < 0x10000) {
        *to++ = (char)(0xE0 | code >> 12);
        *to++ = (char)(0x80 | (code >> 6 & 0x3F));
        *to++ = (char)(0x80 | (code & 0x3F));
    } else {
        *to++ = (char)(0xF0 | code >> 18);
        *to++ = (char)(0x80 | (code >> 12 & 0x3F));
        *to++ = (char)(0x80 | (code >> 6 & 0x3F));
        *to++ = (char)(0x80 | (code & 0x3F));
    }
    return to;
}

/* The part of an escape behind the backslash. */
static bool read_escape(reader *r, char **to)
{
    static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
    unsigned code, low;
    const char *name;
    char c;

    if (r->at == r->end) return fail(r, "an escape");
    c = *r->at++;
    if (c != 'u') {
        name = c ? strchr(names, c) : NULL;
        if (!name) return fail(r, "one of the escapes \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\u");
        *(*to)++ = values[name - names];
        return true;
    }
    if (!hex4(r, &code)) return false;
    if (code == 0) return fail(r, "a text without NUL");
    if (code >= 0xD800 && code < 0xDC00) {
        if (r->end - r->at < 2 || r->at[0] != '\\' || r->at[1] != 'u')
            return fail(r, "the second half of a surrogate pair");
        r->at += 2;
        if (!hex4(r, &low)) return false;
        if (low < 0xDC00 || low > 0xDFFF) return fail(r, "the second half of a surrogate pair");
        code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
    } else if (code >= 0xDC00 && code < 0xE000) {
        return fail(r, "the first half of a surrogate pair");
    }
    *to = put_utf8(*to, code);
    return true;
}

/* A string from its opening quote on; an escape is never shorter than what it stands for. */
static char *read_string(reader *r)
{
    const char *close;
    char *text, *to;

    if (!take(r, '"')) {
        fail(r, "a string");
        return NULL;
    }
    for (close = r->at; close < r->end && *close != '"'; close++)
        if (*close == '\\' && close + 1 < r->end) close++;
    text = to = need((size_t)(close - r->at) + 1, 1);
    while (r->at < r->end && *r->at != '"') {
        if ((unsigned char)*r->at < 0x20) {
            fail(r, "no control character in a string");
            break;
        }
        if (*r->at != '\\') {
            *to++ = *r->at++;
            continue;
        }
        r->at++;
        if (!read_escape(r, &to)) break;
    }
    if (!r->fault && take(r, '"')) return text;
    fail(r, "the closing quote of a string");
    free(text);
    return NULL;
}

static size_t skip_digits(reader *r)
{
    const char *from = r->at;

    while (r->at < r->end && *r->at >= '0' && *r->at <= '9') r->at++;
    return (size_t)(r->at - from);
}

static bool read_number(reader *r, double *out)
{
    const char *from = r->at;
    char text[64];
    size_t length;

    if (r->at < r->end && *r->at == '-') r->at++;
    if (r->at < r->end && *r->at == '0')
        r->at++;
    else if (skip_digits(r) == 0)
        return fail(r, "a value");
    if (r->at < r->end && *r->at == '.') {
        r->at++;
        if (skip_digits(r) == 0) return fail(r, "digits behind the point");
    }
    if (r->at < r->end && (*r->at == 'e' || *r->at == 'E')) {
        r->at++;
        if (r->at < r->end && (*r->at == '+' || *r->at == '-')) r->at++;
        if (skip_digits(r) == 0) return fail(r, "digits of the exponent");
    }
    length = (size_t)(r->at - from);
    if (length >= sizeof text) return fail(r, "a number of less than 64 characters");
    memcpy(text, from, length);
    text[length] = '\0';
    *out = strtod(text, NULL);
    return true;
}

static bool read_value(reader *r, json_value *value, int depth);

/* The items of an array or the members of an object, behind the opening bracket. */
static bool read_items(reader *r, json_value *value, int depth)
{
    bool object = value->type == JSON_OBJECT;
    char close = object ? '}' : ']';
    json_value **link = &value->first;

    if (depth == DEEPEST) return fail(r, "at most 64 levels of nesting");
    if (take(r, close)) return true;
    do {
        json_value *item = *link = need(1, sizeof *item);

        link = &item->next;
        if (object) {
            item->key = read_string(r);
            if (!item->key) return false;
            if (!take(r, ':')) return fail(r, "':' behind a member's name");
        }
        if (!read_value(r, item, depth + 1)) return false;
    } while (take(r, ','));
    return take(r, close) || fail(r, object ? "',' or '}'" : "',' or ']'");
}

static bool read_value(reader *r, json_value *value, int depth)
{
    skip_space(r);
    if (r->at == r->end) return fail(r, "a value");
    switch (*r->at) {
    case '{':
    case '[':
        value->type = *r->at++ == '{' ? JSON_OBJECT : JSON_ARRAY;
        return read_items(r, value, depth);
    case '"':
        value->type = JSON_STRING;
        value->text = read_string(r);
        return value->text != NULL;
    case 't':
    case 'f':
        value->type = JSON_BOOL;
        value->number = *r->at == 't';
        return take_word(r, *r->at == 't' ? "true" : "false");
    case 'n': return take_word(r, "null");
    default: value->type = JSON_NUMBER; return read_number(r, &value->number);
    }
}

json_value *json_parse(const char *bytes, size_t size, char *message, size_t message_size)
{
    reader r = {bytes, bytes + size, bytes, NULL};
    json_value *value = need(1, sizeof *value);
    size_t line = 1;

    if (read_value(&r, value, 0)) {
        skip_space(&r);
        if (r.at == r.end) return value;
        fail(&r, "nothing behind the value");
    }
    for (const char *c = r.start; c < r.at; c++) line += *c == '\n';
    snprintf(message, message_size, "line %zu: expected %s", line, r.fault);
    json_free(value);
    return NULL;
}

/* Children are moved to the front of the list of what is still to be freed, so no recursion. */
void json_free(json_value *value)
{
    while (value) {
        json_value *next = value->next;

        if (value->first) {
            json_value *last = value->first;

            while (last->next) last = last->next;
            last->next = next;
            next = value->first;
        }
        free(value->key);
        free(value->text);
        free(value);
        value = next;
    }
}

const json_value *json_get(const json_value *object, const char *key)
{
    if (!object || object->type != JSON_OBJECT) return NULL;
    for (const json_value *v = object->first; v; v = v->next)
        if (!strcmp(v->key, key)) return v;
    return NULL;
}

const char *json_get_text(const json_value *object, const char *key)
{
    const json_value *value = json_get(object, key);

    return value && value->type == JSON_STRING ? value->text : NULL;
}
