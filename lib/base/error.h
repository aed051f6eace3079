/* Errors as values: how the library's functions fail and pass failures on.
 *
 *     return TDNN_FAIL(err, TDNN_ERR_SHAPE, "axis %d of a %d-dimensional tensor, expected ...",
 * ...); TDNN_TRY(call(..., err));
 *
 * The deeper code writes the message; the frame that knows the node, byte or line adds `where`.
 */
#ifndef TDNN_BASE_ERROR_H
#define TDNN_BASE_ERROR_H

#include "tinydnn.h"

#define TDNN_STR_(x) #x
#define TDNN_STR(x) TDNN_STR_(x)
#define TDNN_HERE __FILE__ ":" TDNN_STR(__LINE__)

/* Fills *err (NULL is allowed) and returns `status`. `where` is emptied. */
tdnn_status tdnn_error_set(tdnn_error *err, const char *origin, tdnn_status status,
                           const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Sets `where`, if the failing code has not set one already. Returns err's status. */
tdnn_status tdnn_error_at(tdnn_error *err, tdnn_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

void tdnn_error_clear(tdnn_error *err);

#define TDNN_FAIL(err, status, ...) tdnn_error_set((err), TDNN_HERE, (status), __VA_ARGS__)

#define TDNN_TRY(call)                                                                           \
    do {                                                                                         \
        tdnn_status try_status_ = (call);                                                        \
        if (try_status_ != TDNN_OK) return try_status_;                                          \
    } while (0)

/* For functions with one `fail:` label and a local `tdnn_status status`. */
#define TDNN_GOTO(call)                                                                          \
    do {                                                                                         \
        status = (call);                                                                         \
        if (status != TDNN_OK) goto fail;                                                        \
    } while (0)

#endif
