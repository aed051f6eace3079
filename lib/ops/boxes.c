/* Sorting by merging, since it is stable and has no worst case, and greedy suppression as SSD's
 * DetectionOutput defines it. */
#include "lib/ops/boxes.h"

#include <math.h>
#include <string.h>

void tdnn_boxes_sort(tdnn_scored_box *list, tdnn_scored_box *spare, size_t count)
{
    tdnn_scored_box *from = list, *to = spare;
    for (size_t run = 1; run < count; run *= 2) {
        for (size_t begin = 0; begin < count; begin += 2 * run) {
            const size_t middle = count - begin > run ? begin + run : count;
            const size_t end = count - middle > run ? middle + run : count;
            size_t a = begin, b = middle;
            for (size_t i = begin; i < end; i++)
                to[i] = b >= end || (a < middle && from[a].score >= from[b].score) ? from[a++]
                                                                                   : from[b++];
        }
        tdnn_scored_box *swap = from;
        from = to;
        to = swap;
    }
    if (from != list && count) memcpy(list, from, count * sizeof *list);
}

static float area(const float *b, float pixel)
{
    return b[2] < b[0] || b[3] < b[1] ? 0 : (b[2] - b[0] + pixel) * (b[3] - b[1] + pixel);
}

/* Intersection over union. */
static float overlap(const float *a, const float *b, float pixel)
{
    if (b[0] > a[2] || b[2] < a[0] || b[1] > a[3] || b[3] < a[1]) return 0;
    const float w = fminf(a[2], b[2]) - fmaxf(a[0], b[0]) + pixel;
    const float h = fminf(a[3], b[3]) - fmaxf(a[1], b[1]) + pixel;
    if (!(w > 0) || !(h > 0)) return 0;
    return w * h / (area(a, pixel) + area(b, pixel) - w * h);
}

size_t tdnn_boxes_suppress(const tdnn_suppression *how, const float *boxes,
                           const tdnn_scored_box *sorted, size_t count, size_t most,
                           tdnn_scored_box *kept)
{
    float threshold = how->threshold;
    size_t found = 0;
    for (size_t i = 0; i < count && found < most; i++) {
        const float *box = boxes + 4 * (size_t)sorted[i].box;
        bool keep = true;
        for (size_t k = 0; keep && k < found; k++)
            keep = overlap(box, boxes + 4 * (size_t)kept[k].box, how->pixel) <= threshold;
        if (!keep) continue;
        kept[found++] = sorted[i];
        if (how->eta < 1 && threshold > 0.5F) threshold *= how->eta;
    }
    return found;
}
