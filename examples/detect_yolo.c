/* detect_yolo.c - where is what in a picture? Prints the boxes of a YOLO detector and draws
 * them.
 *
 *     detect_yolo yolo.cfg yolo.weights photo.jpg coco.names boxes.png     (Darknet)
 *     detect_yolo yolov8n.onnx - photo.jpg coco.names boxes.png            (v5, v8, v11, X in
 * ONNX)
 */
#include <stdio.h>
#include <string.h>
#include <tinydnn.h>

enum { MOST_OUTPUTS = 16 };

/* Decodes all outputs together: boxes come back in pixels of the photo. */
static tdnn_status find_boxes(const tdnn_net *net, const tdnn_session *session,
                              const tdnn_placement *placement, tdnn_detections *found,
                              tdnn_error *err)
{
    const tdnn_tensor *outputs[MOST_OUTPUTS];
    size_t count = tdnn_net_output_count(net);
    tdnn_detect_params how;

    if (count > MOST_OUTPUTS) count = MOST_OUTPUTS;
    for (size_t i = 0; i < count; i++) {
        const char *name = tdnn_net_output(net, i)->name;
        tdnn_status status = tdnn_session_output(session, name, &outputs[i], err);

        if (status) return status;
    }
    tdnn_detect_params_init(&how);
    how.confidence = 0.3f;
    return tdnn_detect(outputs, count, &how, placement, 1, found, err);
}

static void print_boxes(const tdnn_detections *found, const tdnn_labels *labels)
{
    for (size_t i = 0; i < found->count; i++) {
        const tdnn_detection *d = &found->list[i];
        const char *label = tdnn_labels_get(labels, d->class_id);

        printf("%-12s %.2f  at %.0f,%.0f  size %.0f x %.0f\n", label ? label : "?",
               (double)d->score, (double)d->box.x, (double)d->box.y, (double)d->box.width,
               (double)d->box.height);
    }
}

int main(int argc, char **argv)
{
    tdnn_net *net = NULL;
    tdnn_session *session = NULL;
    tdnn_image *photo = NULL;
    tdnn_tensor *blob = NULL;
    tdnn_labels *labels = NULL;
    tdnn_detections found = TDNN_DETECTIONS_INIT;
    tdnn_placement placement;
    tdnn_blob_params how;
    const tdnn_port *input;
    const char *config;
    tdnn_error err = {0};

    if (argc != 6) {
        fprintf(stderr, "usage: %s MODEL CONFIG|- PHOTO LABELS RESULT.png\n", argv[0]);
        return 2;
    }
    config = strcmp(argv[2], "-") ? argv[2] : NULL;
    if (tdnn_net_load(argv[1], config, NULL, &net, &err) ||
        tdnn_session_create(net, NULL, &session, &err) ||
        tdnn_labels_read(argv[4], &labels, &err) ||
        tdnn_image_read(argv[3], TDNN_BGR8, &photo, &err) ||
        tdnn_blob_preset("yolo", &how, &err))
        goto end;
    input = tdnn_net_input(net, 0);
    if (input->usual.ndim == 4 && input->usual.dim[2] > 0 && input->usual.dim[3] > 0) {
        how.height = (int)input->usual.dim[2];
        how.width = (int)input->usual.dim[3];
    }
    if (tdnn_blob_from_images(photo, 1, &how, &blob, &placement, &err) ||
        tdnn_session_set_input(session, NULL, blob, &err) || tdnn_session_run(session, &err) ||
        find_boxes(net, session, &placement, &found, &err))
        goto end;
    print_boxes(&found, labels);
    if (!tdnn_draw_detections(photo, &found, 0, labels, &err) &&
        !tdnn_image_write(photo, argv[5], &err))
        printf("%zu boxes drawn in %s\n", found.count, argv[5]);
end:
    if (err.status) fprintf(stderr, "%s: %s: %s\n", argv[0], err.where, err.message);
    tdnn_detections_free(&found);
    tdnn_labels_free(labels);
    tdnn_tensor_release(blob);
    tdnn_image_free(photo);
    tdnn_session_free(session);
    tdnn_net_release(net);
    return err.status ? 1 : 0;
}
