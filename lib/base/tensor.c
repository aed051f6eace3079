/* Tensors: made, shared, copied, compared. Strings live in a block of their own that knows
 * their count, so that all tensors release alike. */
#include "lib/base/tensor_new.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

typedef struct string_block {
    size_t count;
    char *text[]; /* NULL: empty */
} string_block;

static void free_strings(void *owner)
{
    string_block *block = owner;
    for (size_t i = 0; i < block->count; i++) tdnn_free(block->text[i]);
    tdnn_free(block);
}

static void release_owner(void *owner) { tdnn_tensor_release(owner); }

tdnn_status tdnn_tensor_check(tdnn_dtype dtype, const tdnn_shape *shape, size_t *bytes,
                              tdnn_error *err)
{
    if (dtype <= TDNN_NONE || dtype >= TDNN_DTYPE_COUNT)
        return TDNN_FAIL(err, TDNN_ERR_ARGUMENT, "element type %d, expected 1 to %d",
                         (int)dtype, TDNN_DTYPE_COUNT - 1);
    if (!shape) return TDNN_FAIL(err, TDNN_ERR_ARGUMENT, "shape is NULL");
    if (shape->ndim < 0 || shape->ndim > TDNN_MAX_DIMS)
        return TDNN_FAIL(err, TDNN_ERR_ARGUMENT, "%d dimensions, expected 0 to %d", shape->ndim,
                         TDNN_MAX_DIMS);
    for (int i = 0; i < shape->ndim; i++)
        if (shape->dim[i] < 0)
            return TDNN_FAIL(err, TDNN_ERR_ARGUMENT,
                             "dimension %d is %" PRId64 ", expected 0 or more", i,
                             shape->dim[i]);
    char text[TDNN_SHAPE_TEXT];
    if (!tdnn_tensor_size(dtype, shape, bytes))
        return TDNN_FAIL(err, TDNN_ERR_ARGUMENT, "%s %s is larger than any memory",
                         tdnn_dtype_name(dtype), tdnn_shape_text(shape, text));
    return TDNN_OK;
}

tdnn_tensor *tdnn_tensor_new(tdnn_kind kind, tdnn_dtype dtype, const tdnn_shape *shape)
{
    tdnn_tensor *t = tdnn_calloc(1, sizeof *t);
    if (!t) return NULL;
    t->kind = kind;
    t->dtype = dtype;
    t->shape = *shape;
    atomic_init(&t->refs, 1);
    return t;
}

/* Elements of their own, zeroed or not (strings: always empty ones). */
static tdnn_status give_elements(tdnn_tensor *t, size_t bytes, bool zeroed, tdnn_error *err)
{
    if (t->dtype == TDNN_STRING) {
        size_t total;
        string_block *block = NULL;
        if (tdnn_size_add(bytes, sizeof *block, &total)) block = tdnn_calloc(total, 1);
        if (!block) return TDNN_NO_MEMORY(err);
        block->count = bytes / sizeof(char *);
        t->data = block->text;
        t->owner = block;
        t->release_data = free_strings;
    } else {
        t->data = t->owner = zeroed ? tdnn_calloc(bytes, 1) : tdnn_alloc(bytes, 1);
        if (!t->data) return TDNN_NO_MEMORY(err);
        t->release_data = tdnn_free;
    }
    t->bytes = bytes;
    return TDNN_OK;
}

static tdnn_status create(tdnn_dtype dtype, const tdnn_shape *shape, bool zeroed,
                          tdnn_tensor **out, tdnn_error *err)
{
    size_t bytes;
    TDNN_TRY(tdnn_tensor_check(dtype, shape, &bytes, err));
    tdnn_tensor *t = tdnn_tensor_new(TDNN_KIND_TENSOR, dtype, shape);
    if (!t) return TDNN_NO_MEMORY(err);
    tdnn_status status = give_elements(t, bytes, zeroed, err);
    if (status != TDNN_OK) {
        tdnn_free(t);
        return status;
    }
    *out = t;
    return TDNN_OK;
}

tdnn_status tdnn_tensor_create(tdnn_dtype dtype, const tdnn_shape *shape, tdnn_tensor **out,
                               tdnn_error *err)
{
    if (!out) return TDNN_FAIL(err, TDNN_ERR_ARGUMENT, "out is NULL");
    *out = NULL;
    return create(dtype, shape, true, out, err);
}

tdnn_status tdnn_tensor_create_raw(tdnn_dtype dtype, const tdnn_shape *shape, tdnn_tensor **out,
                                   tdnn_error *err)
{
    *out = NULL;
    return create(dtype, shape, false, out, err);
}

size_t tdnn_tensor_alignment(tdnn_dtype dtype)
{
    size_t align = (size_t)tdnn_dtype_bits(dtype) / 8;
    if (dtype == TDNN_C64 || dtype == TDNN_C128) align /= 2;
    return align ? align : 1;
}

tdnn_status tdnn_tensor_adopt(void *data, size_t bytes, tdnn_dtype dtype,
                              const tdnn_shape *shape, void (*release_data)(void *),
                              void *owner, tdnn_tensor **out, tdnn_error *err)
{
    if (!out) return TDNN_FAIL(err, TDNN_ERR_ARGUMENT, "out is NULL");
    *out = NULL;
    size_t wanted;
    TDNN_TRY(tdnn_tensor_check(dtype, shape, &wanted, err));
    char text[TDNN_SHAPE_TEXT];
    if (dtype == TDNN_STRING)
        return TDNN_FAIL(err, TDNN_ERR_ARGUMENT, "strings cannot be viewed, only created");
    if (bytes != wanted)
        return TDNN_FAIL(err, TDNN_ERR_ARGUMENT, "%zu bytes for %s %s, expected %zu", bytes,
                         tdnn_dtype_name(dtype), tdnn_shape_text(shape, text), wanted);
    if (!data && bytes) return TDNN_FAIL(err, TDNN_ERR_ARGUMENT, "data is NULL");
    size_t align = tdnn_tensor_alignment(dtype);
    if ((uintptr_t)data % align)
        return TDNN_FAIL(err, TDNN_ERR_ARGUMENT, "data is not aligned to %zu bytes for %s",
                         align, tdnn_dtype_name(dtype));
    tdnn_tensor *t = tdnn_tensor_new(TDNN_KIND_TENSOR, dtype, shape);
    if (!t) return TDNN_NO_MEMORY(err);
    t->data = data;
    t->bytes = bytes;
    t->release_data = release_data;
    t->owner = owner;
    *out = t;
    return TDNN_OK;
}

tdnn_status tdnn_tensor_wrap(void *data, size_t bytes, tdnn_dtype dtype,
                             const tdnn_shape *shape, tdnn_tensor **out, tdnn_error *err)
{
    return tdnn_tensor_adopt(data, bytes, dtype, shape, NULL, NULL, out, err);
}

tdnn_tensor *tdnn_tensor_retain(const tdnn_tensor *tensor)
{
    tdnn_tensor *t = (tdnn_tensor *)(uintptr_t)tensor; /* the count is no part of the value */
    if (t) atomic_fetch_add_explicit(&t->refs, 1, memory_order_relaxed);
    return t;
}

void tdnn_tensor_release(tdnn_tensor *tensor)
{
    if (!tensor || atomic_fetch_sub_explicit(&tensor->refs, 1, memory_order_acq_rel) != 1)
        return;
    if (tensor->release_data) tensor->release_data(tensor->owner);
    tdnn_free(tensor);
}

tdnn_kind tdnn_tensor_kind(const tdnn_tensor *t) { return t ? t->kind : TDNN_KIND_TENSOR; }
tdnn_dtype tdnn_tensor_dtype(const tdnn_tensor *t) { return t ? t->dtype : TDNN_NONE; }
const tdnn_shape *tdnn_tensor_shape(const tdnn_tensor *t) { return t ? &t->shape : NULL; }
size_t tdnn_tensor_bytes(const tdnn_tensor *t) { return t ? t->bytes : 0; }

void *tdnn_tensor_data(tdnn_tensor *t)
{
    return t && t->kind == TDNN_KIND_TENSOR && t->dtype != TDNN_STRING ? t->data : NULL;
}

const void *tdnn_tensor_const_data(const tdnn_tensor *t)
{
    return t && t->kind == TDNN_KIND_TENSOR && t->dtype != TDNN_STRING ? t->data : NULL;
}

static bool holds_string(const tdnn_tensor *t, size_t index)
{
    return t && t->kind == TDNN_KIND_TENSOR && t->dtype == TDNN_STRING &&
           index < t->bytes / sizeof(char *);
}

const char *tdnn_tensor_string(const tdnn_tensor *tensor, size_t index)
{
    if (!holds_string(tensor, index)) return NULL;
    const char *text = ((char *const *)tensor->data)[index];
    return text ? text : "";
}

tdnn_status tdnn_tensor_set_string(tdnn_tensor *tensor, size_t index, const char *text,
                                   tdnn_error *err)
{
    if (!holds_string(tensor, index))
        return TDNN_FAIL(err, TDNN_ERR_ARGUMENT, "no string %zu in this tensor", index);
    if (!text) return TDNN_FAIL(err, TDNN_ERR_ARGUMENT, "text is NULL");
    char **slot = (char **)tensor->data + index, *copy = NULL;
    size_t size = strlen(text) + 1;
    if (size > 1) {
        copy = tdnn_alloc(size, 1);
        if (!copy) return TDNN_NO_MEMORY(err);
        memcpy(copy, text, size);
    }
    tdnn_free(*slot);
    *slot = copy;
    return TDNN_OK;
}

tdnn_status tdnn_tensor_reshaped(tdnn_tensor *tensor, const tdnn_shape *shape,
                                 tdnn_tensor **out, tdnn_error *err)
{
    *out = NULL;
    char from[TDNN_SHAPE_TEXT], to[TDNN_SHAPE_TEXT];
    if (tensor->kind != TDNN_KIND_TENSOR || tensor->layout != TDNN_LAYOUT_PLAIN)
        return TDNN_FAIL(err, TDNN_ERR_INTERNAL, "only a plain tensor can be reshaped");
    if (tdnn_shape_count(shape) != tdnn_shape_count(&tensor->shape))
        return TDNN_FAIL(err, TDNN_ERR_SHAPE, "%s cannot be reshaped to %s",
                         tdnn_shape_text(&tensor->shape, from), tdnn_shape_text(shape, to));
    TDNN_TRY(tdnn_tensor_ready(tensor, err));
    tdnn_tensor *t = tdnn_tensor_new(TDNN_KIND_TENSOR, tensor->dtype, shape);
    if (!t) return TDNN_NO_MEMORY(err);
    /* The one that owns the data, never a reshaped one: else chains grow as loops reshape. */
    tdnn_tensor *root = tensor->release_data == release_owner ? tensor->owner : tensor;
    t->data = tensor->data;
    t->bytes = tensor->bytes;
    t->owner = tdnn_tensor_retain(root);
    t->release_data = release_owner;
    *out = t;
    return TDNN_OK;
}

tdnn_status tdnn_tensor_copy(const tdnn_tensor *tensor, tdnn_tensor **out, tdnn_error *err)
{
    *out = NULL;
    if (tensor->kind != TDNN_KIND_TENSOR) return tdnn_tensor_copy_list(tensor, out, err);
    tdnn_tensor *t = tdnn_tensor_new(TDNN_KIND_TENSOR, tensor->dtype, &tensor->shape);
    if (!t) return TDNN_NO_MEMORY(err);
    t->layout = tensor->layout;
    tdnn_status status = give_elements(t, tensor->bytes, false, err);
    if (status == TDNN_OK) status = tdnn_tensor_copy_into(tensor, t, err);
    if (status != TDNN_OK) {
        tdnn_tensor_release(t);
        return status;
    }
    *out = t;
    return TDNN_OK;
}

tdnn_status tdnn_tensor_copy_into(const tdnn_tensor *from, tdnn_tensor *to, tdnn_error *err)
{
    if (from->kind != TDNN_KIND_TENSOR || to->kind != TDNN_KIND_TENSOR ||
        from->dtype != to->dtype || from->layout != to->layout || from->bytes != to->bytes ||
        tdnn_shape_count(&from->shape) != tdnn_shape_count(&to->shape))
        return TDNN_FAIL(err, TDNN_ERR_SHAPE, "a copy of %zu bytes of %s into %zu bytes of %s",
                         from->bytes, tdnn_dtype_name(from->dtype), to->bytes,
                         tdnn_dtype_name(to->dtype));
    if (from->fill) return from->fill(from, to->data, err);
    if (from->dtype != TDNN_STRING) {
        if (from->bytes) memmove(to->data, from->data, from->bytes);
        return TDNN_OK;
    }
    for (size_t i = 0; i < from->bytes / sizeof(char *); i++)
        TDNN_TRY(tdnn_tensor_set_string(to, i, tdnn_tensor_string(from, i), err));
    return TDNN_OK;
}

/* The last byte of 2- and 4-bit elements may have bits that no element owns. */
static bool equal_bits(const tdnn_tensor *a, const tdnn_tensor *b)
{
    size_t bits = (size_t)tdnn_dtype_bits(a->dtype), whole = a->bytes;
    size_t odd = bits < 8 ? (size_t)tdnn_shape_count(&a->shape) % (8 / bits) * bits : 0;
    if (odd) {
        unsigned mask = (1U << odd) - 1;
        whole--;
        if ((((unsigned char *)a->data)[whole] ^ ((unsigned char *)b->data)[whole]) & mask)
            return false;
    }
    return whole == 0 || memcmp(a->data, b->data, whole) == 0;
}

bool tdnn_tensor_equal(const tdnn_tensor *a, const tdnn_tensor *b)
{
    if (a->kind != b->kind || a->dtype != b->dtype || a->layout != b->layout ||
        a->bytes != b->bytes || !tdnn_shape_equal(&a->shape, &b->shape))
        return false;
    if (a->kind != TDNN_KIND_TENSOR) {
        for (size_t i = 0; i < a->bytes / sizeof(tdnn_tensor *); i++)
            if (!tdnn_tensor_equal(tdnn_tensor_item(a, i), tdnn_tensor_item(b, i)))
                return false;
        return true;
    }
    if (a->dtype != TDNN_STRING) return equal_bits(a, b);
    for (size_t i = 0; i < a->bytes / sizeof(char *); i++)
        if (strcmp(tdnn_tensor_string(a, i), tdnn_tensor_string(b, i)) != 0) return false;
    return true;
}

tdnn_status tdnn_tensor_i64_vector(const int64_t *values, size_t count, tdnn_tensor **out,
                                   tdnn_error *err)
{
    tdnn_shape shape = {.ndim = 1, .dim = {(int64_t)count}};
    TDNN_TRY(tdnn_tensor_create(TDNN_I64, &shape, out, err));
    if (count) memcpy((*out)->data, values, count * sizeof *values);
    return TDNN_OK;
}

tdnn_status tdnn_tensor_f32_scalar(float value, tdnn_tensor **out, tdnn_error *err)
{
    tdnn_shape scalar = {.ndim = 0};
    TDNN_TRY(tdnn_tensor_create(TDNN_F32, &scalar, out, err));
    *(float *)(*out)->data = value;
    return TDNN_OK;
}

const char *tdnn_kind_name(tdnn_kind kind)
{
    static const char *const names[] = {"tensor", "sequence", "optional"};
    return (size_t)kind < sizeof names / sizeof *names ? names[kind] : "?";
}
