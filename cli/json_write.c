/* json_write.c - JSON on stdout: commas, quoting, and numbers that read back as they were. */
#include "cli/json.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static void quote(const char *text)
{
    putchar('"');
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;

        if (c == '"' || c == '\\')
            printf("\\%c", c);
        else if (c == '\n')
            fputs("\\n", stdout);
        else if (c == '\t')
            fputs("\\t", stdout);
        else if (c < 0x20)
            printf("\\u%04x", (unsigned)c);
        else
            putchar(c);
    }
    putchar('"');
}

static void begin(json_writer *w, const char *key)
{
    if (w->follows[w->depth]) putchar(',');
    w->follows[w->depth] = true;
    if (!key) return;
    quote(key);
    putchar(':');
}

void json_open(json_writer *w, const char *key, char bracket)
{
    begin(w, key);
    putchar(bracket);
    w->follows[++w->depth] = false;
}

void json_close(json_writer *w, char bracket)
{
    putchar(bracket);
    if (--w->depth > 0) return;
    putchar('\n');
    w->follows[0] = false;
}

void json_text(json_writer *w, const char *key, const char *text)
{
    begin(w, key);
    if (text)
        quote(text);
    else
        fputs("null", stdout);
}

void json_int(json_writer *w, const char *key, int64_t value)
{
    begin(w, key);
    printf("%" PRId64, value);
}

void json_real(json_writer *w, const char *key, double value)
{
    char text[40];

    begin(w, key);
    if (!isfinite(value)) {
        fputs("null", stdout);
        return;
    }
    for (int digits = 6; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, value);
        if ((float)strtod(text, NULL) == (float)value) break;
    }
    fputs(text, stdout);
}

void json_bool(json_writer *w, const char *key, bool value)
{
    begin(w, key);
    fputs(value ? "true" : "false", stdout);
}

void json_shape(json_writer *w, const char *key, const tdnn_shape *shape)
{
    json_open(w, key, '[');
    for (int i = 0; i < shape->ndim; i++) json_int(w, NULL, shape->dim[i]);
    json_close(w, ']');
}
