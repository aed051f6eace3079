/* Whether two nets give the same bits, on random numbers of the sizes that the first one
 * usually has. */
#ifndef TESTS_SAME_BITS_H
#define TESTS_SAME_BITS_H

#include "tinydnn.h"

void same_bits(tdnn_net *one, tdnn_net *other);

#endif
