/* table.h - rows of text, printed in aligned columns. */
#ifndef TINYDNN_CLI_TABLE_H
#define TINYDNN_CLI_TABLE_H

#include "cli/report.h"

enum { TABLE_COLUMNS = 12 };

typedef struct table {
    size_t columns;
    const char *align;        /* a letter a column: 'l' left, 'r' right */
    const char *const *heads; /* the titles of the columns              */
    char **cells;             /* row by row                             */
    size_t count, capacity;
} table;

/* Holds no memory before the first cell. */
table table_make(const char *align, const char *const *heads);
/* The next cell; rows follow one another without a mark. */
void table_add(table *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Prints and frees. */
void table_print(table *t);

/* Numbers as a person reads them: "12.3 M", "1.2 MiB"; into `text`, which they return. */
typedef struct short_text {
    char text[24];
} short_text;
short_text count_text(uint64_t count);
short_text bytes_text(uint64_t bytes);

/* "1x3x224x224", a scalar "scalar", "?" for what is not known. */
typedef struct shape_text {
    char text[TDNN_MAX_DIMS * 21 + 8];
} shape_text;
shape_text shape_write(const tdnn_shape *shape);

#endif
