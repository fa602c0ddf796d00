#include "net/http_retry.h"

#include "base/cancel.h"
#include "base/clock.h"

bool kn_http_may_pass(CURLcode code)
{
    switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_PARTIAL_FILE:
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
        return true;
    default:
        return false;
    }
}

double kn_http_jittered(double pause)
{
    return pause * (0.5 + 0.5 * (double)(kn_clock_unix_ms() % 1000) / 1000);
}

bool kn_http_sleep(double seconds, const struct kn_cancel *cancel)
{
    double end = kn_clock_now() + seconds;

    for (;;) {
        double left = end - kn_clock_now();

        if (kn_cancel_is_set(cancel))
            return false;
        if (left <= 0)
            return true;
        kn_clock_sleep(left < KN_CANCEL_POLL_MS / 1e3 ? left : KN_CANCEL_POLL_MS / 1e3);
    }
}
