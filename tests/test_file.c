/* Files, and what must not be opened in a model's name; .npy files. Works in a new folder. */
#include "tests/test.h"

#include "lib/base/file.h"
#include "lib/base/npy.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static tdnn_error err;
static char folder[] = "/tmp/tinydnn-test-XXXXXX";

static int make_folder(void **state)
{
    (void)state;
    if (!mkdtemp(folder) || chdir(folder) != 0) return -1;
    return mkdir("model", 0777) | mkdir("model/deep", 0777) | mkdir("out", 0777);
}

static int remove_folder(void **state)
{
    (void)state;
    char command[64];
    snprintf(command, sizeof command, "rm -r %s", folder);
    return chdir("/") || system(command);
}

static bool holds(const char *path, const char *text)
{
    tdnn_file *file = NULL;
    if (tdnn_file_open(path, 1000, &file, &err) != TDNN_OK) return false;
    tdnn_bytes bytes = tdnn_file_bytes(file);
    bool same =
        bytes.size == strlen(text) && (!bytes.size || !memcmp(bytes.data, text, bytes.size));
    tdnn_file_release(file);
    return same;
}

static void what_is_written_is_read(void **state)
{
    (void)state;
    assert_ok(tdnn_file_write("a", "hello", 5, &err), err);
    assert_true(holds("a", "hello"));
    assert_ok(tdnn_file_write("a", "", 0, &err), err);
    assert_true(holds("a", ""));
    assert_status(tdnn_file_write("missing/a", "x", 1, &err), TDNN_ERR_IO);
    assert_string_equal(err.where, "missing/a");
    assert_status(tdnn_file_write("/dev/full", "x", 1, &err), TDNN_ERR_IO);
    assert_status(tdnn_file_write(NULL, "x", 1, &err), TDNN_ERR_ARGUMENT);
}

static void bytes_outlive_the_descriptor(void **state)
{
    (void)state;
    tdnn_file *file = NULL;
    assert_ok(tdnn_file_write("b", "hello", 5, &err), err);
    assert_ok(tdnn_file_open("b", 5, &file, &err), err);
    assert_ptr_equal(tdnn_file_retain(file), file);
    tdnn_file_release(file);
    assert_int_equal(unlink("b"), 0);
    assert_memory_equal(tdnn_file_bytes(file).data, "hello", 5);
    tdnn_file_release(file);
    tdnn_file_release(NULL);
}

static void opening_fails_clearly(void **state)
{
    (void)state;
    tdnn_file *file = (tdnn_file *)&err;
    assert_status(tdnn_file_open("nothing", 100, &file, &err), TDNN_ERR_IO);
    assert_null(file);
    assert_string_equal(err.where, "nothing");
    assert_string_equal(err.message, "cannot open the file: No such file or directory");
    assert_status(tdnn_file_open("model", 100, &file, &err), TDNN_ERR_IO);
    assert_status(tdnn_file_open(NULL, 100, &file, &err), TDNN_ERR_ARGUMENT);
    assert_ok(tdnn_file_write("c", "hello", 5, &err), err);
    assert_status(tdnn_file_open("c", 4, &file, &err), TDNN_ERR_LIMIT);
    tdnn_alloc_fail_after(1);
    tdnn_status status = tdnn_file_open("c", 100, &file, &err);
    tdnn_alloc_fail_after(0);
    assert_int_equal(status, TDNN_ERR_MEMORY);
}

static void pipes_are_read(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    char text[30000], path[32];
    memset(text, 'p', sizeof text);
    assert_int_equal(write(ends[1], text, sizeof text), sizeof text);
    close(ends[1]);
    snprintf(path, sizeof path, "/dev/fd/%d", ends[0]);
    tdnn_file *file = NULL;
    assert_ok(tdnn_file_open(path, 1 << 20, &file, &err), err);
    assert_int_equal(tdnn_file_bytes(file).size, sizeof text);
    assert_memory_equal(tdnn_file_bytes(file).data, text, sizeof text);
    tdnn_file_release(file);
    close(ends[0]);
    assert_status(tdnn_file_open("/dev/zero", 100000, &file, &err), TDNN_ERR_LIMIT);
}

static tdnn_status open_inside(const char *name)
{
    tdnn_file *file = NULL;
    tdnn_status status = tdnn_file_open_inside("model", name, 1000, &file, &err);
    if (status != TDNN_OK) assert_null(file);
    tdnn_file_release(file);
    return status;
}

static void files_inside_are_found(void **state)
{
    (void)state;
    assert_ok(tdnn_file_write("model/w.bin", "1234", 4, &err), err);
    assert_ok(tdnn_file_write("model/deep/w.bin", "5678", 4, &err), err);
    assert_ok(tdnn_file_write("model/..w", "9", 1, &err), err);
    assert_ok(open_inside("w.bin"), err);
    assert_ok(open_inside("./w.bin"), err);
    assert_ok(open_inside("deep/w.bin"), err);
    assert_ok(open_inside(".//deep/./w.bin"), err);
    assert_ok(open_inside("..w"), err); /* a name like any other */
    tdnn_file *file = NULL;
    assert_int_equal(chdir("model"), 0);
    tdnn_status status = tdnn_file_open_inside("", "deep/w.bin", 1000, &file, &err);
    assert_int_equal(chdir(".."), 0);
    assert_int_equal(status, TDNN_OK);
    assert_memory_equal(tdnn_file_bytes(file).data, "5678", 4);
    tdnn_file_release(file);
}

static void ways_out_are_refused(void **state)
{
    (void)state;
    assert_ok(tdnn_file_write("out/secret", "s", 1, &err), err);
    assert_int_equal(symlink("../out/secret", "model/link"), 0);
    assert_int_equal(symlink("../out", "model/linkdir"), 0);
    assert_int_equal(symlink("w.bin", "model/harmless"), 0);
    assert_int_equal(mkfifo("model/fifo", 0666), 0);
    static const char *const outside[] = {
        "/etc/passwd", "../out/secret", "deep/../../out/secret", "..", "deep/..", "", ".",
        "./"};
    for (size_t i = 0; i < sizeof outside / sizeof *outside; i++) {
        assert_status(open_inside(outside[i]), TDNN_ERR_FORMAT);
        assert_non_null(strstr(err.where, outside[i]));
    }
    static const char *const refused[] = {"link", "linkdir/secret", "harmless", "fifo",
                                          "deep", "nothing",        "w.bin/x"};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        assert_status(open_inside(refused[i]), TDNN_ERR_IO);
    char text[400];
    memset(text, 'n', sizeof text);
    text[sizeof text - 1] = '\0';
    assert_status(open_inside(text), TDNN_ERR_FORMAT);
    tdnn_file *file = NULL;
    assert_status(tdnn_file_open_inside("no-such", "x", 9, &file, &err), TDNN_ERR_IO);
    assert_status(tdnn_file_open_inside("model", "w.bin", 3, &file, &err), TDNN_ERR_LIMIT);
    assert_status(tdnn_file_open_inside("model", NULL, 3, &file, &err), TDNN_ERR_ARGUMENT);
}

/* ---- .npy: the headers are numpy's own, byte for byte
 * ---------------------------------------- */

#define PAD20 "                    "
#define V1(text, pad) "\x93NUMPY\x01\x00v\x00" text pad "\n"

static tdnn_tensor *decode(const void *data, size_t size)
{
    tdnn_tensor *t = NULL;
    assert_ok(tdnn_npy_decode((tdnn_bytes){data, size}, &t, &err), err);
    return t;
}

static void npy_little_endian_floats(void **state)
{
    (void)state;
    static const char file[] =
        V1("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }",
           PAD20 PAD20 "                  ") "\0\0\0\0\0\0\x80\x3f\0\0\0\x40\0\0\x40\x40\0\0"
                                             "\x80\x40\0\0\xa0\x40";
    tdnn_tensor *t = decode(file, sizeof file - 1);
    assert_int_equal(tdnn_tensor_dtype(t), TDNN_F32);
    assert_int_equal(tdnn_tensor_shape(t)->ndim, 2);
    for (size_t i = 0; i < 6; i++) assert_true(tdnn_tensor_get_f64(t, i) == (double)i);
    assert_ok(tdnn_npy_write(t, "f4.npy", &err), err);
    tdnn_file *written = NULL;
    assert_ok(tdnn_file_open("f4.npy", 1000, &written, &err), err);
    assert_int_equal(tdnn_file_bytes(written).size, sizeof file - 1);
    assert_memory_equal(tdnn_file_bytes(written).data, file, sizeof file - 1);
    tdnn_file_release(written);
    tdnn_tensor_release(t);
}

static void npy_big_endian_in_fortran_order(void **state)
{
    (void)state;
    /* numpy.save of asfortranarray(arange(24, dtype='>i2').reshape(2, 3, 4)) */
    static const char head[] =
        V1("{'descr': '>i2', 'fortran_order': True, 'shape': (2, 3, 4), }",
           PAD20 PAD20 "                ");
    unsigned char file[sizeof head - 1 + 48];
    memcpy(file, head, sizeof head - 1);
    size_t at = sizeof head - 1;
    for (int k = 0; k < 4; k++)
        for (int j = 0; j < 3; j++)
            for (int i = 0; i < 2; i++, at += 2) {
                file[at] = 0;
                file[at + 1] = (unsigned char)(i * 12 + j * 4 + k);
            }
    tdnn_tensor *t = decode(file, sizeof file);
    assert_int_equal(tdnn_tensor_dtype(t), TDNN_I16);
    for (size_t i = 0; i < 24; i++) assert_int_equal(tdnn_tensor_get_i64(t, i), i);
    tdnn_tensor_release(t);
}

static void npy_versions_scalars_and_spellings(void **state)
{
    (void)state;
    static const char v2[] = "\x93NUMPY\x02\x00\x37\x00\x00\x00"
                             "{\"shape\": (), 'fortran_order':False,\"descr\":'>f8'}    \n"
                             "\x40\x04\0\0\0\0\0\0";
    tdnn_tensor *t = decode(v2, sizeof v2 - 1);
    assert_int_equal(tdnn_tensor_shape(t)->ndim, 0);
    assert_true(tdnn_tensor_get_f64(t, 0) == 2.5);
    tdnn_tensor_release(t);
    static const char v3[] = "\x93NUMPY\x03\x00\x3c\x00\x00\x00"
                             "{'descr': '|b1', 'fortran_order': False, 'shape': (3L,), }\x20\n"
                             "\x01\x00\x02";
    t = decode(v3, sizeof v3 - 1);
    assert_int_equal(tdnn_tensor_dtype(t), TDNN_BOOL);
    assert_int_equal(tdnn_tensor_get_i64(t, 0), 1);
    assert_int_equal(tdnn_tensor_get_i64(t, 1), 0);
    assert_int_equal(tdnn_tensor_get_i64(t, 2), 1);
    tdnn_tensor_release(t);
}

static void npy_round_trips_every_type(void **state)
{
    (void)state;
    tdnn_shape shapes[3] = {tdnn_shape_make(0, NULL), tdnn_shape_make(1, (int64_t[]){7}),
                            tdnn_shape_make(8, (int64_t[]){1, 2, 1, 3, 1, 1, 2, 0})};
    int written = 0;
    for (int d = 1; d < TDNN_DTYPE_COUNT; d++) {
        for (int s = 0; s < 3; s++) {
            tdnn_tensor *t = NULL, *back = NULL;
            assert_ok(tdnn_tensor_create((tdnn_dtype)d, &shapes[s], &t, &err), err);
            unsigned char *data = tdnn_tensor_data(t);
            for (size_t i = 0; data && i < tdnn_tensor_bytes(t); i++)
                data[i] = (unsigned char)(d == TDNN_BOOL ? i & 1 : i * 37);
            tdnn_status status = tdnn_npy_write(t, "t.npy", &err);
            if (status == TDNN_OK) {
                tdnn_file *file = NULL;
                assert_ok(tdnn_file_open("t.npy", 10000, &file, &err), err);
                assert_true(tdnn_npy_looks_like(tdnn_file_bytes(file)));
                assert_ok(tdnn_npy_decode(tdnn_file_bytes(file), &back, &err), err);
                assert_true(tdnn_tensor_equal(t, back));
                assert_int_equal((tdnn_file_bytes(file).size - tdnn_tensor_bytes(t)) % 64, 0);
                tdnn_file_release(file);
                written++;
            } else {
                assert_int_equal(status, TDNN_ERR_UNSUPPORTED);
            }
            tdnn_tensor_release(back);
            tdnn_tensor_release(t);
        }
    }
    assert_int_equal(written, 14 * 3);
}

static tdnn_status decode_header(const char *text)
{
    unsigned char file[512] = "\x93NUMPY\x01";
    size_t length = strlen(text);
    file[8] = (unsigned char)length;
    memcpy(file + 10, text, length);
    tdnn_tensor *t = NULL;
    tdnn_status status = tdnn_npy_decode((tdnn_bytes){file, 10 + length}, &t, &err);
    if (status != TDNN_OK) assert_null(t);
    tdnn_tensor_release(t);
    return status;
}

static void npy_bad_headers_are_refused(void **state)
{
    (void)state;
#define HEAD(type, order, shape)                                                               \
    "{'descr': " type ", 'fortran_order': " order ", 'shape': " shape ", }"
    assert_status(decode_header(HEAD("'<f4'", "False", "(0,)")), TDNN_OK);
    assert_status(decode_header(HEAD("'<f4'", "True", "(4611686018427387904, 4, 0)")), TDNN_OK);
    static const char *const malformed[] = {
        HEAD("'<f4'", "False", "(1,)"),
        HEAD("'<f4'", "Maybe", "(0,)"),
        HEAD("'<f4'", "False", "(-1,)"),
        HEAD("'<f4'", "False", "0"),
        HEAD("'<f4'", "False", "(0 0)"),
        HEAD("'<f4'", "False", "(99999999999999999999,)"),
        HEAD("'<f4'", "False", "(9223372036854775807, 9223372036854775807)"),
        "{'descr': '<f4', 'shape': (0,)}",
        "{'descr': '<f4'",
        "{",
        "",
        "[]",
        "{'x': 1}",
        "{'descr' '<f4'}",
        "{'descr': '<f4' 'fortran_order': False, 'shape': (0,)}",
    };
    for (size_t i = 0; i < sizeof malformed / sizeof *malformed; i++)
        assert_status(decode_header(malformed[i]), TDNN_ERR_FORMAT);
    static const char *const unsupported[] = {
        HEAD("'<U5'", "False", "(0,)"),
        HEAD("'|O'", "False", "(0,)"),
        HEAD("''", "False", "(0,)"),
        HEAD("'!f4'", "False", "(0,)"),
        HEAD("[('a', '<f4')]", "False", "(0,)"),
        HEAD("'<f4'", "False", "(0, 1, 1, 1, 1, 1, 1, 1, 1)"),
    };
    for (size_t i = 0; i < sizeof unsupported / sizeof *unsupported; i++)
        assert_status(decode_header(unsupported[i]), TDNN_ERR_UNSUPPORTED);
}

static void npy_cut_anywhere_is_refused(void **state)
{
    (void)state;
    tdnn_tensor *t = NULL, *cut = NULL;
    assert_ok(tdnn_tensor_i64_vector((int64_t[]){1, -2, 3}, 3, &t, &err), err);
    assert_ok(tdnn_npy_write(t, "cut.npy", &err), err);
    tdnn_file *file = NULL;
    assert_ok(tdnn_file_open("cut.npy", 1000, &file, &err), err);
    tdnn_bytes whole = tdnn_file_bytes(file);
    for (size_t size = 0; size < whole.size; size++) {
        /* A copy of its own, so that a read past the end is seen. */
        void *part = tdnn_alloc(size, 1);
        if (size) memcpy(part, whole.data, size);
        assert_status(tdnn_npy_decode((tdnn_bytes){part, size}, &cut, &err), TDNN_ERR_FORMAT);
        tdnn_free(part);
    }
    tdnn_alloc_fail_after(2);
    tdnn_status status = tdnn_npy_decode(whole, &cut, &err);
    tdnn_alloc_fail_after(0);
    assert_int_equal(status, TDNN_ERR_MEMORY);
    tdnn_file_release(file);
    tdnn_tensor_release(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(bytes_outlive_the_descriptor),
        cmocka_unit_test(opening_fails_clearly),
        cmocka_unit_test(pipes_are_read),
        cmocka_unit_test(files_inside_are_found),
        cmocka_unit_test(ways_out_are_refused),
        cmocka_unit_test(npy_little_endian_floats),
        cmocka_unit_test(npy_big_endian_in_fortran_order),
        cmocka_unit_test(npy_versions_scalars_and_spellings),
        cmocka_unit_test(npy_round_trips_every_type),
        cmocka_unit_test(npy_bad_headers_are_refused),
        cmocka_unit_test(npy_cut_anywhere_is_refused),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
