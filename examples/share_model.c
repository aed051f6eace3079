/* share_model.c - one model in memory, a thread for each picture: the net is loaded once and
 * shared, every thread has a session of its own, and no lock is needed.
 *
 *     share_model mobilenet.onnx a.jpg b.jpg c.jpg ...
 */
#include <pthread.h>
#include <stdio.h>
#include <tinydnn.h>

enum { MOST_THREADS = 16 };

typedef struct job {
    tdnn_net *net; /* shared */
    const char *path;
    tdnn_class_score best;
    tdnn_error err;
} job;

static tdnn_status classify(job *j)
{
    const tdnn_shape *want = &tdnn_net_input(j->net, 0)->usual;
    tdnn_pixels pixels = want->dim[1] == 1 ? TDNN_GRAY8 : TDNN_BGR8;
    tdnn_session *session = NULL;
    tdnn_image *photo = NULL;
    tdnn_tensor *blob = NULL;
    const tdnn_tensor *scores = NULL;
    tdnn_blob_params how;
    size_t count = 1;
    tdnn_status status = tdnn_blob_preset("imagenet", &how, &j->err);

    if (!status && want->ndim == 4 && want->dim[2] > 0 && want->dim[3] > 0) {
        how.height = (int)want->dim[2];
        how.width = (int)want->dim[3];
    }
    if (!status) status = tdnn_session_create(j->net, NULL, &session, &j->err);
    if (!status) status = tdnn_image_read(j->path, pixels, &photo, &j->err);
    if (!status) status = tdnn_blob_from_images(photo, 1, &how, &blob, NULL, &j->err);
    if (!status) status = tdnn_session_set_input(session, NULL, blob, &j->err);
    if (!status) status = tdnn_session_run(session, &j->err);
    if (!status) status = tdnn_session_output(session, NULL, &scores, &j->err);
    if (!status) status = tdnn_top_classes(scores, 0, &j->best, &count, &j->err);
    tdnn_tensor_release(blob);
    tdnn_image_free(photo);
    tdnn_session_free(session);
    return status;
}

static void *work(void *argument)
{
    job *j = argument;

    return classify(j) ? NULL : j; /* NULL: it failed */
}

int main(int argc, char **argv)
{
    pthread_t threads[MOST_THREADS];
    job jobs[MOST_THREADS] = {0};
    tdnn_net *net = NULL;
    tdnn_error err;
    int count = argc - 2, started = 0, failed = 0;

    if (count < 1 || count > MOST_THREADS) {
        fprintf(stderr, "usage: %s MODEL IMAGE... (up to %d)\n", argv[0], MOST_THREADS);
        return 2;
    }
    if (tdnn_net_load(argv[1], NULL, NULL, &net, &err)) {
        fprintf(stderr, "%s: %s: %s\n", argv[0], err.where, err.message);
        return 1;
    }
    for (; started < count; started++) {
        jobs[started].net = net;
        jobs[started].path = argv[2 + started];
        if (pthread_create(&threads[started], NULL, work, &jobs[started])) break;
    }
    for (int i = 0; i < started; i++) {
        void *good = NULL;

        pthread_join(threads[i], &good);
        if (good)
            printf("%s: class %d, score %.4f\n", jobs[i].path, jobs[i].best.class_id,
                   (double)jobs[i].best.score);
        else
            fprintf(stderr, "%s: %s: %s\n", argv[0], jobs[i].err.where, jobs[i].err.message);
        failed += !good;
    }
    if (started < count) fprintf(stderr, "%s: no more threads to be had\n", argv[0]);
    tdnn_net_release(net);
    return failed || started < count ? 1 : 0;
}
