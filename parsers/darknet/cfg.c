/* Darknet's .cfg files, as its own reader takes them: all spaces go, a line that starts with #
 * or ; is a comment. Beyond that, a comment may follow a value, and numbers must be numbers. */
#include "parsers/darknet/cfg.h"

#include "lib/base/number.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

/* ---- Lines ---- */

static tdnn_status line_error(size_t line, tdnn_status status, tdnn_error *err)
{
    return tdnn_error_at(err, status, "line %zu", line);
}

/* One line without spaces and without what follows a comment sign; *text moves behind it. */
static char *next_line(tdnn_zone *zone, tdnn_bytes *text)
{
    const char *from = text->data;
    const char *newline = memchr(from, '\n', text->size);
    size_t length = newline ? (size_t)(newline - from) : text->size, used = 0;
    char *line = tdnn_zone_alloc(zone, length + 1, 1);
    if (!line) return NULL;
    for (size_t i = 0; i < length && from[i] != '#' && from[i] != ';'; i++)
        if (!strchr(" \t\r\n", from[i])) line[used++] = from[i]; /* drops zero bytes too */
    size_t whole = length + (newline ? 1 : 0);
    *text = (tdnn_bytes){from + whole, text->size - whole};
    return line;
}

static tdnn_status add_section(tdnn_cfg *cfg, tdnn_zone *zone, char *line, size_t number,
                               tdnn_error *err)
{
    size_t length = strlen(line);
    if (length < 3 || line[length - 1] != ']')
        return TDNN_FAIL(err, TDNN_ERR_FORMAT, "\"%.60s\", expected a section such as [net]",
                         line);
    if (!TDNN_ZONE_PUSH(zone, cfg->sections, cfg->count, cfg->capacity))
        return TDNN_NO_MEMORY(err);
    line[length - 1] = '\0';
    cfg->sections[cfg->count++] = (tdnn_cfg_section){.name = line + 1, .line = number};
    return TDNN_OK;
}

static tdnn_status add_key(tdnn_cfg *cfg, tdnn_zone *zone, char *line, size_t number,
                           tdnn_error *err)
{
    char *equals = strchr(line, '=');
    if (!equals || equals == line)
        return TDNN_FAIL(err, TDNN_ERR_FORMAT, "\"%.60s\", expected key=value", line);
    if (!cfg->count)
        return TDNN_FAIL(err, TDNN_ERR_FORMAT, "\"%.60s\" in front of the first section", line);
    tdnn_cfg_section *section = &cfg->sections[cfg->count - 1];
    if (!TDNN_ZONE_PUSH(zone, section->keys, section->count, section->capacity))
        return TDNN_NO_MEMORY(err);
    *equals = '\0';
    section->keys[section->count++] = (tdnn_cfg_key){line, equals + 1, number, false};
    return TDNN_OK;
}

tdnn_status tdnn_cfg_read(tdnn_bytes text, tdnn_zone *zone, tdnn_cfg *out, tdnn_error *err)
{
    *out = (tdnn_cfg){0};
    for (size_t number = 1; text.size; number++) {
        char *line = next_line(zone, &text);
        if (!line) return TDNN_NO_MEMORY(err);
        if (!*line) continue;
        tdnn_status status = *line == '[' ? add_section(out, zone, line, number, err)
                                          : add_key(out, zone, line, number, err);
        if (status) return line_error(number, status, err);
    }
    return TDNN_OK;
}

/* ---- Keys ---- */

static tdnn_cfg_key *find(const tdnn_cfg_section *section, const char *key)
{
    for (size_t i = 0; i < section->count; i++)
        if (!strcmp(section->keys[i].name, key)) return &section->keys[i];
    return NULL;
}

/* Marks all of that name: a second one is as good as read. */
static tdnn_cfg_key *take(tdnn_cfg_section *section, const char *key)
{
    for (size_t i = 0; i < section->count; i++)
        if (!strcmp(section->keys[i].name, key)) section->keys[i].read = true;
    return find(section, key);
}

bool tdnn_cfg_has(const tdnn_cfg_section *section, const char *key)
{
    return find(section, key) != NULL;
}

const char *tdnn_cfg_text(tdnn_cfg_section *section, const char *key)
{
    tdnn_cfg_key *found = take(section, key);
    return found ? found->value : NULL;
}

tdnn_status tdnn_cfg_error(const tdnn_cfg_section *section, const char *key, tdnn_status status,
                           tdnn_error *err)
{
    const tdnn_cfg_key *found = find(section, key);
    return line_error(found ? found->line : section->line, status, err);
}

/* ---- Numbers ---- */

/* Moves behind the number. Infinities and NaN are none here. */
static bool read_number(const char **text, double *out)
{
    size_t taken = tdnn_number_parse(*text, strlen(*text), out);
    *text += taken;
    return taken && isfinite(*out);
}

tdnn_status tdnn_cfg_float(tdnn_cfg_section *section, const char *key, double missing,
                           float *out, tdnn_error *err)
{
    const tdnn_cfg_key *found = take(section, key);
    *out = (float)missing;
    if (!found) return TDNN_OK;
    const char *text = found->value;
    double value;
    if (!read_number(&text, &value) || *text)
        return line_error(
            found->line,
            TDNN_FAIL(err, TDNN_ERR_FORMAT, "%s=%.40s, expected a number", key, found->value),
            err);
    *out = (float)value;
    return TDNN_OK;
}

static tdnn_status whole(const char *key, const char *text, double value, int64_t least,
                         int64_t most, int64_t *out, tdnn_error *err)
{
    if (!(value >= (double)least && value <= (double)most) || value != (double)(int64_t)value)
        return TDNN_FAIL(err, TDNN_ERR_FORMAT,
                         "%s=%.40s, expected a whole number from %" PRId64 " to %" PRId64, key,
                         text, least, most);
    *out = (int64_t)value;
    return TDNN_OK;
}

tdnn_status tdnn_cfg_int(tdnn_cfg_section *section, const char *key, int64_t missing,
                         int64_t least, int64_t most, int64_t *out, tdnn_error *err)
{
    const tdnn_cfg_key *found = take(section, key);
    *out = missing;
    if (!found) return TDNN_OK;
    const char *text = found->value;
    double value;
    if (!read_number(&text, &value) || *text) value = (double)most + 1e18;
    tdnn_status status = whole(key, found->value, value, least, most, out, err);
    return status ? line_error(found->line, status, err) : TDNN_OK;
}

/* Numbers between commas; a comma at the end is tolerated, as many files have it. */
static tdnn_status read_list(const tdnn_cfg_key *key, tdnn_zone *zone, double **out,
                             size_t *count, tdnn_error *err)
{
    size_t most = 1;
    for (const char *p = key->value; *p; p++) most += *p == ',';
    *out = tdnn_zone_alloc(zone, most, sizeof **out);
    if (!*out) return TDNN_NO_MEMORY(err);
    for (const char *p = key->value; *p;) {
        if (!read_number(&p, &(*out)[*count]) || (*p && *p != ','))
            return line_error(key->line,
                              TDNN_FAIL(err, TDNN_ERR_FORMAT,
                                        "%s=%.60s, expected numbers between commas", key->name,
                                        key->value),
                              err);
        ++*count;
        if (*p == ',') p++;
    }
    return TDNN_OK;
}

tdnn_status tdnn_cfg_ints(tdnn_cfg_section *section, const char *key, tdnn_zone *zone,
                          int64_t **out, size_t *count, tdnn_error *err)
{
    const tdnn_cfg_key *found = take(section, key);
    double *values;
    *out = NULL;
    *count = 0;
    if (!found) return TDNN_OK;
    TDNN_TRY(read_list(found, zone, &values, count, err));
    *out = tdnn_zone_alloc(zone, *count, sizeof **out);
    if (!*out) return TDNN_NO_MEMORY(err);
    for (size_t i = 0; i < *count; i++) {
        tdnn_status status =
            whole(key, found->value, values[i], -INT32_MAX, INT32_MAX, &(*out)[i], err);
        if (status) return line_error(found->line, status, err);
    }
    return TDNN_OK;
}

tdnn_status tdnn_cfg_floats(tdnn_cfg_section *section, const char *key, tdnn_zone *zone,
                            float **out, size_t *count, tdnn_error *err)
{
    const tdnn_cfg_key *found = take(section, key);
    double *values;
    *out = NULL;
    *count = 0;
    if (!found) return TDNN_OK;
    TDNN_TRY(read_list(found, zone, &values, count, err));
    *out = tdnn_zone_alloc(zone, *count, sizeof **out);
    if (!*out) return TDNN_NO_MEMORY(err);
    for (size_t i = 0; i < *count; i++) (*out)[i] = (float)values[i];
    return TDNN_OK;
}
