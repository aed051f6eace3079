/* Greedy by size, best gap. */
#include "lib/runtime/arena.h"

#include <stdlib.h>

static int larger_first(const void *a, const void *b)
{
    const tdnn_lifetime *x = *(tdnn_lifetime *const *)a, *y = *(tdnn_lifetime *const *)b;
    if (x->bytes != y->bytes) return x->bytes < y->bytes ? 1 : -1;
    return x < y ? -1 : x > y;
}

static bool overlap(const tdnn_lifetime *a, const tdnn_lifetime *b)
{
    return a->first <= b->last && b->first <= a->last;
}

/* Where `block` fits among `placed` ones, which are in order of offset: the smallest gap that is large
 * enough, else behind all. */
static size_t find_gap(tdnn_lifetime *const *placed, size_t count, const tdnn_lifetime *block)
{
    size_t end = 0, best = SIZE_MAX, best_gap = SIZE_MAX;
    for (size_t i = 0; i < count; i++) {
        if (!overlap(placed[i], block)) continue;
        if (placed[i]->offset > end) {
            size_t gap = placed[i]->offset - end;
            if (gap >= block->bytes && gap < best_gap) {
                best = end;
                best_gap = gap;
            }
        }
        size_t after = placed[i]->offset + placed[i]->bytes;
        if (after > end) end = after;
    }
    return best == SIZE_MAX ? end : best;
}

tdnn_status tdnn_arena_plan(tdnn_lifetime *blocks, size_t count, tdnn_zone *scratch, size_t *total,
                            tdnn_error *err)
{
    tdnn_lifetime **order = tdnn_zone_alloc(scratch, count, sizeof *order);
    tdnn_lifetime **placed = tdnn_zone_alloc(scratch, count, sizeof *placed);
    *total = 0;
    if (!order || !placed) return TDNN_NO_MEMORY(err);
    for (size_t i = 0; i < count; i++) {
        if (blocks[i].bytes > SIZE_MAX / 4)
            return TDNN_FAIL(err, TDNN_ERR_LIMIT, "a block of %zu bytes", blocks[i].bytes);
        blocks[i].bytes = tdnn_round_up(blocks[i].bytes, TDNN_ALIGN);
        order[i] = &blocks[i];
    }
    if (count) qsort(order, count, sizeof *order, larger_first);
    for (size_t i = 0; i < count; i++) {
        tdnn_lifetime *block = order[i];
        block->offset = find_gap(placed, i, block);
        size_t end;
        if (!tdnn_size_add(block->offset, block->bytes, &end) || end > SIZE_MAX / 4)
            return TDNN_FAIL(err, TDNN_ERR_LIMIT, "the arena is too large");
        if (end > *total) *total = end;
        size_t at = i;
        for (; at > 0 && placed[at - 1]->offset > block->offset; at--) placed[at] = placed[at - 1];
        placed[at] = block;
    }
    return TDNN_OK;
}

size_t tdnn_arena_bound(const tdnn_lifetime *blocks, size_t count)
{
    size_t bound = 0;
    for (size_t i = 0; i < count; i++) { /* some block begins where the sum is greatest */
        size_t sum = 0;
        for (size_t j = 0; j < count; j++)
            if (blocks[j].first <= blocks[i].first && blocks[i].first <= blocks[j].last)
                sum += tdnn_round_up(blocks[j].bytes, TDNN_ALIGN);
        if (sum > bound) bound = sum;
    }
    return bound;
}
