/* compare.c - compares two tensors, sequences or optionals: types and shapes first, strings and
 * integers exactly, floats within a tolerance (NaN equals NaN, infinities by sign). */
#include "cli/compare.h"

#include "cli/elements.h"
#include "cli/table.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { DEEPEST_LIST = 4 };

static bool same_shape(const tdnn_shape *a, const tdnn_shape *b, bool ones_in_front)
{
    int i = 0, j = 0;

    if (ones_in_front) {
        while (i < a->ndim && a->dim[i] == 1) i++;
        while (j < b->ndim && b->dim[j] == 1) j++;
    }
    if (a->ndim - i != b->ndim - j) return false;
    for (; i < a->ndim; i++, j++)
        if (a->dim[i] != b->dim[j]) return false;
    return true;
}

/* "[0,3,17]": where number `index` of the tensor is. */
static const char *position(const tdnn_tensor *tensor, size_t index, char *text, size_t size)
{
    const tdnn_shape *shape = tdnn_tensor_shape(tensor);
    size_t step = number_count(tensor), used = 0;

    snprintf(text, size, "%s", shape->ndim ? "" : "the scalar");
    for (int i = 0; i < shape->ndim && used + 24 < size; i++) {
        step /= (size_t)shape->dim[i];
        used +=
            (size_t)snprintf(text + used, size - used, "%c%zu", i ? ',' : '[', index / step);
        index %= step;
    }
    if (used) snprintf(text + used, size - used, "]");
    return text;
}

static void compare_strings(const tdnn_tensor *got, const tdnn_tensor *want, comparison *c)
{
    for (size_t i = 0; i < c->count; i++) {
        const char *a = tdnn_tensor_string(got, i), *b = tdnn_tensor_string(want, i);
        char at[96];

        if (a && b && strcmp(a, b) == 0) continue;
        c->equal = false;
        snprintf(c->text, sizeof c->text, "%s is \"%.80s\", expected \"%.80s\"",
                 position(want, i, at, sizeof at), a ? a : "", b ? b : "");
        return;
    }
}

static double greatest_size(const tdnn_tensor *tensor)
{
    size_t count = number_count(tensor);
    double greatest = 0.0;

    for (size_t i = 0; i < count; i++) {
        double size = fabs(number_at(tensor, i));

        if (isfinite(size) && size > greatest) greatest = size;
    }
    return greatest;
}

static double element_limit(const compare_rules *r, double want)
{
    double relative = r->rtol * fabs(want);

    if (r->either) return r->atol > relative ? r->atol : relative;
    return r->atol + relative;
}

static void compare_numbers(const tdnn_tensor *got, const tdnn_tensor *want,
                            const compare_rules *rules, comparison *c)
{
    double greatest = greatest_size(want), reach = rules->of_greatest * greatest, far = -1.0;
    size_t wrong = 0, worst = 0;
    char at[96];

    for (size_t i = 0; i < c->count; i++) {
        double a = number_at(got, i), b = number_at(want, i), off = fabs(a - b), excess;

        if (a == b || (isnan(a) && isnan(b))) continue;
        if (isfinite(off) && off > c->difference) c->difference = off;
        if (isfinite(off) && off <= element_limit(rules, b)) continue;
        if (isfinite(off) && off <= reach) {
            c->by_greatest++;
            continue;
        }
        wrong++;
        excess = isfinite(off) ? off / (fabs(b) + rules->atol) : (double)INFINITY;
        if (excess <= far) continue;
        far = excess;
        worst = i;
    }
    c->relative = greatest > 0.0 ? c->difference / greatest : c->difference;
    if (!wrong) return;
    c->equal = false;
    snprintf(c->text, sizeof c->text,
             "%zu of %zu numbers differ; %s is %.9g, expected %.9g; greatest difference %.2g, "
             "%.2g of the greatest value",
             wrong, c->count, position(want, worst, at, sizeof at), number_at(got, worst),
             number_at(want, worst), c->difference, c->relative);
}

static void compare_exactly(const tdnn_tensor *got, const tdnn_tensor *want, comparison *c)
{
    size_t bits = (size_t)tdnn_dtype_bits(tdnn_tensor_dtype(want));
    const char *a = tdnn_tensor_const_data(got), *b = tdnn_tensor_const_data(want);
    size_t wrong = 0, first = 0;
    char at[96];

    for (size_t i = 0; i < c->count; i++) {
        bool same = bits < 8 ? number_at(got, i) == number_at(want, i)
                             : memcmp(a + i * (bits / 8), b + i * (bits / 8), bits / 8) == 0;

        if (same) continue;
        if (!wrong++) first = i;
        c->difference = fmax(c->difference, fabs(number_at(got, i) - number_at(want, i)));
    }
    if (!wrong) return;
    c->equal = false;
    snprintf(c->text, sizeof c->text, "%zu of %zu numbers differ; %s is %.17g, expected %.17g",
             wrong, c->count, position(want, first, at, sizeof at), number_at(got, first),
             number_at(want, first));
}

/* Types and shapes of two tensors. */
static bool compare_frames(const tdnn_tensor *got, const tdnn_tensor *want,
                           const compare_rules *rules, comparison *c)
{
    const tdnn_shape *a = tdnn_tensor_shape(got), *b = tdnn_tensor_shape(want);
    tdnn_kind kind = tdnn_tensor_kind(got), expected = tdnn_tensor_kind(want);
    tdnn_dtype dtype = tdnn_tensor_dtype(got), named = tdnn_tensor_dtype(want);
    bool listed = expected != TDNN_KIND_TENSOR; /* an empty list may not know its type */
    char is[48], was[48];

    if (kind != expected || (dtype != named && !(listed && (!dtype || !named || !b->dim[0])))) {
        snprintf(c->text, sizeof c->text, "type %s, expected %s",
                 type_text(kind, dtype, is, sizeof is),
                 type_text(expected, named, was, sizeof was));
        return false;
    }
    if (same_shape(a, b, rules->ones_in_front)) return true;
    snprintf(c->text, sizeof c->text, "%s %s, expected %s", listed ? "items:" : "shape",
             shape_write(a).text, shape_write(b).text);
    return false;
}

static comparison compare_level(const tdnn_tensor *got, const tdnn_tensor *want,
                                const compare_rules *rules, int depth)
{
    comparison c = {.equal = true};
    compare_rules own = *rules;
    tdnn_dtype dtype = tdnn_tensor_dtype(want);
    size_t items;

    if (!compare_frames(got, want, rules, &c)) {
        c.equal = false;
        return c;
    }
    items = c.count = element_count(want);
    if (tdnn_tensor_kind(want) != TDNN_KIND_TENSOR) {
        for (size_t i = 0; i < items && c.equal && depth < DEEPEST_LIST; i++) {
            comparison item = compare_level(tdnn_tensor_item(got, i), tdnn_tensor_item(want, i),
                                            rules, depth + 1);

            c.equal = item.equal;
            c.difference = fmax(c.difference, item.difference);
            c.relative = fmax(c.relative, item.relative);
            c.by_greatest += item.by_greatest;
            snprintf(c.text, sizeof c.text, "item %zu: %.280s", i, item.text);
        }
        return c;
    }
    c.count = number_count(want);
    if (rules->any_value) return c;
    if (rules->halves_are_far && (dtype == TDNN_F16 || dtype == TDNN_BF16)) {
        own.atol = fmax(own.atol, 1e-3);
        own.rtol = fmax(own.rtol, 1e-2);
    }
    if (dtype == TDNN_STRING)
        compare_strings(got, want, &c);
    else if (element_is_float(dtype))
        compare_numbers(got, want, &own, &c);
    else
        compare_exactly(got, want, &c);
    return c;
}

comparison compare_tensors(const tdnn_tensor *got, const tdnn_tensor *want,
                           const compare_rules *rules)
{
    return compare_level(got, want, rules, 0);
}

static bool same_bits(const tdnn_tensor *a, const tdnn_tensor *b, int depth)
{
    size_t count = element_count(a);

    if (tdnn_tensor_kind(a) != tdnn_tensor_kind(b) ||
        tdnn_tensor_dtype(a) != tdnn_tensor_dtype(b))
        return false;
    if (!same_shape(tdnn_tensor_shape(a), tdnn_tensor_shape(b), false)) return false;
    if (tdnn_tensor_kind(a) != TDNN_KIND_TENSOR) {
        for (size_t i = 0; i < count && depth < DEEPEST_LIST; i++)
            if (!same_bits(tdnn_tensor_item(a, i), tdnn_tensor_item(b, i), depth + 1))
                return false;
        return true;
    }
    if (tdnn_tensor_dtype(a) == TDNN_STRING) {
        for (size_t i = 0; i < count; i++)
            if (strcmp(tdnn_tensor_string(a, i), tdnn_tensor_string(b, i)) != 0) return false;
        return true;
    }
    return !count || memcmp(tdnn_tensor_const_data(a), tdnn_tensor_const_data(b),
                            tdnn_tensor_bytes(a)) == 0;
}

bool compare_bits(const tdnn_tensor *a, const tdnn_tensor *b) { return same_bits(a, b, 0); }
