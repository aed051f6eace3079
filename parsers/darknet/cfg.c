/* Reading .cfg files. Darknet removes all white space from a line, takes it as a comment if it begins with
 * '#' or ';', and splits it at the first '='. */
#include "parsers/darknet/cfg.h"

#include "lib/base/number.h"

#include <string.h>

static tdnn_status at_line(int line, tdnn_status status, tdnn_error *err)
{
    return tdnn_error_at(err, status, "line %d", line);
}

/* The next line without white space, in the zone; NULL in *out at the end. */
static tdnn_status next_line(const char **at, const char *end, tdnn_zone *zone, char **out, tdnn_error *err)
{
    *out = NULL;
    if (*at == end) return TDNN_OK;
    const char *newline = memchr(*at, '\n', (size_t)(end - *at));
    const char *stop = newline ? newline : end;
    char *line = tdnn_zone_alloc(zone, (size_t)(stop - *at) + 1, 1);
    if (!line) return TDNN_NO_MEMORY(err);
    size_t length = 0;
    for (const char *p = *at; p < stop; p++)
        if (*p != ' ' && *p != '\t' && *p != '\r' && *p != '\0') line[length++] = *p;
    *at = newline ? newline + 1 : end;
    *out = line;
    return TDNN_OK;
}

static tdnn_status add_section(tdnn_cfg *cfg, tdnn_zone *zone, char *line, int number, tdnn_error *err)
{
    char *close = strchr(line, ']');
    if (!close)
        return at_line(number, TDNN_FAIL(err, TDNN_ERR_FORMAT, "\"%s\": expected a ']'", line), err);
    *close = '\0';
    if (!TDNN_ZONE_PUSH(zone, cfg->sections, cfg->section_count, cfg->section_capacity))
        return TDNN_NO_MEMORY(err);
    cfg->sections[cfg->section_count++] = (tdnn_cfg_section){.name = line + 1, .line = number};
    return TDNN_OK;
}

static tdnn_status add_option(tdnn_cfg *cfg, tdnn_zone *zone, char *line, int number, tdnn_error *err)
{
    char *equals = strchr(line, '=');
    if (!equals)
        return at_line(number, TDNN_FAIL(err, TDNN_ERR_FORMAT, "\"%s\": expected key=value", line), err);
    if (!cfg->section_count)
        return at_line(number, TDNN_FAIL(err, TDNN_ERR_FORMAT, "\"%s\" before the first section", line), err);
    *equals = '\0';
    char *comment = strchr(equals + 1, '#');
    if (comment) *comment = '\0';
    tdnn_cfg_section *s = &cfg->sections[cfg->section_count - 1];
    if (!TDNN_ZONE_PUSH(zone, s->options, s->option_count, s->option_capacity)) return TDNN_NO_MEMORY(err);
    s->options[s->option_count++] = (tdnn_cfg_option){.key = line, .value = equals + 1, .line = number};
    return TDNN_OK;
}

tdnn_status tdnn_cfg_parse(tdnn_bytes bytes, tdnn_zone *zone, tdnn_cfg *out, tdnn_error *err)
{
    const char *at = bytes.data, *end = at + bytes.size;
    char *line;
    *out = (tdnn_cfg){0};
    for (int number = 1;; number++) {
        TDNN_TRY(next_line(&at, end, zone, &line, err));
        if (!line) return TDNN_OK;
        if (line[0] == '\0' || line[0] == '#' || line[0] == ';') continue;
        if (line[0] == '[')
            TDNN_TRY(add_section(out, zone, line, number, err));
        else
            TDNN_TRY(add_option(out, zone, line, number, err));
    }
}

static tdnn_cfg_option *find(tdnn_cfg_section *section, const char *key)
{
    tdnn_cfg_option *found = NULL;
    for (size_t i = 0; i < section->option_count; i++)
        if (strcmp(section->options[i].key, key) == 0) {
            found = &section->options[i];
            found->used = true;
        }
    return found;
}

static tdnn_status wrong(const tdnn_cfg_option *o, const char *expected, tdnn_error *err)
{
    return at_line(o->line, TDNN_FAIL(err, TDNN_ERR_FORMAT, "%s=%s, expected %s", o->key, o->value, expected),
                   err);
}

/* A number at *at, which moves behind it and a comma. Integers may be written as 3.0. */
static bool take_number(const char **at, double *out)
{
    size_t used = tdnn_number_parse(*at, strlen(*at), out);
    if (!used) return false;
    *at += used;
    if (**at == ',') ++*at;
    return true;
}

tdnn_status tdnn_cfg_int(tdnn_cfg_section *section, const char *key, int64_t least, int64_t most,
                         int64_t otherwise, int64_t *out, tdnn_error *err)
{
    const tdnn_cfg_option *o = find(section, key);
    *out = otherwise;
    if (!o) return TDNN_OK;
    const char *at = o->value;
    double number;
    if (!take_number(&at, &number) || *at) return wrong(o, "an integer", err);
    if (!(number >= (double)least && number <= (double)most))
        return at_line(o->line,
                       TDNN_FAIL(err, TDNN_ERR_FORMAT, "%s=%s, expected %lld to %lld", key, o->value,
                                 (long long)least, (long long)most),
                       err);
    *out = (int64_t)number;
    return TDNN_OK;
}

tdnn_status tdnn_cfg_float(tdnn_cfg_section *section, const char *key, float otherwise, float *out,
                           tdnn_error *err)
{
    const tdnn_cfg_option *o = find(section, key);
    *out = otherwise;
    if (!o) return TDNN_OK;
    const char *at = o->value;
    double number;
    if (!take_number(&at, &number) || *at) return wrong(o, "a number", err);
    *out = (float)number;
    return TDNN_OK;
}

const char *tdnn_cfg_text(tdnn_cfg_section *section, const char *key, const char *otherwise)
{
    const tdnn_cfg_option *o = find(section, key);
    return o ? o->value : otherwise;
}

static tdnn_status numbers(tdnn_cfg_section *section, const char *key, tdnn_zone *zone, double **out,
                           size_t *count, tdnn_error *err)
{
    const tdnn_cfg_option *o = find(section, key);
    *out = NULL;
    *count = 0;
    if (!o) return TDNN_OK;
    double *list = *out = tdnn_zone_alloc(zone, strlen(o->value) + 1, sizeof *list);
    if (!list) return TDNN_NO_MEMORY(err);
    for (const char *at = o->value; *at;)
        if (!take_number(&at, &list[(*count)++])) return wrong(o, "numbers with commas between them", err);
    return TDNN_OK;
}

tdnn_status tdnn_cfg_ints(tdnn_cfg_section *section, const char *key, tdnn_zone *zone, int64_t **out,
                          size_t *count, tdnn_error *err)
{
    double *list;
    TDNN_TRY(numbers(section, key, zone, &list, count, err));
    *out = tdnn_zone_alloc(zone, *count + 1, sizeof **out);
    if (!*out) return TDNN_NO_MEMORY(err);
    for (size_t i = 0; i < *count; i++) {
        if (!(list[i] >= -1e9 && list[i] <= 1e9)) return wrong(find(section, key), "small integers", err);
        (*out)[i] = (int64_t)list[i];
    }
    return TDNN_OK;
}

tdnn_status tdnn_cfg_floats(tdnn_cfg_section *section, const char *key, tdnn_zone *zone, float **out,
                            size_t *count, tdnn_error *err)
{
    double *list;
    TDNN_TRY(numbers(section, key, zone, &list, count, err));
    *out = tdnn_zone_alloc(zone, *count + 1, sizeof **out);
    if (!*out) return TDNN_NO_MEMORY(err);
    for (size_t i = 0; i < *count; i++) (*out)[i] = (float)list[i];
    return TDNN_OK;
}
