/* The functions of tinydnn.h that belong to no layer below: they check the caller's arguments
 * and delegate. */
#include "tinydnn.h"

#define TEXT_(x) #x
#define TEXT(x) TEXT_(x)

const char *tdnn_version(void)
{
    return TEXT(TDNN_VERSION_MAJOR) "." TEXT(TDNN_VERSION_MINOR) "." TEXT(TDNN_VERSION_PATCH);
}
