/* Blocked convolutions against a plain loop over N, C, H, W in double precision. */
#include "tests/kernels/check.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* The slot says which method is meant. */
static tdnn_conv_method method_of(tdnn_conv_fn *variant, const tdnn_kernels *t, size_t chance)
{
    if (variant == t->conv_winograd_f32) return TDNN_CONV_WINOGRAD;
    if (variant == t->conv_by_tap_f32 && variant != t->conv_block_f32) return TDNN_CONV_BY_TAP;
    static const tdnn_conv_method bf16[] = {TDNN_CONV_BF16X3, TDNN_CONV_BF16, TDNN_CONV_BF16_FIRST};
    if (variant == t->conv_bf16) return bf16[chance % 3];
    static const tdnn_conv_method all[] = {TDNN_CONV_BLOCK, TDNN_CONV_FIRST, TDNN_CONV_DEPTHWISE, TDNN_CONV_BY_TAP};
    if (t->conv_block_f32 == t->conv_first_f32) return all[chance % 4];
    if (variant == t->conv_first_f32) return TDNN_CONV_FIRST;
    return variant == t->conv_depthwise_f32 ? TDNN_CONV_DEPTHWISE : TDNN_CONV_BLOCK;
}

static size_t random_between(tdnn_check *c, size_t low, size_t high)
{
    return low + check_below(c, high - low + 1);
}

static void random_channels(tdnn_check *c, tdnn_conv *conv, tdnn_conv_method method, size_t block)
{
    conv->groups = 1;
    conv->ic = random_between(c, 1, 40);
    conv->oc = random_between(c, 1, 70);
    if (method == TDNN_CONV_FIRST) conv->ic = random_between(c, 1, 5);
    if (method == TDNN_CONV_DEPTHWISE) conv->ic = conv->groups = conv->oc;
    if (method == TDNN_CONV_BY_TAP && check_below(c, 16) == 0) { /* so large that sums are made in pieces */
        conv->ih = conv->iw = 64;
        conv->ic = random_between(c, 4 * block + 1, 8 * block);
        conv->oc = random_between(c, 1, 4);
    }
    if (method == TDNN_CONV_WINOGRAD && check_below(c, 16) == 0) { /* sums in pieces */
        conv->ic = block * TDNN_WINOGRAD_PLANES + random_between(c, 1, 40);
        conv->oc = random_between(c, 1, 20);
    }
    if (method == TDNN_CONV_BF16_FIRST) conv->ic = random_between(c, 1, 4);
    const bool whole = method == TDNN_CONV_BLOCK || method == TDNN_CONV_BF16 || method == TDNN_CONV_BF16X3;
    if (whole && check_below(c, 4) == 0) {
        conv->groups = random_between(c, 2, 3);
        conv->ic = conv->groups * block * random_between(c, 1, 2);
        conv->oc = conv->groups * block * random_between(c, 1, 3);
    } else if (whole && check_below(c, 4) == 0) { /* groups to merge */
        conv->groups = 2 * random_between(c, 1, 5);
        conv->ic = conv->oc = conv->groups * (check_below(c, 2) ? block / 2 : block / 2 * 3);
    }
}

static void random_window(tdnn_check *c, size_t size, size_t *kernel, size_t *stride,
                          size_t *dilation, size_t *pad, size_t *out)
{
    do {
        *kernel = random_between(c, 1, 5);
        *stride = random_between(c, 1, 3);
        *dilation = check_below(c, 3) ? 1 : 2;
        *pad = check_below(c, 3);
        const size_t pad_end = check_below(c, 3), reach = (*kernel - 1) * *dilation + 1;
        *out = size + *pad + pad_end < reach ? 0 : (size + *pad + pad_end - reach) / *stride + 1;
    } while (*out == 0);
}

static tdnn_act random_act(tdnn_check *c)
{
    static const tdnn_act acts[] = {{TDNN_ACTIVATE_NONE, 0, 0},
                                    {TDNN_ACTIVATE_CLIP, 0, 6},
                                    {TDNN_ACTIVATE_LEAKY, 0.1f, 0},
                                    {TDNN_ACTIVATE_SIGMOID, 0, 0},
                                    {TDNN_ACTIVATE_HARDSWISH, 1.0f / 6, 0.5f}};
    return acts[check_below(c, sizeof acts / sizeof *acts)];
}

/* 3x3, stride 1, as Winograd's method wants it. */
static tdnn_conv with_small_window(tdnn_check *c, tdnn_conv conv)
{
    conv.kh = conv.kw = 3;
    conv.stride_h = conv.stride_w = 1;
    conv.dilation_h = check_below(c, 2) ? 1 : random_between(c, 1, 12);
    conv.dilation_w = check_below(c, 2) ? 1 : random_between(c, 1, 12);
    conv.pad_top = random_between(c, conv.dilation_h, 2 * conv.dilation_h);
    conv.pad_left = random_between(c, conv.dilation_w, 2 * conv.dilation_w);
    conv.oh = conv.ih + conv.pad_top + random_between(c, conv.dilation_h, conv.dilation_h + 1) - 2 * conv.dilation_h;
    conv.ow = conv.iw + conv.pad_left + random_between(c, conv.dilation_w, conv.dilation_w + 1) - 2 * conv.dilation_w;
    return conv;
}

/* Stride 1; dilation and padding may be larger than the image. */
static void random_taps(tdnn_check *c, size_t size, size_t *kernel, size_t *dilation, size_t *pad, size_t *out)
{
    *kernel = random_between(c, 1, 4);
    *dilation = random_between(c, 1, 40);
    const size_t reach = (*kernel - 1) * *dilation;
    *pad = random_between(c, 0, reach + 1);
    const size_t padded = size + *pad + random_between(c, 0, reach + 2 - *pad);
    *out = padded > reach ? padded - reach : 1;
}

static tdnn_conv with_any_dilation(tdnn_check *c, tdnn_conv conv)
{
    conv.stride_h = conv.stride_w = 1;
    random_taps(c, conv.ih, &conv.kh, &conv.dilation_h, &conv.pad_top, &conv.oh);
    random_taps(c, conv.iw, &conv.kw, &conv.dilation_w, &conv.pad_left, &conv.ow);
    return conv;
}

static tdnn_conv random_conv(tdnn_check *c, tdnn_conv_method method, size_t block)
{
    tdnn_conv conv = {.batch = random_between(c, 1, 2),
                      .ih = random_between(c, 1, 9),
                      .iw = random_between(c, 1, 33),
                      .act = random_act(c),
                      .residual = (tdnn_residual)check_below(c, 3)};
    random_channels(c, &conv, method, block);
    if (method != TDNN_CONV_WINOGRAD && check_below(c, 4) == 0) { /* in place */
        conv.kh = conv.kw = conv.stride_h = conv.stride_w = conv.dilation_h = conv.dilation_w = 1;
        conv.oh = conv.ih, conv.ow = conv.iw;
        return conv;
    }
    if (method == TDNN_CONV_WINOGRAD) return with_small_window(c, conv);
    if (method == TDNN_CONV_BY_TAP) return with_any_dilation(c, conv);
    random_window(c, conv.ih, &conv.kh, &conv.stride_h, &conv.dilation_h, &conv.pad_top, &conv.oh);
    random_window(c, conv.iw, &conv.kw, &conv.stride_w, &conv.dilation_w, &conv.pad_left, &conv.ow);
    return conv;
}

/* Plain x and residual as they are seen through the layout. */
static double value(const float *x, size_t channels, size_t block, size_t size, size_t image,
                    size_t channel, size_t pixel)
{
    if (block <= 1) return x[(image * channels + channel) * size + pixel];
    const size_t plane = image * tdnn_conv_blocks(channels, block) + channel / block;
    return x[(plane * size + pixel) * block + channel % block];
}

typedef struct problem {
    tdnn_conv asked; /* before planning, which may join rows */
    size_t in_block, out_block;
    bool bf16, bf16x3; /* factors are rounded, or the sum of two that are */
    const float *x, *w, *bias, *residual;
} problem;

/* To bf16, the nearest, even. */
static double narrowed(double x)
{
    int exponent;
    frexp(x, &exponent);
    return ldexp(rint(ldexp(x, 8 - exponent)), exponent - 8);
}

static double act_of(const tdnn_act *act, double x)
{
    switch (act->kind) {
    case TDNN_ACTIVATE_CLIP: return fmin(fmax(x, act->alpha), act->beta);
    case TDNN_ACTIVATE_LEAKY: return x < 0 ? act->alpha * x : x;
    case TDNN_ACTIVATE_SIGMOID: return 1 / (1 + exp(-x));
    case TDNN_ACTIVATE_HARDSWISH:
        return x * fmin(fmax(act->alpha * x + act->beta, 0), 1);
    default: return x;
    }
}

/* One output; *scale grows to the sum of magnitudes. */
static double expected(const problem *p, size_t image, size_t o, size_t oy, size_t ox, double *scale)
{
    const tdnn_conv *c = &p->asked;
    const size_t group_ic = c->ic / c->groups, first = o / (c->oc / c->groups) * group_ic;
    double sum = p->bias ? p->bias[o] : 0, size = fabs(sum) + 1;
    for (size_t i = 0; i < group_ic; i++)
        for (size_t k = 0; k < c->kh * c->kw; k++) {
            const size_t y = oy * c->stride_h + k / c->kw * c->dilation_h;
            const size_t x = ox * c->stride_w + k % c->kw * c->dilation_w;
            if (y < c->pad_top || y - c->pad_top >= c->ih) continue;
            if (x < c->pad_left || x - c->pad_left >= c->iw) continue;
            const size_t pixel = (y - c->pad_top) * c->iw + x - c->pad_left;
            double in = value(p->x, c->ic, p->in_block, c->ih * c->iw, image, first + i, pixel);
            double weight = p->w[(o * group_ic + i) * c->kh * c->kw + k];
            double product = in * weight;
            if (p->bf16) {
                const double in_rest = narrowed(in - narrowed(in)), rest = narrowed(weight - narrowed(weight));
                in = narrowed(in), weight = narrowed(weight);
                product = in * weight + (p->bf16x3 ? in_rest * weight + in * rest : 0);
            }
            sum += product;
            size += fabs(product);
        }
    const double residual = p->residual ? value(p->residual, c->oc, p->out_block, c->oh * c->ow,
                                                image, o, oy * c->ow + ox) : 0;
    if (size > *scale) *scale = size;
    if (c->residual == TDNN_RESIDUAL_BEFORE) return act_of(&c->act, sum + residual);
    return act_of(&c->act, sum) + residual;
}

static bool compare(tdnn_check *check, const problem *p, const float *y, const char *text)
{
    const tdnn_conv *c = &p->asked;
    for (size_t n = 0; n < c->batch; n++)
        for (size_t o = 0; o < c->oc; o++)
            for (size_t pixel = 0; pixel < c->oh * c->ow; pixel++) {
                double scale = 1;
                const float want = (float)expected(p, n, o, pixel / c->ow, pixel % c->ow, &scale);
                const float got = (float)value(y, c->oc, p->out_block, c->oh * c->ow, n, o, pixel);
                if (!check_f32(check, &got, &want, 1, scale, "%s, image %zu channel %zu pixel %zu",
                               text, n, o, pixel))
                    return false;
            }
    return true;
}

static void describe(const tdnn_conv *c, char text[200])
{
    snprintf(text, 200, "method %d block %zu n%zu g%zu %zux%zux%zu -> %zux%zux%zu k%zux%zu s%zux%zu "
             "d%zux%zu p%zux%zu act %d residual %d", c->method, c->block, c->batch, c->groups, c->ic,
             c->ih, c->iw, c->oc, c->oh, c->ow, c->kh, c->kw, c->stride_h, c->stride_w,
             c->dilation_h, c->dilation_w, c->pad_top, c->pad_left, c->act.kind, c->residual);
}

static bool check_one(tdnn_check *c, tdnn_conv_fn *variant, tdnn_conv_method method,
                      const tdnn_kernels *table)
{
    problem p = {.asked = random_conv(c, method, table->block)};
    tdnn_conv conv = p.asked;
    const bool wide = method == TDNN_CONV_BF16_FIRST && (conv.kw - 1) * conv.dilation_w >= 8;
    if (!check_true(c, tdnn_conv_can(&conv, method, table->block) != wide, "refused")) return false;
    if (wide) return true;
    tdnn_conv_plan(&conv, method, table, random_between(c, 1, 3));
    size_t scratch_bytes = conv.scratch_bytes;
    if (method == TDNN_CONV_WINOGRAD && check_below(c, 2)) { /* what is else done for many weights only */
        conv.by_point = true;
        scratch_bytes *= conv.pair_step;
    }
    p.in_block = conv.unit;
    p.out_block = conv.block;
    p.bf16 = tdnn_conv_is_bf16(method);
    p.bf16x3 = method == TDNN_CONV_BF16X3;
    const size_t b = conv.block;
    const size_t in = conv.unit == 1 ? conv.ic : tdnn_conv_blocks(conv.ic, b) * b;
    const size_t out_count = conv.batch * tdnn_conv_blocks(conv.oc, b) * b * conv.oh * conv.ow;
    p.x = check_input_f32(c, conv.batch * in * conv.ih * conv.iw, CHECK_FILL_UNIT);
    p.w = check_input_f32(c, conv.oc * tdnn_conv_depth(&p.asked), CHECK_FILL_UNIT);
    p.bias = check_below(c, 2) ? check_input_f32(c, conv.oc, CHECK_FILL_UNIT) : NULL;
    if (conv.residual) p.residual = check_input_f32(c, out_count, CHECK_FILL_UNIT);
    float *packed = check_input(c, tdnn_conv_packed_count(&conv) * sizeof(float));
    tdnn_conv_pack(&conv, p.w, p.bias, packed, table);
    float *y = check_output(c, out_count * sizeof *y);
    unsigned char *scratch = check_output(c, scratch_bytes + 64);
    scratch += -(uintptr_t)scratch % 64;
    const tdnn_conv_io io = {.x = p.x, .weights = packed, .residual = p.residual, .y = y};
    for (size_t task = conv.task_count; task-- > 0;) variant(&conv, &io, task, scratch);
    char text[200];
    describe(&p.asked, text);
    const bool ok = compare(c, &p, y, text);
    check_reset(c);
    return ok;
}

void check_conv(tdnn_check *c, tdnn_conv_fn *variant, tdnn_conv_fn *generic,
                const tdnn_kernels *table)
{
    (void)generic;
    for (size_t i = 0; i < 150; i++) {
        tdnn_kernels t = *table;
        const tdnn_conv_method method = method_of(variant, table, i);
        if (!t.block) t.block = tdnn_conv_is_bf16(method) || check_below(c, 2) ? 16 : 8;
        if (!check_one(c, variant, method, &t)) return;
    }
}

typedef struct layer {
    const char *name;
    size_t ic, oc, size, kernel, stride;
    bool depthwise;
} layer;

static void bench_layer(tdnn_bench *b, tdnn_conv_fn *variant, tdnn_conv_method method, const layer *l,
                        const tdnn_kernels *t)
{
    const size_t out = (l->size + 2 * (l->kernel / 2) - l->kernel) / l->stride + 1;
    tdnn_conv c = {.batch = 1, .groups = method == TDNN_CONV_DEPTHWISE ? l->ic : 1, .ic = l->ic,
                   .oc = l->oc, .ih = l->size, .iw = l->size, .oh = out, .ow = out,
                   .kh = l->kernel, .kw = l->kernel, .stride_h = l->stride, .stride_w = l->stride,
                   .dilation_h = 1, .dilation_w = 1, .pad_top = l->kernel / 2,
                   .pad_left = l->kernel / 2, .act = {TDNN_ACTIVATE_CLIP, 0, INFINITY}};
    tdnn_conv_plan(&c, method, t, 1);
    const size_t in_count = tdnn_conv_blocks(l->ic, c.block) * c.block * l->size * l->size;
    const size_t out_count = tdnn_conv_blocks(l->oc, c.block) * c.block * out * out;
    const float *w = bench_floats(b, l->oc * tdnn_conv_depth(&c));
    float *packed = bench_floats(b, tdnn_conv_packed_count(&c));
    tdnn_conv_pack(&c, w, NULL, packed, t);
    const tdnn_conv_io io = {.x = bench_floats(b, in_count), .weights = packed, .y = bench_floats(b, out_count)};
    void *scratch = bench_buffer(b, c.scratch_bytes);
    const double flops = 2.0 * (double)(tdnn_conv_depth(&c) * l->oc * out * out);
    while (bench_go(b, flops, 4 * (double)(in_count + out_count), "%s %zu->%zu %zux%zu k%zu s%zu",
                    l->name, l->ic, l->oc, l->size, l->size, l->kernel, l->stride))
        for (size_t task = 0; task < c.task_count; task++) variant(&c, &io, task, scratch);
    bench_release(b);
}

void bench_conv(tdnn_bench *b, tdnn_conv_fn *variant, const tdnn_kernels *table)
{
    static const layer layers[] = {{"resnet50", 3, 64, 224, 7, 2, false},
                                   {"mobilenet", 3, 32, 224, 3, 2, false},
                                   {"yolov8n", 3, 16, 640, 3, 2, false},
                                   {"resnet50", 64, 64, 56, 1, 1, false},
                                   {"resnet50", 64, 256, 56, 1, 1, false},
                                   {"resnet50", 256, 64, 56, 1, 1, false},
                                   {"resnet50", 512, 128, 28, 1, 1, false},
                                   {"resnet50", 1024, 256, 14, 1, 1, false},
                                   {"resnet50", 512, 2048, 7, 1, 1, false},
                                   {"resnet50", 256, 512, 56, 1, 2, false},
                                   {"resnet50", 64, 64, 56, 3, 1, false},
                                   {"resnet50", 128, 128, 28, 3, 1, false},
                                   {"resnet50", 256, 256, 14, 3, 1, false},
                                   {"resnet50", 512, 512, 7, 3, 1, false},
                                   {"resnet50", 128, 128, 56, 3, 2, false},
                                   {"yolov8n", 16, 32, 320, 3, 2, false},
                                   {"yolov8n", 64, 64, 80, 3, 1, false},
                                   {"yolov8n", 128, 128, 20, 3, 1, false},
                                   {"mobilenet", 32, 16, 112, 1, 1, false},
                                   {"mobilenet", 24, 144, 56, 1, 1, false},
                                   {"mobilenet", 96, 576, 14, 1, 1, false},
                                   {"mobilenet", 960, 160, 7, 1, 1, false},
                                   {"mobilenet", 32, 32, 112, 3, 1, true},
                                   {"mobilenet", 144, 144, 56, 3, 2, true},
                                   {"mobilenet", 384, 384, 14, 3, 1, true},
                                   {"mobilenet", 960, 960, 7, 3, 1, true},
                                   {"picodet", 96, 96, 40, 5, 1, true}};
    tdnn_kernels t = *table;
    if (!t.block) t.block = 16;
    const tdnn_conv_method method = method_of(variant, table, 1);
    for (const layer *l = layers; l < layers + sizeof layers / sizeof *layers; l++) {
        const bool small = table->level > TDNN_CPU_GENERIC || l->ic * l->oc < 10000;
        if (l->depthwise != (method == TDNN_CONV_DEPTHWISE)) continue;
        if (method == TDNN_CONV_WINOGRAD && (l->kernel != 3 || l->stride != 1)) continue;
        if ((l->ic == 3) != (method == TDNN_CONV_FIRST) || !small) continue;
        bench_layer(b, variant, method, l, &t);
    }
}

/* G, with the points 0, +-a, +-2a, infinity; a = 1 / sqrt 2. */
static double point_weight(size_t point, size_t tap)
{
    const double a = sqrt(0.5), at[] = {0, a, -a, 2 * a, -2 * a}, scale[] = {1, -1.5, -1.5, 6, 6};
    return point == 5 ? tap == 2 : pow(at[point], (double)tap) / scale[point];
}

void check_winograd_weights(tdnn_check *c, tdnn_winograd_weights_fn *variant, tdnn_winograd_weights_fn *generic,
                            const tdnn_kernels *table)
{
    (void)generic, (void)table;
    for (size_t lanes = 8; lanes <= 40; lanes += 8)
        for (size_t step = lanes; step < lanes + 20; step += 7) {
            const float *from = check_input_f32(c, 9 * lanes, CHECK_FILL_UNIT);
            float *to = check_output(c, (35 * step + lanes) * sizeof *to);
            variant(to, step, from, lanes);
            for (size_t i = 0; i < 36 * lanes; i++) {
                const size_t lane = i % lanes, y = i / lanes / 6, x = i / lanes % 6;
                double sum = 0;
                for (size_t k = 0; k < 9; k++)
                    sum += point_weight(y, k / 3) * from[k * lanes + lane] * point_weight(x, k % 3);
                const float want = (float)sum;
                if (!check_f32(c, &to[(y * 6 + x) * step + lane], &want, 1, fabs(sum), "%zu lanes, point %zu %zu",
                               lanes, y, x))
                    return;
            }
            check_reset(c);
        }
}

void bench_winograd_weights(tdnn_bench *b, tdnn_winograd_weights_fn *variant, const tdnn_kernels *table)
{
    (void)table;
    enum { LANES = 32 };
    const float *from = bench_floats(b, 9 * LANES);
    float *to = bench_floats(b, 36 * LANES);
    while (bench_go(b, 0, 45 * LANES * sizeof *to, "%d lanes", LANES)) variant(to, LANES, from, LANES);
}
