/* profile.h - where the time of a session's runs went. */
#ifndef TINYDNN_CLI_PROFILE_H
#define TINYDNN_CLI_PROFILE_H

#include "tinydnn.h"

/* Per step, then per operator. */
void profile_show(const tdnn_session *session, bool json);

#endif
