/* Sequences and optionals: tensors of tensors. The items live in a block of their own that
 * knows their count. */
#include "lib/base/tensor_new.h"

/* ONNX nests optional(sequence(tensor)); this bounds the recursion when a list is released. */
enum { MAX_NESTING = 8 };

typedef struct item_block {
    size_t count;
    tdnn_tensor *item[];
} item_block;

static void free_items(void *owner)
{
    item_block *block = owner;
    for (size_t i = 0; i < block->count; i++) tdnn_tensor_release(block->item[i]);
    tdnn_free(block);
}

/* How deep lists lie in each other; no list is deeper than MAX_NESTING. */
static int nesting(const tdnn_tensor *t)
{
    if (t->kind == TDNN_KIND_TENSOR) return 0;
    const item_block *block = t->owner;
    int deepest = 0;
    for (size_t i = 0; i < block->count; i++) {
        int depth = nesting(block->item[i]);
        if (depth > deepest) deepest = depth;
    }
    return deepest + 1;
}

static tdnn_status check_items(tdnn_kind kind, tdnn_dtype *dtype, tdnn_tensor *const *items,
                               size_t count, tdnn_error *err)
{
    if (kind != TDNN_KIND_SEQUENCE && kind != TDNN_KIND_OPTIONAL)
        return TDNN_FAIL(err, TDNN_ERR_ARGUMENT, "kind %d, expected a sequence or an optional",
                         (int)kind);
    if ((int)*dtype < TDNN_NONE || *dtype >= TDNN_DTYPE_COUNT)
        return TDNN_FAIL(err, TDNN_ERR_ARGUMENT, "element type %d, expected 0 to %d",
                         (int)*dtype, TDNN_DTYPE_COUNT - 1);
    if (kind == TDNN_KIND_OPTIONAL && count > 1)
        return TDNN_FAIL(err, TDNN_ERR_ARGUMENT, "%zu items in an optional, expected 0 or 1",
                         count);
    if (count && !items) return TDNN_FAIL(err, TDNN_ERR_ARGUMENT, "items is NULL");
    for (size_t i = 0; i < count; i++) {
        if (!items[i]) return TDNN_FAIL(err, TDNN_ERR_ARGUMENT, "item %zu is NULL", i);
        if (nesting(items[i]) >= MAX_NESTING)
            return TDNN_FAIL(err, TDNN_ERR_ARGUMENT,
                             "lists lie more than %d deep in each other", MAX_NESTING);
        if (*dtype == TDNN_NONE) *dtype = items[i]->dtype;
        if (items[i]->dtype != TDNN_NONE && items[i]->dtype != *dtype)
            return TDNN_FAIL(err, TDNN_ERR_ARGUMENT, "item %zu is of type %s, expected %s", i,
                             tdnn_dtype_name(items[i]->dtype), tdnn_dtype_name(*dtype));
    }
    return TDNN_OK;
}

tdnn_status tdnn_tensor_create_list(tdnn_kind kind, tdnn_dtype dtype, tdnn_tensor *const *items,
                                    size_t count, tdnn_tensor **out, tdnn_error *err)
{
    if (!out) return TDNN_FAIL(err, TDNN_ERR_ARGUMENT, "out is NULL");
    *out = NULL;
    TDNN_TRY(check_items(kind, &dtype, items, count, err));
    size_t bytes, total;
    item_block *block = NULL;
    if (tdnn_size_mul(count, sizeof *items, &bytes) &&
        tdnn_size_add(bytes, sizeof *block, &total))
        block = tdnn_calloc(total, 1);
    tdnn_shape shape = {.ndim = 1, .dim = {(int64_t)count}};
    tdnn_tensor *t = block ? tdnn_tensor_new(kind, dtype, &shape) : NULL;
    if (!t) {
        tdnn_free(block);
        return TDNN_NO_MEMORY(err);
    }
    block->count = count;
    for (size_t i = 0; i < count; i++) block->item[i] = tdnn_tensor_retain(items[i]);
    t->data = block->item;
    t->bytes = bytes;
    t->release_data = free_items;
    t->owner = block;
    *out = t;
    return TDNN_OK;
}

const tdnn_tensor *tdnn_tensor_item(const tdnn_tensor *list, size_t index)
{
    if (!list || list->kind == TDNN_KIND_TENSOR) return NULL;
    const item_block *block = list->owner;
    return index < block->count ? block->item[index] : NULL;
}

tdnn_status tdnn_tensor_copy_list(const tdnn_tensor *list, tdnn_tensor **out, tdnn_error *err)
{
    const item_block *block = list->owner;
    tdnn_tensor **copies = tdnn_calloc(block->count, sizeof(tdnn_tensor *));
    if (!copies) return TDNN_NO_MEMORY(err);
    tdnn_status status = TDNN_OK;
    size_t made = 0;
    while (made < block->count && status == TDNN_OK) {
        status = tdnn_tensor_copy(block->item[made], &copies[made], err);
        if (status == TDNN_OK) made++;
    }
    if (status == TDNN_OK)
        status = tdnn_tensor_create_list(list->kind, list->dtype, copies, made, out, err);
    for (size_t i = 0; i < made; i++) tdnn_tensor_release(copies[i]);
    tdnn_free(copies);
    return status;
}
