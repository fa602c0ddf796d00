/* v1.h - the routes below /api/v1, all but /api/v1/session (session.h). */
#ifndef KN_SERVER_V1_H
#define KN_SERVER_V1_H

#include "server/route.h"

/* k is what handlers are given as r->k; options are those that it was opened with, for a handle that writes. Both are
 * borrowed until close. */
int kn_v1_open(struct kinora *k, const struct kinora_options *options, struct kn_app *out,
               struct kn_err *err);
void kn_v1_close(struct kn_app *app);

#endif
