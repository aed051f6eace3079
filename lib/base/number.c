/* strtod follows the locale of the program, so that "0.5" would be 0 in half of Europe: the
 * decimal point is put as the locale has it before strtod sees the text. */
#include "lib/base/number.h"

#include <locale.h>
#include <stdlib.h>
#include <string.h>

enum { LONGEST = 400 }; /* characters of a number; digits behind that do not matter */

static size_t take_digits(const char *text, size_t length, size_t at)
{
    while (at < length && text[at] >= '0' && text[at] <= '9') at++;
    return at;
}

static size_t take_name(const char *text, size_t length, const char *name)
{
    size_t i = 0;
    for (; name[i]; i++)
        if (i >= length || (text[i] | 0x20) != name[i]) return 0;
    return i;
}

size_t tdnn_number_parse(const char *text, size_t length, double *out)
{
    static const char *const names[] = {"infinity", "inf", "nan"};
    size_t sign = length && (text[0] == '-' || text[0] == '+'), at = sign;
    *out = 0;
    for (size_t i = 0; i < 3; i++) {
        size_t named = take_name(text + at, length - at, names[i]);
        if (!named) continue;
        *out = strtod(names[i], NULL);
        if (text[0] == '-') *out = -*out;
        return at + named;
    }
    size_t whole = take_digits(text, length, at), point = 0, digits = whole - at;
    at = whole;
    if (at < length && text[at] == '.') {
        point = at + 1; /* 1 more than its place: 0 means there is none */
        size_t end = take_digits(text, length, at + 1);
        digits += end - at - 1;
        at = end;
    }
    if (!digits) return 0;
    if (at < length && (text[at] | 0x20) == 'e') {
        size_t e = at + 1;
        if (e < length && (text[e] == '-' || text[e] == '+')) e++;
        size_t end = take_digits(text, length, e);
        if (end > e) at = end;
    }
    char copy[LONGEST + 16];
    const char *locale_point = localeconv()->decimal_point;
    size_t extra = strlen(locale_point);
    if (at > LONGEST || extra > 8) return 0;
    if (point) {
        memcpy(copy, text, point - 1);
        memcpy(copy + point - 1, locale_point, extra);
        memcpy(copy + point - 1 + extra, text + point, at - point);
        copy[at - 1 + extra] = '\0';
    } else {
        memcpy(copy, text, at);
        copy[at] = '\0';
    }
    *out = strtod(copy, NULL);
    return at;
}
