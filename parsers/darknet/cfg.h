/* Darknet's .cfg files: sections of keys and values, each with its line.
 *
 * Reading a key marks it, so that those which nobody has read can be named. Where a key stands
 * twice in a section, the first counts, as in Darknet.
 */
#ifndef TDNN_PARSERS_DARKNET_CFG_H
#define TDNN_PARSERS_DARKNET_CFG_H

#include "lib/base/mem.h"

typedef struct tdnn_cfg_key {
    const char *name, *value; /* without any spaces */
    size_t line;
    bool read;
} tdnn_cfg_key;

typedef struct tdnn_cfg_section {
    const char *name; /* without brackets */
    size_t line;
    tdnn_cfg_key *keys;
    size_t count, capacity;
} tdnn_cfg_section;

typedef struct tdnn_cfg {
    tdnn_cfg_section *sections;
    size_t count, capacity;
} tdnn_cfg;

tdnn_status tdnn_cfg_read(tdnn_bytes text, tdnn_zone *zone, tdnn_cfg *out, tdnn_error *err);

/* NULL if the section does not have it. */
const char *tdnn_cfg_text(tdnn_cfg_section *section, const char *key);
bool tdnn_cfg_has(const tdnn_cfg_section *section, const char *key);
/* `missing` if the section does not have it. */
tdnn_status tdnn_cfg_int(tdnn_cfg_section *section, const char *key, int64_t missing,
                         int64_t least, int64_t most, int64_t *out, tdnn_error *err);
tdnn_status tdnn_cfg_float(tdnn_cfg_section *section, const char *key, double missing,
                           float *out, tdnn_error *err);
/* Numbers between commas; none if the section does not have the key. */
tdnn_status tdnn_cfg_ints(tdnn_cfg_section *section, const char *key, tdnn_zone *zone,
                          int64_t **out, size_t *count, tdnn_error *err);
tdnn_status tdnn_cfg_floats(tdnn_cfg_section *section, const char *key, tdnn_zone *zone,
                            float **out, size_t *count, tdnn_error *err);
/* Fails with a key's line as the place. */
tdnn_status tdnn_cfg_error(const tdnn_cfg_section *section, const char *key, tdnn_status status,
                           tdnn_error *err);

#endif
