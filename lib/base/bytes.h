/* A cursor over bytes that never reads past its end. */
#ifndef TDNN_BASE_BYTES_H
#define TDNN_BASE_BYTES_H

#include "tinydnn.h"

#include <string.h>

typedef struct tdnn_cursor {
    const unsigned char *at, *end;
    const unsigned char *start;
} tdnn_cursor;

static inline tdnn_cursor tdnn_cursor_make(const void *data, size_t size)
{
    const unsigned char *p = data;
    return (tdnn_cursor){p, p + size, p};
}
static inline size_t tdnn_cursor_left(const tdnn_cursor *c) { return (size_t)(c->end - c->at); }
static inline size_t tdnn_cursor_offset(const tdnn_cursor *c)
{
    return (size_t)(c->at - c->start);
}
/* Copies `size` bytes out and moves on; false, and nothing changes, if there are fewer. */
static inline bool tdnn_cursor_read(tdnn_cursor *c, void *out, size_t size)
{
    if (tdnn_cursor_left(c) < size) return false;
    if (size) memcpy(out, c->at, size);
    c->at += size;
    return true;
}
/* Moves on over `size` bytes and returns where they start; NULL if there are fewer. */
static inline const void *tdnn_cursor_take(tdnn_cursor *c, size_t size)
{
    if (tdnn_cursor_left(c) < size) return NULL;
    const void *p = c->at;
    c->at += size;
    return p;
}

#endif
