/* Label files: one label a line, the first for class 0. Editors' byte order mark and CRLF are
 * taken off; empty lines at the end are no labels. */
#include "lib/base/file.h"

#include <string.h>

#define MAX_LABEL_BYTES ((uint64_t)64 << 20)

struct tdnn_labels {
    tdnn_zone *zone;
    const char **names;
    size_t count, capacity;
};

static tdnn_status parse(tdnn_labels *labels, tdnn_bytes bytes, tdnn_error *err)
{
    const char *at = bytes.data, *end = at + bytes.size;
    if (memchr(at, '\0', bytes.size))
        return TDNN_FAIL(err, TDNN_ERR_FORMAT,
                         "the file has zero bytes, expected lines of text");
    if (bytes.size >= 3 && memcmp(at, "\xef\xbb\xbf", 3) == 0) at += 3;
    size_t used = 0; /* labels up to the last one that is not empty */
    while (at < end) {
        const char *line_end = memchr(at, '\n', (size_t)(end - at));
        if (!line_end) line_end = end;
        size_t length = (size_t)(line_end - at);
        if (length && at[length - 1] == '\r') length--;
        char *name = tdnn_zone_strndup(labels->zone, at, length);
        if (!name ||
            !TDNN_ZONE_PUSH(labels->zone, labels->names, labels->count, labels->capacity))
            return TDNN_NO_MEMORY(err);
        labels->names[labels->count++] = name;
        if (length) used = labels->count;
        at = line_end + 1;
    }
    labels->count = used;
    return used ? TDNN_OK : TDNN_FAIL(err, TDNN_ERR_FORMAT, "the file has no labels");
}

tdnn_status tdnn_labels_read(const char *path, tdnn_labels **out, tdnn_error *err)
{
    if (!out) return TDNN_FAIL(err, TDNN_ERR_ARGUMENT, "`out` is NULL");
    *out = NULL;
    if (!path) return TDNN_FAIL(err, TDNN_ERR_ARGUMENT, "the path is NULL");
    tdnn_file *file;
    TDNN_TRY(tdnn_file_open(path, MAX_LABEL_BYTES, &file, err));
    tdnn_zone *zone = tdnn_zone_create();
    tdnn_labels *labels = zone ? tdnn_zone_alloc(zone, 1, sizeof *labels) : NULL;
    tdnn_status status = TDNN_OK;
    if (labels) {
        labels->zone = zone;
        tdnn_bytes bytes = tdnn_file_bytes(file);
        if (!bytes.size)
            status = TDNN_FAIL(err, TDNN_ERR_FORMAT, "the file is empty");
        else
            status = parse(labels, bytes, err);
    } else {
        status = TDNN_NO_MEMORY(err);
    }
    tdnn_file_release(file);
    if (status) {
        tdnn_zone_free(zone);
        return tdnn_error_at(err, status, "%s", path);
    }
    *out = labels;
    return TDNN_OK;
}

size_t tdnn_labels_count(const tdnn_labels *labels) { return labels ? labels->count : 0; }

const char *tdnn_labels_get(const tdnn_labels *labels, int class_id)
{
    if (!labels || class_id < 0 || (size_t)class_id >= labels->count) return NULL;
    return labels->names[class_id];
}

void tdnn_labels_free(tdnn_labels *labels)
{
    if (labels) tdnn_zone_free(labels->zone);
}
