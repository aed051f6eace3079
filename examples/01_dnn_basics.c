/* 01_dnn_basics.c - the steps of every program that runs a network, on a YOLO detector of
 * Darknet: load the model, turn a photo into a blob, run, read the output, drop overlapping
 * boxes.
 *
 *     01_dnn_basics yolo.cfg yolo.weights photo.jpg
 *
 * detect_yolo.c does the last two steps with one call, for many kinds of detectors. */
#include <stdio.h>
#include <tinydnn.h>

enum { MOST = 1000 };

typedef struct candidates {
    tdnn_box box[MOST];
    float score[MOST];
    int class_id[MOST];
    size_t kept[MOST];
    size_t count;
} candidates;

/* 4. Read an output. A row is one box: centre x and y, width, height, relative to the picture;
 * the objectness; then a score a class. */
static void read_rows(const tdnn_tensor *rows, const tdnn_image *photo, candidates *found)
{
    const tdnn_shape *shape = tdnn_tensor_shape(rows);
    const float *row = tdnn_tensor_const_data(rows);
    int64_t columns = shape->ndim < 2 ? 0 : shape->dim[shape->ndim - 1];
    int64_t count = columns < 6 ? 0 : tdnn_shape_count(shape) / columns;

    for (int64_t i = 0; i < count; i++, row += columns) {
        float width = row[2] * (float)photo->width, height = row[3] * (float)photo->height;
        tdnn_box box = {row[0] * (float)photo->width - width / 2,
                        row[1] * (float)photo->height - height / 2, width, height};
        int64_t best = 5;

        for (int64_t c = 6; c < columns; c++)
            if (row[c] > row[best]) best = c;
        if (row[best] < 0.3f || found->count == MOST) continue;
        found->box[found->count] = box;
        found->score[found->count] = row[best];
        found->class_id[found->count++] = (int)(best - 5);
    }
}

/* 5. Of boxes that overlap keep the best, class by class. */
static void print_boxes(candidates *found, tdnn_error *err)
{
    size_t count = 0;
    tdnn_nms_params how;

    tdnn_nms_params_init(&how);
    how.min_score = 0.3f;
    how.max_overlap = 0.4f;
    if (tdnn_nms(found->box, found->score, found->class_id, found->count, &how, found->kept,
                 &count, err))
        return;
    for (size_t i = 0; i < count; i++) {
        size_t k = found->kept[i];
        const tdnn_box *box = &found->box[k];

        printf("class %2d  score %.2f  at %.0f,%.0f  size %.0f x %.0f\n", found->class_id[k],
               (double)found->score[k], (double)box->x, (double)box->y, (double)box->width,
               (double)box->height);
    }
}

int main(int argc, char **argv)
{
    static candidates found;
    tdnn_net *net = NULL;
    tdnn_session *session = NULL;
    tdnn_image *photo = NULL;
    tdnn_tensor *blob = NULL;
    const tdnn_tensor *rows = NULL;
    tdnn_blob_params how;
    tdnn_error err = {0};

    if (argc != 4) {
        fprintf(stderr, "usage: %s MODEL CONFIG PHOTO\n", argv[0]);
        return 2;
    }
    /* 1. Load the model: its format is found from the bytes, the order of the files is free. */
    if (tdnn_net_load(argv[1], argv[2], NULL, &net, &err) ||
        tdnn_session_create(net, NULL, &session, &err))
        goto end;

    /* 2. Make a blob: the photo in the network's size, as RGB from 0 to 1, N x C x H x W. */
    tdnn_blob_params_init(&how);
    how.width = (int)tdnn_net_input(net, 0)->usual.dim[3]; /* a Darknet net has it */
    how.height = (int)tdnn_net_input(net, 0)->usual.dim[2];
    how.swap_rb = true;
    for (int c = 0; c < 3; c++) how.scale[c] = 1 / 255.f;
    if (tdnn_image_read(argv[3], TDNN_BGR8, &photo, &err) ||
        tdnn_blob_from_images(photo, 1, &how, &blob, NULL, &err))
        goto end;

    /* 3. Run. */
    if (tdnn_session_set_input(session, NULL, blob, &err) || tdnn_session_run(session, &err))
        goto end;
    for (size_t i = 0; i < tdnn_net_output_count(net); i++) {
        if (tdnn_session_output(session, tdnn_net_output(net, i)->name, &rows, &err)) goto end;
        read_rows(rows, photo, &found);
    }
    print_boxes(&found, &err);
end:
    if (err.status) fprintf(stderr, "%s: %s: %s\n", argv[0], err.where, err.message);
    tdnn_tensor_release(blob);
    tdnn_image_free(photo);
    tdnn_session_free(session);
    tdnn_net_release(net);
    return err.status ? 1 : 0;
}
