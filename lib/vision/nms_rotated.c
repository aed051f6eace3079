/* Suppression of rotated boxes: the overlap is that of two convex polygons.
 *
 * OpenCV reports a box that lies wholly inside another as an overlap of 1, whatever the sizes,
 * and boxes without area as disjoint; both are kept so. Whether one lies inside is decided by
 * whether any two edges meet. */
#include "lib/vision/nms.h"

#include <math.h>

typedef struct point {
    double x, y;
} point;

/* Two convex quadrangles meet in at most 8 corners; each cut by a line can add one. */
enum { MAX_CORNERS = 8 };

typedef struct polygon {
    point at[MAX_CORNERS + 1];
    int count;
} polygon;

static double cross(point o, point a, point b)
{
    return (a.x - o.x) * (b.y - o.y) - (a.y - o.y) * (b.x - o.x);
}

static double signed_area(const polygon *p)
{
    double twice = 0;
    for (int i = 0; i < p->count; i++) {
        point a = p->at[i], b = p->at[(i + 1) % p->count];
        twice += a.x * b.y - a.y * b.x;
    }
    return twice / 2;
}

/* The corners, in float as cv::RotatedRect::points rounds them, so that boxes which share an
 * edge there share it here; counter-clockwise. */
static polygon corners_of(const tdnn_rotated_box *box, float origin_x, float origin_y)
{
    double angle = (double)box->angle * (3.14159265358979323846 / 180);
    float c = (float)cos(angle) * 0.5f, s = (float)sin(angle) * 0.5f;
    float w = box->width, h = box->height;
    float cx = box->cx - origin_x, cy = box->cy - origin_y;
    float x0 = cx - s * h - c * w, y0 = cy + c * h - s * w;
    float x1 = cx + s * h - c * w, y1 = cy - c * h - s * w;
    float x2 = 2 * cx - x0, y2 = 2 * cy - y0;
    float x3 = 2 * cx - x1, y3 = 2 * cy - y1;
    polygon p = {{{x0, y0}, {x1, y1}, {x2, y2}, {x3, y3}}, 4};
    if (signed_area(&p) < 0) p = (polygon){{{x0, y0}, {x3, y3}, {x2, y2}, {x1, y1}}, 4};
    return p;
}

/* What lies on the left of the line from a to b (Sutherland and Hodgman, 1974). */
static polygon cut(const polygon *p, point a, point b)
{
    polygon out = {.count = 0};
    for (int i = 0; i < p->count; i++) {
        point from = p->at[i], to = p->at[(i + 1) % p->count];
        double side_from = cross(a, b, from), side_to = cross(a, b, to);
        if (side_from >= 0 && out.count <= MAX_CORNERS) out.at[out.count++] = from;
        if ((side_from > 0 && side_to < 0) || (side_from < 0 && side_to > 0)) {
            double t = side_from / (side_from - side_to);
            point where = {from.x + t * (to.x - from.x), from.y + t * (to.y - from.y)};
            if (out.count <= MAX_CORNERS) out.at[out.count++] = where;
        }
    }
    return out;
}

static bool contains(const polygon *p, point at)
{
    for (int i = 0; i < 4; i++)
        if (cross(p->at[i], p->at[(i + 1) % 4], at) < 0) return false;
    return true;
}

/* Do the segments meet, end points included? Parallel ones do not. In float, since boxes that
 * touch within a float's precision shall count as meeting. */
static bool segments_meet(point a, point b, point c, point d)
{
    float ux = (float)(b.x - a.x), uy = (float)(b.y - a.y);
    float vx = (float)(d.x - c.x), vy = (float)(d.y - c.y);
    float wx = (float)(c.x - a.x), wy = (float)(c.y - a.y);
    float determinant = vx * uy - ux * vy;
    if (fabsf(determinant) < 1e-12f) return false;
    float t = (vx * wy - vy * wx) / determinant, s = (ux * wy - uy * wx) / determinant;
    return t >= 0 && t <= 1 && s >= 0 && s <= 1;
}

static bool edges_meet(const polygon *a, const polygon *b)
{
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < 4; j++)
            if (segments_meet(a->at[i], a->at[(i + 1) % 4], b->at[j], b->at[(j + 1) % 4]))
                return true;
    return false;
}

/* OpenCV merges corners that are closer than 1e-3 of the larger box's geometric mean side, and
 * with them the whole overlap of a box that is thinner. */
static void merge_corners(polygon *p, double larger_area)
{
    double limit = fmax(1e-16, 1e-6 * larger_area);
    int count = 0;
    for (int i = 0; i < p->count; i++) {
        bool close = false;
        for (int k = 0; k < count && !close; k++) {
            double dx = p->at[i].x - p->at[k].x, dy = p->at[i].y - p->at[k].y;
            close = dx * dx + dy * dy < limit;
        }
        if (!close) p->at[count++] = p->at[i];
    }
    p->count = count;
}

static bool same_box(const tdnn_rotated_box *a, const tdnn_rotated_box *b)
{
    return a->cx == b->cx && a->cy == b->cy && a->width == b->width && a->height == b->height &&
           a->angle == b->angle;
}

static float rotated_overlap(const void *boxes, size_t i, size_t j)
{
    const tdnn_rotated_box *a = (const tdnn_rotated_box *)boxes + i;
    const tdnn_rotated_box *b = (const tdnn_rotated_box *)boxes + j;
    if (same_box(a, b)) return 1.f;
    float x = (a->cx + b->cx) / 2, y = (a->cy + b->cy) / 2;
    polygon p = corners_of(a, x, y), q = corners_of(b, x, y);
    if (!edges_meet(&p, &q)) return contains(&p, q.at[0]) || contains(&q, p.at[0]) ? 1.f : 0.f;
    polygon both = p;
    for (int k = 0; k < 4; k++) both = cut(&both, q.at[k], q.at[(k + 1) % 4]);
    float area_a = a->width * a->height, area_b = b->width * b->height;
    merge_corners(&both, fmaxf(area_a, area_b));
    float shared = (float)fabs(signed_area(&both));
    return shared / (area_a + area_b - shared);
}

tdnn_status tdnn_nms_rotated(const tdnn_rotated_box *boxes, const float *scores, size_t count,
                             const tdnn_nms_params *params, size_t *kept, size_t *kept_count,
                             tdnn_error *err)
{
    return tdnn_nms_run(rotated_overlap, boxes, scores, NULL, count, params, kept, kept_count,
                        err);
}
