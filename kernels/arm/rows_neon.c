/* Rows to one number, for NEON. */
#include "kernels/simd/rows.h"

void tdnn_fill_rows_neon(tdnn_kernels *t);
void tdnn_fill_rows_neon(tdnn_kernels *t) { fill_rows(t); }
