/* Darknet's .cfg files: sections in brackets, key=value lines, comments from '#' or ';'. */
#ifndef TDNN_PARSERS_DARKNET_CFG_H
#define TDNN_PARSERS_DARKNET_CFG_H

#include "lib/base/mem.h"

typedef struct tdnn_cfg_option {
    const char *key, *value; /* without any white space */
    int line;
    bool used;
} tdnn_cfg_option;

typedef struct tdnn_cfg_section {
    const char *name; /* without brackets */
    int line;
    tdnn_cfg_option *options;
    size_t option_count, option_capacity;
} tdnn_cfg_section;

typedef struct tdnn_cfg {
    tdnn_cfg_section *sections;
    size_t section_count, section_capacity;
} tdnn_cfg;

tdnn_status tdnn_cfg_parse(tdnn_bytes bytes, tdnn_zone *zone, tdnn_cfg *out, tdnn_error *err);

/* The value of a key, or the default; a value that is no number, or one out of range, is an error that names
 * line, key and value. The last of several lines with the same key counts, as in Darknet. */
tdnn_status tdnn_cfg_int(tdnn_cfg_section *section, const char *key, int64_t least, int64_t most,
                         int64_t otherwise, int64_t *out, tdnn_error *err);
tdnn_status tdnn_cfg_float(tdnn_cfg_section *section, const char *key, float otherwise, float *out,
                           tdnn_error *err);
const char *tdnn_cfg_text(tdnn_cfg_section *section, const char *key, const char *otherwise);
/* Comma-separated numbers; *count 0 if the key is not there. In the zone. */
tdnn_status tdnn_cfg_ints(tdnn_cfg_section *section, const char *key, tdnn_zone *zone, int64_t **out,
                          size_t *count, tdnn_error *err);
tdnn_status tdnn_cfg_floats(tdnn_cfg_section *section, const char *key, tdnn_zone *zone, float **out,
                            size_t *count, tdnn_error *err);

#endif
