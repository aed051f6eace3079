/* Protocol buffers' wire format, field by field: a cursor that accepts only what is well
 * formed.
 *
 * Groups (wire types 3 and 4) and the unused types 6 and 7 are refused, and so are field number
 * 0, varints of more than 10 bytes and lengths beyond the end.
 */
#ifndef TDNN_PARSERS_WIRE_H
#define TDNN_PARSERS_WIRE_H

#include "lib/base/bytes.h"
#include "lib/base/mem.h"

typedef enum tdnn_wire_type {
    TDNN_WIRE_VARINT = 0,
    TDNN_WIRE_64 = 1,
    TDNN_WIRE_BYTES = 2,
    TDNN_WIRE_32 = 5
} tdnn_wire_type;

typedef struct tdnn_wire_field {
    uint32_t number;
    tdnn_wire_type type;
    tdnn_bytes payload; /* as it lies there; of BYTES: without the length */
    size_t offset;      /* of the field's tag, from the start of the file */
} tdnn_wire_field;

/* The next field. At the end, *more is false. */
tdnn_status tdnn_wire_next(tdnn_cursor *cursor, tdnn_wire_field *field, bool *more,
                           tdnn_error *err);
/* False if there is no whole varint of at most 10 bytes and 64 bits. */
bool tdnn_wire_varint(tdnn_cursor *cursor, uint64_t *out);
/* A cursor over the payload, whose offsets are still those of the file. */
tdnn_cursor tdnn_wire_enter(const tdnn_cursor *file, tdnn_bytes payload);

/* What a message has of elements: raw bytes, or numbers in the field of their type. */
typedef struct tdnn_wire_elements {
    bool has_raw;
    tdnn_bytes raw;
    uint32_t field;     /* of the numbers */
    size_t occurrences; /* of that field: one, if packed; one for each number, if not */
    tdnn_bytes packed;  /* the last of them                                           */
    tdnn_cursor body;   /* over the whole message                                     */
} tdnn_wire_elements;
/* Of the message with `size` bytes at `place` of the file. */
tdnn_status tdnn_wire_find_elements(tdnn_bytes file, uint64_t place, uint64_t size,
                                    uint32_t raw_field, uint32_t field,
                                    tdnn_wire_elements *out, tdnn_error *err);

/* A growing buffer for writing. Zero it; free with tdnn_free(buffer.data). The functions are
 * false when memory is refused. */
typedef struct tdnn_wire_buffer {
    unsigned char *data;
    size_t size, capacity;
} tdnn_wire_buffer;

bool tdnn_wire_put(tdnn_wire_buffer *buffer, const void *data, size_t size);
bool tdnn_wire_put_tag(tdnn_wire_buffer *buffer, uint32_t number, tdnn_wire_type type);
bool tdnn_wire_put_varint(tdnn_wire_buffer *buffer, uint64_t value);
/* Whole fields. */
bool tdnn_wire_put_int(tdnn_wire_buffer *buffer, uint32_t number, int64_t value);
bool tdnn_wire_put_fixed64(tdnn_wire_buffer *buffer, uint32_t number, uint64_t value);
bool tdnn_wire_put_bytes(tdnn_wire_buffer *buffer, uint32_t number, const void *data,
                         size_t size);
/* A message whose length is known when it ends: a varint of 5 bytes is kept for it, which may
 * have leading zeros. False also if it is longer than 2 GiB - 1. */
bool tdnn_wire_begin(tdnn_wire_buffer *buffer, uint32_t number, size_t *mark);
bool tdnn_wire_end(tdnn_wire_buffer *buffer, size_t mark);

#endif
