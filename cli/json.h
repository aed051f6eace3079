/* json.h - JSON out, one object a line; and JSON in, for reference.json and its like. */
#ifndef TINYDNN_CLI_JSON_H
#define TINYDNN_CLI_JSON_H

#include "cli/report.h"

/* Writes to stdout. `key` is NULL inside arrays and for the outermost value. */
typedef struct json_writer {
    int depth;
    bool follows[16]; /* a value stands before at this depth */
} json_writer;

void json_open(json_writer *w, const char *key, char bracket);     /* '{' or '[' */
void json_close(json_writer *w, char bracket);                     /* '}' or ']' */
void json_text(json_writer *w, const char *key, const char *text); /* NULL: null */
void json_int(json_writer *w, const char *key, int64_t value);
void json_real(json_writer *w, const char *key, double value); /* null if not finite */
void json_bool(json_writer *w, const char *key, bool value);
void json_shape(json_writer *w, const char *key, const tdnn_shape *shape);

typedef enum json_type {
    JSON_NULL,
    JSON_BOOL,
    JSON_NUMBER,
    JSON_STRING,
    JSON_ARRAY,
    JSON_OBJECT
} json_type;

typedef struct json_value json_value;
struct json_value {
    json_type type;
    char *key;     /* in an object, else NULL            */
    char *text;    /* of a string                        */
    double number; /* of a number; 0 or 1 of a bool      */
    json_value *first, *next;
};

/* Strict RFC 8259, at most 64 levels deep. NULL and a message with the line if it is not JSON.
 */
json_value *json_parse(const char *bytes, size_t size, char *message, size_t message_size);
void json_free(json_value *value);
/* A member of an object; NULL if there is none, or `object` is NULL or none. */
const json_value *json_get(const json_value *object, const char *key);
/* Its text; NULL if it is no string. */
const char *json_get_text(const json_value *object, const char *key);

#endif
