/* blob.c - tinydnn blob: pictures as the tensor that a network is fed with. */
#include "cli/commands.h"

#include "cli/picture.h"
#include "cli/table.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct blob_options {
    picture_options picture;
    const char *output;
    int pixels, type;
} blob_options;

static const tdnn_pixels pixel_kinds[] = {TDNN_BGR8, TDNN_GRAY8, TDNN_BGRA8};

/* Their pixels stay those of `owners`. */
static bool read_images(const command_line *line, tdnn_pixels pixels, tdnn_image **owners,
                        tdnn_image *images)
{
    for (int i = 0; i < line->count; i++) {
        tdnn_error err;

        if (tdnn_image_read(line->given[i], pixels, &owners[i], &err) != TDNN_OK) {
            report_error(line->given[i], &err);
            return false;
        }
        images[i] = *owners[i];
    }
    return true;
}

static bool blob(const blob_options *o, const command_line *line)
{
    size_t count = (size_t)line->count;
    tdnn_image **owners = need(count, sizeof *owners), *images = need(count, sizeof *images);
    tdnn_blob_params params;
    tdnn_tensor *tensor = NULL;
    tdnn_error err;
    bool good = picture_params(&o->picture, NULL, &params) &&
                read_images(line, pixel_kinds[o->pixels], owners, images);

    if (good) {
        params.dtype = o->type ? TDNN_U8 : TDNN_F32;
        good = tdnn_blob_from_images(images, count, &params, &tensor, NULL, &err) == TDNN_OK;
        if (!good) report_error(line->given[0], &err);
    }
    if (good) {
        good = tdnn_tensor_write(tensor, o->output, &err) == TDNN_OK;
        if (!good) report_error(o->output, &err);
    }
    if (good)
        printf("%s  %s  %s\n", o->output, tdnn_dtype_name(tdnn_tensor_dtype(tensor)),
               shape_write(tdnn_tensor_shape(tensor)).text);
    tdnn_tensor_release(tensor);
    for (size_t i = 0; i < count; i++) tdnn_image_free(owners[i]);
    free(owners);
    free(images);
    return good;
}

int command_blob(int argc, char **argv)
{
    blob_options o = {.picture = picture_defaults()};
    const option known[] = {
        OPTION("output", TEXT, &o.output, "FILE.npy", "where the tensor goes"),
        PICTURE_OPTIONS(o.picture),
        OPTION("layout", CHOICE, &o.picture.layout, "nchw|nhwc", "of the blob"),
        OPTION("pixels", CHOICE, &o.pixels, "bgr|gray|bgra", "how pictures are read"),
        OPTION("type", CHOICE, &o.type, "f32|u8", "of the elements; u8 without arithmetic"),
        OPTION_END,
    };
    command_line line = {
        .name = "blob",
        .arguments = "IMAGE... --output FILE.npy [blob options]",
        .about =
            "Writes pictures as one tensor, N x C x H x W, as cv2.dnn.blobFromImages makes it.",
        .options = known,
        .least = 1,
        .most = -1,
    };
    int status = EXIT_FAULT;

    if (options_parse(&line, argc, argv, &status)) {
        if (!picture_check(&o.picture, &line, &status))
            status = EXIT_USAGE;
        else if (!o.output)
            status = options_wrong(&line, "--output FILE.npy is missing");
        else
            status = blob(&o, &line) && output_flush() ? EXIT_DONE : EXIT_FAULT;
    }
    free(line.given);
    return status;
}
