/* classify.c - what is in a picture? Prints the five likeliest classes.
 *
 *     classify squeezenet.onnx photo.jpg imagenet_labels.txt [PRESET]
 *
 * PRESET says how the network wants its pictures: imagenet (the default), inception, ... */
#include <stdio.h>
#include <tinydnn.h>

enum { TOP = 5 };

/* The picture in the size that the network wants; grey where it has one channel. */
static tdnn_status make_blob(const char *path, const char *preset, const tdnn_port *input,
                             tdnn_tensor **blob, tdnn_error *err)
{
    const int64_t *dim = input->usual.dim;
    tdnn_image *photo = NULL;
    tdnn_blob_params how;
    tdnn_status status = tdnn_blob_preset(preset, &how, err);

    if (status) return status;
    if (input->usual.ndim == 4 && dim[2] > 0 && dim[3] > 0) {
        how.height = (int)dim[2];
        how.width = (int)dim[3];
    }
    status = tdnn_image_read(path, dim[1] == 1 ? TDNN_GRAY8 : TDNN_BGR8, &photo, err);
    if (status) return status;
    status = tdnn_blob_from_images(photo, 1, &how, blob, NULL, err);
    tdnn_image_free(photo);
    return status;
}

int main(int argc, char **argv)
{
    tdnn_net *net = NULL;
    tdnn_session *session = NULL;
    tdnn_tensor *blob = NULL;
    tdnn_labels *labels = NULL;
    const tdnn_tensor *scores = NULL;
    tdnn_class_score best[TOP];
    size_t count = TOP;
    tdnn_error err = {0};

    if (argc < 4 || argc > 5) {
        fprintf(stderr, "usage: %s MODEL IMAGE LABELS [PRESET]\n", argv[0]);
        return 2;
    }
    if (tdnn_net_load(argv[1], NULL, NULL, &net, &err) ||
        tdnn_session_create(net, NULL, &session, &err) ||
        tdnn_labels_read(argv[3], &labels, &err) ||
        make_blob(argv[2], argc > 4 ? argv[4] : "imagenet", tdnn_net_input(net, 0), &blob,
                  &err) ||
        tdnn_session_set_input(session, NULL, blob, &err) || tdnn_session_run(session, &err) ||
        tdnn_session_output(session, NULL, &scores, &err) ||
        tdnn_top_classes(scores, 0, best, &count, &err))
        goto end;
    for (size_t i = 0; i < count; i++) {
        const char *label = tdnn_labels_get(labels, best[i].class_id);

        printf("%8.4f  %s\n", (double)best[i].score, label ? label : "(no label)");
    }
end:
    if (err.status) fprintf(stderr, "%s: %s: %s\n", argv[0], err.where, err.message);
    tdnn_labels_free(labels);
    tdnn_tensor_release(blob);
    tdnn_session_free(session);
    tdnn_net_release(net);
    return err.status ? 1 : 0;
}
