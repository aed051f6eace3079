/* table.c - aligned columns, and the short forms of counts, sizes and shapes that stand in
 * them. */
#include "cli/table.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WIDEST_CELL = 48 };

table table_make(const char *align, const char *const *heads)
{
    return (table){.columns = strlen(align), .align = align, .heads = heads};
}

void table_add(table *t, const char *format, ...)
{
    char cell[256];
    va_list list;

    va_start(list, format);
    vsnprintf(cell, sizeof cell, format, list);
    va_end(list);
    if (t->count == t->capacity) {
        t->capacity = t->capacity ? t->capacity * 2 : 64;
        t->cells = need_more(t->cells, t->capacity, sizeof *t->cells);
    }
    t->cells[t->count++] = need_text("%s", cell);
}

/* Columns on the screen: bytes that do not continue a UTF-8 character. */
static size_t text_width(const char *text)
{
    size_t width = 0;

    for (; *text; text++) width += (*text & 0xC0) != 0x80;
    return width;
}

static void print_cell(const char *cell, size_t width, char align, bool last)
{
    size_t own = text_width(cell), pad = own < width ? width - own : 0;

    if (align == 'r')
        printf("%*s%s", (int)pad, "", cell);
    else
        printf("%s%*s", cell, last ? 0 : (int)pad, "");
    fputs(last ? "\n" : "  ", stdout);
}

static void widen(size_t *width, const char *cell)
{
    size_t own = text_width(cell);

    if (own > WIDEST_CELL) own = WIDEST_CELL;
    if (own > *width) *width = own;
}

void table_print(table *t)
{
    size_t width[TABLE_COLUMNS] = {0}, last = t->columns - 1;

    for (size_t i = 0; i < t->columns; i++) widen(&width[i], t->heads[i]);
    for (size_t i = 0; i < t->count; i++) widen(&width[i % t->columns], t->cells[i]);
    fputs(colour_code(COLOUR_STRONG), stdout);
    for (size_t i = 0; i < t->columns; i++)
        print_cell(t->heads[i], width[i], t->align[i], i == last);
    fputs(colour_code(COLOUR_NONE), stdout);
    for (size_t i = 0; i < t->count; i++) {
        size_t column = i % t->columns;

        print_cell(t->cells[i], width[column], t->align[column], column == last);
        free(t->cells[i]);
    }
    free(t->cells);
    t->cells = NULL;
    t->count = t->capacity = 0;
}

/* `value` with three digits and the largest unit that leaves it at 1 or more. */
static short_text with_unit(double value, double step, const char *const *units, size_t count)
{
    short_text out;
    size_t i = 0;

    while (value >= step && i + 1 < count) {
        value /= step;
        i++;
    }
    snprintf(out.text, sizeof out.text,
             i == 0        ? "%.0f%s"
             : value < 100 ? "%.2f%s"
                           : "%.1f%s",
             value, units[i]);
    return out;
}

short_text count_text(uint64_t count)
{
    static const char *const units[] = {"", " k", " M", " G", " T"};

    return with_unit((double)count, 1e3, units, 5);
}

short_text bytes_text(uint64_t bytes)
{
    static const char *const units[] = {" B", " KiB", " MiB", " GiB", " TiB"};

    return with_unit((double)bytes, 1024, units, 5);
}

shape_text shape_write(const tdnn_shape *shape)
{
    shape_text out;
    size_t used = 0;

    if (shape->ndim <= 0) {
        snprintf(out.text, sizeof out.text, "%s", shape->ndim ? "?" : "scalar");
        return out;
    }
    for (int i = 0; i < shape->ndim && i < TDNN_MAX_DIMS; i++) {
        char dim[24];

        if (shape->dim[i] < 0)
            snprintf(dim, sizeof dim, "?");
        else
            snprintf(dim, sizeof dim, "%" PRId64, shape->dim[i]);
        used += (size_t)snprintf(out.text + used, sizeof out.text - used, "%s%s", i ? "x" : "",
                                 dim);
    }
    return out;
}
