/* v1.h - the routes below /api/v1, all but /api/v1/session (session.h). openapi.yaml is their manual; the tests hold every
 * answer against it. */
#ifndef KN_SERVER_V1_H
#define KN_SERVER_V1_H

#include "server/route.h"

/* k is what handlers are given as r->k. For ingest another handle is opened, which writes, with the options library; ingest says
 * how a run goes, and its roots are the folders that may be taken in besides those that titles lie in already. All are
 * borrowed until close, before which the server that serves *out has ended. */
int kn_v1_open(struct kinora *k, const struct kinora_options *library,
               const struct kinora_ingest_options *ingest, struct kn_app *out, struct kn_err *err);

/* Waits for a run that was told to stop. */
void kn_v1_close(struct kn_app *app);

#endif
