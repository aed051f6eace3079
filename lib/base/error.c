/* Filling in tdnn_error. Text that does not fit is cut; nothing is allocated. */
#include "lib/base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const status_names[] = {
    [TDNN_OK] = "ok",
    [TDNN_ERR_ARGUMENT] = "argument",
    [TDNN_ERR_MEMORY] = "memory",
    [TDNN_ERR_IO] = "io",
    [TDNN_ERR_FORMAT] = "format",
    [TDNN_ERR_UNSUPPORTED] = "unsupported",
    [TDNN_ERR_SHAPE] = "shape",
    [TDNN_ERR_NOT_FOUND] = "not found",
    [TDNN_ERR_STATE] = "state",
    [TDNN_ERR_LIMIT] = "limit",
    [TDNN_ERR_CANCELLED] = "cancelled",
    [TDNN_ERR_INTERNAL] = "internal",
};

const char *tdnn_status_name(tdnn_status status)
{
    size_t count = sizeof status_names / sizeof *status_names;
    return (size_t)status < count ? status_names[status] : "?";
}

void tdnn_error_clear(tdnn_error *err)
{
    if (err) memset(err, 0, sizeof *err);
}

tdnn_status tdnn_error_set(tdnn_error *err, const char *origin, tdnn_status status,
                           const char *format, ...)
{
    if (!err) return status;
    err->status = status;
    err->where[0] = '\0';
    err->origin = origin;
    va_list args;
    va_start(args, format);
    vsnprintf(err->message, sizeof err->message, format, args);
    va_end(args);
    return status;
}

tdnn_status tdnn_error_at(tdnn_error *err, tdnn_status status, const char *format, ...)
{
    if (!err || status == TDNN_OK || err->where[0]) return status;
    va_list args;
    va_start(args, format);
    vsnprintf(err->where, sizeof err->where, format, args);
    va_end(args);
    return status;
}
