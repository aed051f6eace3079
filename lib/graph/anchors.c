/* The anchors of Faster R-CNN's proposals, as its authors' code makes them: a square for each
 * ratio in another shape of about the same area, whole numbers, and each of those for each
 * scale larger. */
#include "lib/graph/params.h"

#include <math.h>

void tdnn_proposal_anchors(const tdnn_proposal_params *p, float *out)
{
    const double size = (double)p->base_size, middle = (size - 1) / 2;
    for (size_t r = 0; r < p->ratio.count; r++) {
        const double ratio = (double)p->ratio.at[r];
        const double width = nearbyint(sqrt(size * size / ratio)),
                     height = nearbyint(width * ratio);
        for (size_t s = 0; s < p->scale.count; s++, out += 4) {
            const double w = width * (double)p->scale.at[s],
                         h = height * (double)p->scale.at[s];
            out[0] = (float)(middle - (w - 1) / 2), out[1] = (float)(middle - (h - 1) / 2);
            out[2] = (float)(middle + (w - 1) / 2), out[3] = (float)(middle + (h - 1) / 2);
        }
    }
}
