/* profile.h - where the time of a session's runs went. */
#ifndef TINYDNN_CLI_PROFILE_H
#define TINYDNN_CLI_PROFILE_H

#include "cli/peak.h"

#include "tinydnn.h"

/* Per step, then per operator; with the share of the limit that `peak`, of one thread, sets each:
 * operations over the peak, or bytes over the speed of copies, whichever takes longer. */
void profile_show(const tdnn_session *session, const machine_peak *peak, int threads, bool json);

#endif
