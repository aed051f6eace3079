/* Our onnx.proto against the full one of Debian's libonnx-dev and python3-onnx: every field of
 * ours has the number, the type and the label that ONNX gives it. Skipped where neither is
 * installed.
 */
#include "tests/test.h"

#include "parsers/proto/onnx.pb-c.h"

#include <stdbool.h>
#include <stdlib.h>

static const char *const full_schemas[] = {
    "/usr/include/onnx/onnx.proto",
    "/usr/lib/python3/dist-packages/onnx/onnx-ml.proto",
    "/usr/lib/python3/dist-packages/onnx/onnx-data.proto",
};

/* Younger than the ONNX 1.12 of Debian 12. */
static const char *const younger[] = {
    "NodeProto.overload",       "FunctionProto.overload",       "FunctionProto.attribute_proto",
    "FunctionProto.value_info", "OptionalProto.optional_value",
};

typedef struct field {
    char message[64], label[16], type[64], name[64];
    unsigned number;
} field;

static field *fields;
static size_t field_count;

static void remember(const char *message, const char *label, const char *type, const char *name,
                     unsigned number)
{
    fields = realloc(fields, (field_count + 1) * sizeof *fields);
    assert_non_null(fields);
    field *f = &fields[field_count++];
    snprintf(f->message, sizeof f->message, "%s", message);
    snprintf(f->label, sizeof f->label, "%s", label);
    snprintf(f->type, sizeof f->type, "%s", type);
    snprintf(f->name, sizeof f->name, "%s", name);
    f->number = number;
}

/* Enough of the language for these files: messages, enums and oneofs in each other, one field a
 * line. */
static bool read_schema(const char *path)
{
    FILE *file = fopen(path, "r");
    if (!file) return false;
    char line[512], open[16][64], label[16], type[64], name[64];
    int depth = 0;
    while (fgets(line, sizeof line, file)) {
        unsigned number;
        char *comment = strstr(line, "//");
        if (comment) *comment = '\0';
        const char *message = "";
        for (int i = 0; i < depth; i++)
            if (open[i][0] != '-') message = open[i];
        if (strchr(line, '{')) {
            char kind[16] = "", word[64] = "";
            sscanf(line, " %15s %63[A-Za-z0-9_]", kind, word);
            assert_in_range(depth, 0, 15);
            snprintf(open[depth++], sizeof open[0], "%s%.60s",
                     strcmp(kind, "message") ? "-" : "", word);
        } else if (sscanf(line, " %15[a-z] %63[A-Za-z0-9_.] %63[A-Za-z0-9_] = %u", label, type,
                          name, &number) == 4 &&
                   (!strcmp(label, "optional") || !strcmp(label, "repeated"))) {
            remember(message, label, type, name, number);
        } else if (sscanf(line, " %63[A-Za-z0-9_.] %63[A-Za-z0-9_] = %u", type, name,
                          &number) == 3) {
            remember(message, "optional", type, name, number); /* of a oneof */
        }
        if (strchr(line, '}')) depth--;
    }
    fclose(file);
    return true;
}

static bool is_younger(const char *message, const char *name)
{
    char full[160];
    snprintf(full, sizeof full, "%s.%s", message, name);
    for (size_t i = 0; i < sizeof younger / sizeof *younger; i++)
        if (!strcmp(younger[i], full)) return true;
    return false;
}

static const char *type_of(const ProtobufCFieldDescriptor *f)
{
    switch (f->type) {
    case PROTOBUF_C_TYPE_INT32: return "int32";
    case PROTOBUF_C_TYPE_INT64: return "int64";
    case PROTOBUF_C_TYPE_FLOAT: return "float";
    case PROTOBUF_C_TYPE_STRING: return "string";
    case PROTOBUF_C_TYPE_BYTES: return "bytes";
    case PROTOBUF_C_TYPE_ENUM:
        return ((const ProtobufCEnumDescriptor *)f->descriptor)->short_name;
    case PROTOBUF_C_TYPE_MESSAGE:
        return ((const ProtobufCMessageDescriptor *)f->descriptor)->short_name;
    default: return "?";
    }
}

static void check_field(const char *message, const ProtobufCFieldDescriptor *ours)
{
    const char *label = ours->label == PROTOBUF_C_LABEL_REPEATED ? "repeated" : "optional";
    for (size_t i = 0; i < field_count; i++) {
        const field *theirs = &fields[i];
        if (strcmp(theirs->message, message) || strcmp(theirs->name, ours->name)) continue;
        if (theirs->number != ours->id || strcmp(theirs->type, type_of(ours)) ||
            strcmp(theirs->label, label))
            fail_msg("%s.%s: %s %s = %u, ONNX has %s %s = %u", message, ours->name, label,
                     type_of(ours), ours->id, theirs->label, theirs->type, theirs->number);
        return;
    }
    if (!is_younger(message, ours->name)) fail_msg("ONNX has no %s.%s", message, ours->name);
}

static size_t check_message(const ProtobufCMessageDescriptor *type,
                            const ProtobufCMessageDescriptor **seen, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (seen[i] == type) return count;
    assert_in_range(count, 0, 63);
    seen[count++] = type;
    for (unsigned i = 0; i < type->n_fields; i++) {
        const ProtobufCFieldDescriptor *f = &type->fields[i];
        if (f->id >= 15000) continue; /* the place, which is ours */
        check_field(type->short_name, f);
        if (f->type == PROTOBUF_C_TYPE_MESSAGE)
            count = check_message(f->descriptor, seen, count);
    }
    return count;
}

static void fields_are_those_of_onnx(void **state)
{
    (void)state;
    size_t files = 0, messages;
    for (size_t i = 0; i < sizeof full_schemas / sizeof *full_schemas; i++)
        files += (size_t)read_schema(full_schemas[i]);
    if (files < 3) skip();
    const ProtobufCMessageDescriptor *seen[64];
    messages = check_message(&onnx__model_proto__descriptor, seen, 0);
    messages = check_message(&onnx__sequence_proto__descriptor, seen, messages);
    messages = check_message(&onnx__optional_proto__descriptor, seen, messages);
    assert_in_range(messages, 20, 30);
    free(fields);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_are_those_of_onnx),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
