/* http_retry.h - when a request may go better next time, and the pause before it. Inside src/net only. */
#ifndef KN_NET_HTTP_RETRY_H
#define KN_NET_HTTP_RETRY_H

#include <stdbool.h>

#include <curl/curl.h>

struct kn_cancel;

enum { KN_HTTP_RETRIES = 4, KN_HTTP_MAX_RETRY_AFTER_S = 60 };

/* Connections that fail and break off are worth another try; a wrong address or certificate is not. */
bool kn_http_may_pass(CURLcode code);

/* Between half and the whole of the pause, so that clients that failed together do not return together. */
double kn_http_jittered(double pause);

bool kn_http_sleep(double seconds, const struct kn_cancel *cancel); /* false: cancelled */

#endif
