/* Protocol buffers' text format, as prototxt and pbtxt files have it, read into a tree without
 * a schema.
 *
 *   name: "data"   shape { dim: 1 }   shape: < dim: 1 >   dim: [1, 3, 4]   # a comment
 *
 * The text-format specification: protobuf.dev, "Text Format Language Specification".
 */
#ifndef TDNN_PARSERS_TEXT_H
#define TDNN_PARSERS_TEXT_H

#include "lib/base/mem.h"

typedef enum tdnn_text_kind {
    TDNN_TEXT_WORD,   /* a number or an identifier, as written */
    TDNN_TEXT_STRING, /* without quotes, escapes resolved      */
    TDNN_TEXT_MESSAGE
} tdnn_text_kind;

typedef struct tdnn_text {
    const char *name; /* of the field; "" for the whole file       */
    int line;         /* from 1                                    */
    tdnn_text_kind kind;
    const char *value;              /* WORD, STRING: NUL-terminated             */
    size_t length;                  /* of value: a string may hold NULs         */
    struct tdnn_text *first, *last; /* MESSAGE: its fields         */
    struct tdnn_text
        *next;    /* behind it in the same message; list elements follow one another */
    size_t count; /* of fields */
    bool used;    /* for the reader of the tree, to tell later what nobody asked for */
} tdnn_text;

/* Everything is allocated in `zone`. Errors say the line. */
tdnn_status tdnn_text_parse(tdnn_bytes bytes, tdnn_zone *zone, tdnn_text **out,
                            tdnn_error *err);

/* The first field of that name; NULL if there is none, or no message. */
tdnn_text *tdnn_text_find(const tdnn_text *message, const char *name);
/* The next one of the same name behind `field`. */
tdnn_text *tdnn_text_again(const tdnn_text *field);

/* The value of a field as a number; errors name field and line. Octal and hexadecimal integers
 * are read; numbers are read the same under every locale. */
tdnn_status tdnn_text_int(const tdnn_text *field, int64_t *out, tdnn_error *err);
tdnn_status tdnn_text_double(const tdnn_text *field, double *out, tdnn_error *err);
tdnn_status tdnn_text_bool(const tdnn_text *field, bool *out, tdnn_error *err);

#endif
