/* Greedy by size, best gap; where that is not the least, in other orders too. */
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

/* Where `block` fits among `placed` ones, which are in order of offset: the smallest gap that
 * is large enough, else behind all. */
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

/* Places the blocks in this order; `placed` has room for them. The arena's size; SIZE_MAX: too
 * large. */
static size_t place(tdnn_lifetime *const *order, tdnn_lifetime **placed, size_t count)
{
    size_t total = 0;
    for (size_t i = 0; i < count; i++) {
        tdnn_lifetime *block = order[i];
        block->offset = find_gap(placed, i, block);
        size_t end;
        if (!tdnn_size_add(block->offset, block->bytes, &end) || end > SIZE_MAX / 4)
            return SIZE_MAX;
        if (end > total) total = end;
        size_t at = i;
        for (; at > 0 && placed[at - 1]->offset > block->offset; at--)
            placed[at] = placed[at - 1];
        placed[at] = block;
    }
    return total;
}

/* The first block that reaches to the arena's end comes first in the next attempt. */
static void promote(tdnn_lifetime **order, size_t total)
{
    size_t i = 0;
    while (order[i]->offset + order[i]->bytes != total) i++;
    tdnn_lifetime *block = order[i];
    for (; i > 0; i--) order[i] = order[i - 1];
    order[0] = block;
}

/* An attempt takes time with the square of the number of blocks. */
enum { MOST_ATTEMPTS = 100, MOST_WORK = 1 << 22, MOST_BLOCKS = 2048 };

/* Other orders as long as there is something to gain. Leaves the offsets of the best. */
static size_t improve(tdnn_lifetime *blocks, tdnn_lifetime **order, tdnn_lifetime **placed,
                      size_t *best, size_t count, size_t all, size_t total)
{
    const size_t bound = tdnn_arena_bound(blocks, all), affordable = MOST_WORK / (all * all);
    size_t least = total;
    for (size_t i = 0; i < all; i++) best[i] = blocks[i].offset;
    for (size_t tries = 0; tries < affordable && tries < MOST_ATTEMPTS && least > bound;
         tries++) {
        promote(order, total);
        total = place(order, placed, count);
        if (total == SIZE_MAX) break;
        if (total >= least) continue;
        least = total;
        for (size_t i = 0; i < all; i++) best[i] = blocks[i].offset;
    }
    for (size_t i = 0; i < all; i++) blocks[i].offset = best[i];
    return least;
}

tdnn_status tdnn_arena_plan(tdnn_lifetime *blocks, size_t count, tdnn_zone *scratch,
                            size_t *total, tdnn_error *err)
{
    tdnn_lifetime **order = tdnn_zone_alloc(scratch, count, sizeof *order);
    tdnn_lifetime **placed = tdnn_zone_alloc(scratch, count, sizeof *placed);
    size_t *best = tdnn_zone_alloc(scratch, count, sizeof *best), some = 0;
    *total = 0;
    if (!order || !placed || !best) return TDNN_NO_MEMORY(err);
    for (size_t i = 0; i < count; i++) {
        if (blocks[i].bytes > SIZE_MAX / 4)
            return TDNN_FAIL(err, TDNN_ERR_LIMIT, "a block of %zu bytes", blocks[i].bytes);
        blocks[i].bytes = tdnn_round_up(blocks[i].bytes, TDNN_ALIGN);
        blocks[i].offset = 0;
        if (blocks[i].bytes) order[some++] = &blocks[i];
    }
    if (!some) return TDNN_OK;
    qsort(order, some, sizeof *order, larger_first);
    *total = place(order, placed, some);
    if (*total == SIZE_MAX) return TDNN_FAIL(err, TDNN_ERR_LIMIT, "the arena is too large");
    if (count <= MOST_BLOCKS) *total = improve(blocks, order, placed, best, some, count, *total);
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
