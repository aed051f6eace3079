/* Operators on strings: StringConcat, StringSplit, StringNormalizer, RegexFullMatch. */
#include "lib/ops/op.h"
#include "lib/ops/regex.h"

#include <string.h>

static tdnn_status check_strings(const tdnn_exec *ctx, size_t index)
{
    const tdnn_tensor *t = ctx->in[index];
    if (t->kind == TDNN_KIND_TENSOR && t->dtype == TDNN_STRING) return TDNN_OK;
    return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE, "input %zu holds no strings", index);
}

/* ---- StringConcat ---- */

/* Where element i of a result of shape `out` is read in a tensor that is broadcast to it. */
static size_t broadcast_at(const tdnn_shape *shape, const tdnn_shape *out, size_t i)
{
    size_t at = 0, stride = 1;
    for (int d = out->ndim - 1, k = shape->ndim - 1; k >= 0; d--, k--) {
        const size_t n = (size_t)shape->dim[k], x = i % (size_t)out->dim[d];
        if (n > 1) at += x * stride;
        stride *= n;
        i /= (size_t)out->dim[d];
    }
    return at;
}

static tdnn_status concat_one(tdnn_exec *ctx, size_t i, char **buffer, size_t *capacity)
{
    const tdnn_tensor *a = ctx->in[0], *b = ctx->in[1], *out = ctx->out[0];
    const char *x = tdnn_tensor_string(a, broadcast_at(&a->shape, &out->shape, i));
    const char *y = tdnn_tensor_string(b, broadcast_at(&b->shape, &out->shape, i));
    const size_t nx = strlen(x), ny = strlen(y);
    if (nx + ny + 1 > *capacity) {
        char *larger = tdnn_realloc(*buffer, 0, nx + ny + 1, 1);
        if (!larger) return TDNN_NO_MEMORY(ctx->err);
        *buffer = larger;
        *capacity = nx + ny + 1;
    }
    memcpy(*buffer, x, nx);
    memcpy(*buffer + nx, y, ny + 1);
    return tdnn_tensor_set_string(ctx->out[0], i, *buffer, ctx->err);
}

static tdnn_status concat_exec(tdnn_exec *ctx)
{
    tdnn_shape shape;
    char *buffer = NULL;
    size_t capacity = 0;
    TDNN_TRY(check_strings(ctx, 0));
    TDNN_TRY(check_strings(ctx, 1));
    TDNN_TRY(tdnn_broadcast_shapes(&ctx->in[0]->shape, &ctx->in[1]->shape, &shape, ctx->err));
    TDNN_TRY(tdnn_tensor_create(TDNN_STRING, &shape, &ctx->out[0], ctx->err));
    tdnn_status status = TDNN_OK;
    for (int64_t i = 0; i < tdnn_shape_count(&shape) && !status; i++)
        status = concat_one(ctx, (size_t)i, &buffer, &capacity);
    tdnn_free(buffer);
    return status;
}

const tdnn_op tdnn_op_StringConcat = {
    .schema = {TDNN_SCHEMA_PLAIN(StringConcat, 2, 2, 1, 1)},
    .exec = concat_exec,
};

/* ---- StringSplit ---- */

typedef struct split_params {
    const char *delimiter; /* NULL or empty: runs of spaces */
    int64_t maxsplit;
    bool limited;
} split_params;

static const char blanks[] = " \t\n\r\f\v";

/* The next part of a text; false at its end. *at moves on, NULL behind the last part. */
static bool next_part(const split_params *p, const char **at, int64_t splits, const char **part,
                      size_t *length)
{
    const bool by_blanks = !p->delimiter || !*p->delimiter;
    if (!*at) return false;
    if (by_blanks) *at += strspn(*at, blanks);
    if (by_blanks && !**at) return false;
    *part = *at;
    const char *end = NULL;
    if (p->limited && splits >= p->maxsplit)
        end = NULL;
    else if (by_blanks)
        end = strpbrk(*at, blanks);
    else
        end = strstr(*at, p->delimiter);
    *length = end ? (size_t)(end - *at) : strlen(*at);
    *at = end ? end + (by_blanks ? 1 : strlen(p->delimiter)) : NULL;
    return true;
}

static int64_t count_parts(const split_params *p, const char *text)
{
    const char *part;
    size_t length;
    int64_t count = 0;
    while (next_part(p, &text, count, &part, &length)) count++;
    return count;
}

static tdnn_status fill_parts(tdnn_exec *ctx, const char *text, size_t first)
{
    const char *part;
    size_t length;
    for (int64_t k = 0; next_part(ctx->params, &text, k, &part, &length); k++) {
        char *copy = tdnn_alloc(length + 1, 1);
        if (!copy) return TDNN_NO_MEMORY(ctx->err);
        memcpy(copy, part, length);
        copy[length] = 0;
        const tdnn_status status =
            tdnn_tensor_set_string(ctx->out[0], first + (size_t)k, copy, ctx->err);
        tdnn_free(copy);
        TDNN_TRY(status);
    }
    return TDNN_OK;
}

static tdnn_status split_exec(tdnn_exec *ctx)
{
    TDNN_TRY(check_strings(ctx, 0));
    const tdnn_tensor *in = ctx->in[0];
    const size_t count = (size_t)tdnn_shape_count(&in->shape);
    tdnn_shape shape = in->shape;
    tdnn_tensor *lengths;
    if (shape.ndim == TDNN_MAX_DIMS)
        return TDNN_FAIL(ctx->err, TDNN_ERR_LIMIT, "%d dimensions, the limit is %d",
                         shape.ndim + 1, TDNN_MAX_DIMS);
    TDNN_TRY(tdnn_tensor_create(TDNN_I64, &in->shape, &lengths, ctx->err));
    int64_t most = 0, *length = lengths->data;
    for (size_t i = 0; i < count; i++) {
        length[i] = count_parts(ctx->params, tdnn_tensor_string(in, i));
        if (length[i] > most) most = length[i];
    }
    shape.dim[shape.ndim++] = most;
    tdnn_status status = tdnn_tensor_create(TDNN_STRING, &shape, &ctx->out[0], ctx->err);
    for (size_t i = 0; i < count && !status; i++)
        status = fill_parts(ctx, tdnn_tensor_string(in, i), i * (size_t)most);
    if (ctx->output_count > 1)
        ctx->out[1] = lengths;
    else
        tdnn_tensor_release(lengths);
    return status;
}

static const tdnn_attr split_attrs[] = {
    TDNN_TEXT(split_params, delimiter, NULL),
    {.name = "maxsplit",
     .type = TDNN_ATTR_INT,
     .offset = offsetof(split_params, maxsplit),
     .given = offsetof(split_params, limited)},
    {0},
};

const tdnn_op tdnn_op_StringSplit = {
    .schema = {TDNN_SCHEMA(StringSplit, 1, 1, 1, 2, split_attrs, split_params)},
    .exec = split_exec,
};

/* ---- StringNormalizer ---- */

enum { CASE_NONE, CASE_LOWER, CASE_UPPER };

typedef struct normalize_params {
    int64_t case_change_action, is_case_sensitive;
    tdnn_strings stopwords;
} normalize_params;

/* The second byte of a two-byte UTF-8 letter of Latin-1, Greek or Cyrillic, in the other case.
 * Letters whose case changes the first byte, or the length, stay as they are. */
static unsigned char other_case(unsigned char lead, unsigned char c, bool upper)
{
    const unsigned char first = upper ? 0xa0 : 0x80, last = upper ? 0xbe : 0x9e;
    if (lead == 0xc3 && c >= first && c <= last && (c & 0x1f) != 0x17)
        return (unsigned char)(upper ? c - 0x20 : c + 0x20);
    if (lead == 0xce && upper && c >= 0xb1 && c <= 0xbf) return (unsigned char)(c - 0x20);
    if (lead == 0xce && !upper && c >= 0x91 && c <= 0x9f) return (unsigned char)(c + 0x20);
    if (lead == 0xd0 && upper && c >= 0xb0 && c <= 0xbf) return (unsigned char)(c - 0x20);
    if (lead == 0xd0 && !upper && c >= 0x90 && c <= 0x9f) return (unsigned char)(c + 0x20);
    return c;
}

static void change_case(char *text, bool upper)
{
    unsigned char lead = 0;
    for (; *text; text++) {
        const unsigned char c = (unsigned char)*text;
        const unsigned char first = upper ? 'a' : 'A';
        if (c >= first && c < first + 26)
            *text = (char)(c ^ 0x20);
        else if (c >= 0x80)
            *text = (char)other_case(lead, c, upper);
        lead = c;
    }
}

static char *copy_text(const char *text)
{
    const size_t size = strlen(text) + 1;
    char *copy = tdnn_alloc(size, 1);
    return copy ? memcpy(copy, text, size) : NULL;
}

/* Equal, if need be but for their case; -1: no memory. */
static int same_word(const char *a, const char *b, bool case_sensitive)
{
    if (case_sensitive) return strcmp(a, b) == 0;
    char *x = copy_text(a), *y = copy_text(b);
    int same = -1;
    if (x && y) {
        change_case(x, false);
        change_case(y, false);
        same = strcmp(x, y) == 0;
    }
    tdnn_free(x);
    tdnn_free(y);
    return same;
}

static tdnn_status is_stop_word(const tdnn_exec *ctx, const char *text, bool *out)
{
    const normalize_params *p = ctx->params;
    *out = false;
    for (size_t i = 0; i < p->stopwords.count && !*out; i++) {
        const int same = same_word(text, p->stopwords.at[i], p->is_case_sensitive != 0);
        if (same < 0) return TDNN_NO_MEMORY(ctx->err);
        *out = same;
    }
    return TDNN_OK;
}

static tdnn_status put_normalized(tdnn_exec *ctx, size_t index, const char *text)
{
    const normalize_params *p = ctx->params;
    char *copy = copy_text(text);
    if (!copy) return TDNN_NO_MEMORY(ctx->err);
    if (p->case_change_action != CASE_NONE)
        change_case(copy, p->case_change_action == CASE_UPPER);
    const tdnn_status status = tdnn_tensor_set_string(ctx->out[0], index, copy, ctx->err);
    tdnn_free(copy);
    return status;
}

static tdnn_status normalize(tdnn_exec *ctx, bool *stop, size_t count)
{
    const tdnn_tensor *in = ctx->in[0];
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        TDNN_TRY(is_stop_word(ctx, tdnn_tensor_string(in, i), &stop[i]));
        kept += !stop[i];
    }
    tdnn_shape shape = in->shape; /* of nothing, one empty string is left */
    shape.dim[shape.ndim - 1] = kept ? (int64_t)kept : 1;
    TDNN_TRY(tdnn_tensor_create(TDNN_STRING, &shape, &ctx->out[0], ctx->err));
    for (size_t i = 0, at = 0; i < count; i++)
        if (!stop[i]) TDNN_TRY(put_normalized(ctx, at++, tdnn_tensor_string(in, i)));
    return TDNN_OK;
}

static tdnn_status normalize_exec(tdnn_exec *ctx)
{
    TDNN_TRY(check_strings(ctx, 0));
    const tdnn_shape *shape = &ctx->in[0]->shape;
    if (shape->ndim != 1 && !(shape->ndim == 2 && shape->dim[0] == 1))
        return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE, "%d dimensions, expected C or 1 x C",
                         shape->ndim);
    const size_t count = (size_t)tdnn_shape_count(shape);
    bool *stop = tdnn_calloc(count, sizeof *stop);
    if (!stop) return TDNN_NO_MEMORY(ctx->err);
    const tdnn_status status = normalize(ctx, stop, count);
    tdnn_free(stop);
    return status;
}

static const char *const case_names[] = {"NONE", "LOWER", "UPPER", NULL};

static const tdnn_attr normalize_attrs[] = {
    TDNN_ENUM(normalize_params, case_change_action, case_names, CASE_NONE),
    TDNN_INT(normalize_params, is_case_sensitive, 0),
    TDNN_STRINGS(normalize_params, stopwords),
    TDNN_IGNORED("locale"),
    {0},
};

const tdnn_op tdnn_op_StringNormalizer = {
    .schema = {TDNN_SCHEMA(StringNormalizer, 1, 1, 1, 1, normalize_attrs, normalize_params)},
    .exec = normalize_exec,
};

/* ---- RegexFullMatch ---- */

typedef struct regex_params {
    const char *pattern;
} regex_params;

static tdnn_status match_all(tdnn_exec *ctx, tdnn_zone *zone)
{
    const regex_params *p = ctx->params;
    const tdnn_tensor *in = ctx->in[0];
    tdnn_regex *regex;
    TDNN_TRY(tdnn_regex_compile(zone, p->pattern ? p->pattern : "", &regex, ctx->err));
    TDNN_TRY(tdnn_tensor_create(TDNN_BOOL, &in->shape, &ctx->out[0], ctx->err));
    const size_t count = (size_t)tdnn_shape_count(&in->shape);
    for (size_t i = 0; i < count; i++)
        ((unsigned char *)ctx->out[0]->data)[i] =
            tdnn_regex_matches(regex, tdnn_tensor_string(in, i));
    return TDNN_OK;
}

static tdnn_status regex_exec(tdnn_exec *ctx)
{
    TDNN_TRY(check_strings(ctx, 0));
    tdnn_zone *zone = tdnn_zone_create();
    if (!zone) return TDNN_NO_MEMORY(ctx->err);
    const tdnn_status status = match_all(ctx, zone);
    tdnn_zone_free(zone);
    return status;
}

static const tdnn_attr regex_attrs[] = {TDNN_TEXT(regex_params, pattern, NULL), {0}};

const tdnn_op tdnn_op_RegexFullMatch = {
    .schema = {TDNN_SCHEMA(RegexFullMatch, 1, 1, 1, 1, regex_attrs, regex_params)},
    .exec = regex_exec,
};
