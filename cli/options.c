/* options.c - reads a command line by its table: --name value, --name=value, "--" ends the
 * options. What is wrong is answered with the nearest right usage. */
#include "cli/options.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LONGEST_WORD = 63 };

static size_t least(size_t a, size_t b) { return a < b ? a : b; }

/* Levenshtein's distance, by rows. */
static size_t distance(const char *a, const char *b)
{
    size_t row[LONGEST_WORD + 1], n = strlen(b);

    if (n > LONGEST_WORD || strlen(a) > LONGEST_WORD) return SIZE_MAX;
    for (size_t j = 0; j <= n; j++) row[j] = j;
    for (size_t i = 0; a[i]; i++) {
        size_t corner = row[0];

        row[0] = i + 1;
        for (size_t j = 1; j <= n; j++) {
            size_t above = row[j];

            row[j] = least(least(above, row[j - 1]) + 1, corner + (a[i] != b[j - 1]));
            corner = above;
        }
    }
    return row[n];
}

const char *nearest_word(const char *word, const char *const *words, size_t count)
{
    const char *best = NULL;
    size_t reach = strlen(word) / 3 + 1;

    for (size_t i = 0; i < count; i++) {
        size_t far = distance(word, words[i]);

        if (far < reach) {
            reach = far;
            best = words[i];
        }
    }
    return best;
}

int options_wrong(const command_line *line, const char *format, ...)
{
    va_list list;

    fputs("tinydnn: error: ", stderr);
    va_start(list, format);
    vfprintf(stderr, format, list);
    va_end(list);
    fprintf(stderr, "\nusage: tinydnn %s %s\n       tinydnn %s --help says more\n", line->name,
            line->arguments, line->name);
    return EXIT_USAGE;
}

static void print_help(const command_line *line)
{
    printf("usage: tinydnn %s %s\n\n%s\n\noptions:\n", line->name, line->arguments,
           line->about);
    for (const option *o = line->options; o->name; o++) {
        char head[80];

        snprintf(head, sizeof head, "--%s%s%s", o->name, o->value ? " " : "",
                 o->value ? o->value : "");
        if (strlen(head) > 26)
            printf("  %s\n  %-26s  %s\n", head, "", o->help);
        else
            printf("  %-26s  %s\n", head, o->help);
    }
    printf("  %-26s  %s\n", "--help", "this text");
}

static bool read_real(const char *text, double low, double *out)
{
    char *end;
    double value;

    errno = 0;
    value = strtod(text, &end);
    if (end == text || *end || errno || !isfinite(value) || value < low) return false;
    *out = value;
    return true;
}

static bool read_int(const char *text, double low, int *out)
{
    char *end;
    long value;

    errno = 0;
    value = strtol(text, &end, 10);
    if (end == text || *end || errno || (double)value < low || value > INT_MAX) return false;
    *out = (int)value;
    return true;
}

static bool read_seed(const char *text, uint64_t *out)
{
    char *end;

    errno = 0;
    *out = strtoull(text, &end, 0);
    return end != text && !*end && !errno && *text != '-';
}

static bool read_reals(const char *text, float *out, int *count)
{
    for (*count = 0; *count < 4;) {
        char *end;
        float value = strtof(text, &end);

        if (end == text || !isfinite(value)) return false;
        out[(*count)++] = value;
        if (!*end) return true;
        if (*end != ',') return false;
        text = end + 1;
    }
    return false;
}

static bool read_choice(const char *text, const char *words, int *out)
{
    size_t length = strlen(text);

    for (int i = 0; *words; i++) {
        size_t word = strcspn(words, "|");

        if (word == length && memcmp(words, text, length) == 0) {
            *out = i;
            return true;
        }
        words += word + (words[word] == '|');
    }
    return false;
}

static bool read_size(const char *text, int *out)
{
    char *end;
    long width, height;

    width = strtol(text, &end, 10);
    if (end == text || (*end != 'x' && *end != 'X')) return false;
    text = end + 1;
    height = strtol(text, &end, 10);
    if (end == text || *end || width < 1 || height < 1 || width > 1 << 20 || height > 1 << 20)
        return false;
    out[0] = (int)width;
    out[1] = (int)height;
    return true;
}

static bool read_bytes(const char *text, uint64_t *out)
{
    static const char units[] = "KMG";
    const char *unit;
    char *end;
    unsigned long long number;
    int shift = 0;

    errno = 0;
    number = strtoull(text, &end, 10);
    if (end == text || *text == '-' || errno || number == 0) return false;
    unit = *end ? strchr(units, *end) : NULL;
    if (unit) shift = 10 * (int)(unit - units + 1), end++;
    if (*end || number > UINT64_MAX >> shift) return false;
    *out = (uint64_t)number << shift;
    return true;
}

static bool read_value(const option *o, const char *text)
{
    switch (o->kind) {
    case OPTION_FLAG: *(bool *)o->out = true; return true;
    case OPTION_TEXT: *(const char **)o->out = text; return true;
    case OPTION_TEXTS: {
        text_list *list = o->out;

        list->text = need_more(list->text, list->count + 1, sizeof *list->text);
        list->text[list->count++] = text;
        return true;
    }
    case OPTION_INT: return read_int(text, o->low, o->out);
    case OPTION_BYTES: return read_bytes(text, o->out);
    case OPTION_SEED: *(bool *)o->given = true; return read_seed(text, o->out);
    case OPTION_REAL: return read_real(text, o->low, o->out);
    case OPTION_REALS: return read_reals(text, o->out, o->given);
    case OPTION_CHOICE: return read_choice(text, o->value, o->out);
    case OPTION_SIZE: return read_size(text, o->out);
    }
    return false;
}

static const char *nearest_option(const command_line *line, const char *name)
{
    const char *words[64];
    size_t count = 0;

    for (const option *o = line->options; o->name && count < 64; o++) words[count++] = o->name;
    return nearest_word(name, words, count);
}

/* One option at argv[*at]; moves *at to its last word. */
static bool parse_option(command_line *line, int argc, char **argv, int *at, int *status)
{
    const char *text = argv[*at] + 2, *equals = strchr(text, '=');
    size_t length = equals ? (size_t)(equals - text) : strlen(text);
    const option *o = line->options;
    const char *value = equals ? equals + 1 : NULL, *near;
    char name[LONGEST_WORD + 1];

    snprintf(name, sizeof name, "%.*s", (int)length, text);
    while (o->name && strcmp(o->name, name) != 0) o++;
    if (!o->name) {
        near = nearest_option(line, name);
        *status = near ? options_wrong(line, "no option --%s, did you mean --%s?", name, near)
                       : options_wrong(line, "no option --%s", name);
        return false;
    }
    if (o->kind == OPTION_FLAG) {
        if (value) *status = options_wrong(line, "--%s takes no value", name);
        return !value && read_value(o, "");
    }
    if (!value && *at + 1 < argc) value = argv[++*at];
    if (!value) {
        *status = options_wrong(line, "--%s needs a value: --%s %s", name, name, o->value);
        return false;
    }
    if (read_value(o, value)) return true;
    if (o->kind == OPTION_INT)
        *status = options_wrong(line, "--%s %s: expected a whole number from %g on", name,
                                value, o->low);
    else
        *status = options_wrong(line, "--%s %s: expected %s", name, value, o->value);
    return false;
}

bool options_parse(command_line *line, int argc, char **argv, int *status)
{
    bool open = true; /* "--" has not been seen */

    line->given = need((size_t)argc, sizeof *line->given);
    line->count = 0;
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i];

        if (open && (!strcmp(word, "--help") || !strcmp(word, "-h"))) {
            print_help(line);
            *status = output_flush() ? EXIT_DONE : EXIT_FAULT;
            return false;
        }
        if (open && !strcmp(word, "--")) {
            open = false;
        } else if (open && word[0] == '-' && word[1] == '-') {
            if (!parse_option(line, argc, argv, &i, status)) return false;
        } else if (open && word[0] == '-' && word[1]) {
            *status = options_wrong(line, "no option %s", word);
            return false;
        } else {
            line->given[line->count++] = word;
        }
    }
    if (line->count >= line->least && (line->most < 0 || line->count <= line->most))
        return true;
    *status =
        line->count < line->least
            ? options_wrong(line, "%s",
                            line->count ? "an argument is missing" : "arguments are missing")
            : options_wrong(line, "one argument too many: '%s'", line->given[line->most]);
    return false;
}
