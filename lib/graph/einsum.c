/* Reads the equation of an Einsum: any number of operands, repeated letters (diagonals), an
 * ellipsis, explicit and implicit results. */
#include "lib/graph/einsum.h"

#include "lib/base/error.h"

#include <ctype.h>

static int letter(char c) { return c >= 'a' ? c - 'a' + 26 : c - 'A'; }

/* One term, up to ',', '-' or the end; an ellipsis stands for `dots` dimensions, or, in operands
 * (ndim >= 0), for as many as are left over. */
static tdnn_status read_term(const char **text, int ndim, int dots, tdnn_einsum_term *out,
                             tdnn_error *err)
{
    const char *c = *text;
    int letters = 0, ellipses = 0;
    *out = (tdnn_einsum_term){0};
    for (; *c && *c != ',' && *c != '-'; c++) {
        if (*c == '.')
            ellipses++;
        else if (isalpha((unsigned char)*c))
            letters++;
        else if (*c != ' ')
            return TDNN_FAIL(err, TDNN_ERR_FORMAT, "'%c' in the equation", *c);
    }
    if (ellipses != 0 && ellipses != 3)
        return TDNN_FAIL(err, TDNN_ERR_FORMAT, "%d dots in a term of the equation", ellipses);
    if (ndim >= 0) dots = ndim - letters;
    if (letters > 2 * TDNN_MAX_DIMS - (dots > 0 ? dots : 0) ||
        (ndim >= 0 && (dots < 0 || (dots > 0 && !ellipses))))
        return TDNN_FAIL(err, TDNN_ERR_SHAPE, "a term of %d letters for %d dimensions", letters,
                         ndim);
    for (c = *text; *c && *c != ',' && *c != '-'; c++) {
        if (*c == ' ') continue;
        if (*c != '.') {
            out->label[out->count++] = letter(*c);
            continue;
        }
        for (int i = 0; i < dots; i++) out->label[out->count++] = TDNN_EINSUM_LABELS - dots + i;
        while (c[1] == '.' || c[1] == ' ') c++;
    }
    *text = c;
    return TDNN_OK;
}

/* Without "->": the ellipsis, then the letters that occur once, in order. */
static tdnn_einsum_term implicit_result(const int *uses, int dots)
{
    tdnn_einsum_term out = {0};
    for (int i = 0; i < dots; i++) out.label[out.count++] = TDNN_EINSUM_LABELS - dots + i;
    for (int i = 0; i < TDNN_EINSUM_LETTERS && out.count < 2 * TDNN_MAX_DIMS; i++)
        if (uses[i] == 1) out.label[out.count++] = i;
    return out;
}

static tdnn_status take_extents(const tdnn_einsum_term *t, const tdnn_shape *shape,
                                tdnn_einsum *out, tdnn_error *err)
{
    for (int i = 0; i < t->count; i++) {
        int64_t *have = &out->extent[t->label[i]];
        const int64_t more = shape->dim[i];
        if (out->uses[t->label[i]]++ == 0 || *have == 1)
            *have = more;
        else if (more != 1 && more != *have)
            return TDNN_FAIL(err, TDNN_ERR_SHAPE, "one letter for dimensions of %lld and %lld",
                             (long long)*have, (long long)more);
    }
    return TDNN_OK;
}

static tdnn_status check_result(const tdnn_einsum *e, tdnn_error *err)
{
    bool seen[TDNN_EINSUM_LABELS] = {false};
    for (int i = 0; i < e->result.count; i++) {
        const int label = e->result.label[i];
        if (!e->uses[label] || seen[label])
            return TDNN_FAIL(err, TDNN_ERR_FORMAT,
                             "a letter of the result that no input has, or twice");
        seen[label] = true;
    }
    return TDNN_OK;
}

tdnn_status tdnn_einsum_read(const char *text, const tdnn_shape *const *shapes, size_t count,
                             tdnn_einsum *out, tdnn_error *err)
{
    int dots = 0;
    *out = (tdnn_einsum){.operands = count};
    if (count > TDNN_EINSUM_OPERANDS)
        return TDNN_FAIL(err, TDNN_ERR_LIMIT, "more than %d inputs", TDNN_EINSUM_OPERANDS);
    for (size_t i = 0; i < count; i++) {
        if (i && *text++ != ',')
            return TDNN_FAIL(err, TDNN_ERR_FORMAT, "an equation of %zu terms for %zu inputs", i,
                             count);
        TDNN_TRY(read_term(&text, shapes[i]->ndim, 0, &out->term[i], err));
        TDNN_TRY(take_extents(&out->term[i], shapes[i], out, err));
    }
    for (int i = TDNN_EINSUM_LETTERS; i < TDNN_EINSUM_LABELS; i++) dots += out->uses[i] > 0;
    if (*text == '-' && text[1] == '>') {
        text += 2;
        TDNN_TRY(read_term(&text, -1, dots, &out->result, err));
    } else {
        out->result = implicit_result(out->uses, dots);
    }
    if (*text || out->result.count > TDNN_MAX_DIMS)
        return TDNN_FAIL(err, TDNN_ERR_FORMAT, "an equation that does not fit its %zu inputs",
                         count);
    return check_result(out, err);
}
