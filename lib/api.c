/* The functions of tinydnn.h that belong to no layer below: they check the caller's arguments and
 * delegate. */
#include "kernels/kernels.h"
#include "lib/base/error.h"

const char *tdnn_version(void)
{
    return TDNN_STR(TDNN_VERSION_MAJOR) "." TDNN_STR(TDNN_VERSION_MINOR) "." TDNN_STR(
        TDNN_VERSION_PATCH);
}

const char *tdnn_cpu_level(void) { return tdnn_cpu_level_name(tdnn_cpu_best()); }
