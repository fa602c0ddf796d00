/* limits.h - how much the server takes, from whom, and for how long. */
#ifndef KN_SERVER_LIMITS_H
#define KN_SERVER_LIMITS_H

enum {
    KN_LIMIT_TARGET = 8 << 10,  /* bytes of path and query: 414 */
    KN_LIMIT_HEADER = 16 << 10, /* bytes of request line and headers: 431 */
    KN_LIMIT_MEMORY =
        48 << 10, /* of a connection; headers that do not fit at all get libmicrohttpd's own 431 */
    KN_LIMIT_SEGMENTS = 16,   /* of a path */
    KN_LIMIT_BODY = 64 << 10, /* 413 */
    KN_LIMIT_UNREAD =
        1 << 20, /* bytes of a body too large that are passed over before the connection is cut */
    KN_LIMIT_DEPTH = 16,        /* of JSON */
    KN_LIMIT_REPLY = 64 << 20,  /* of what is not a file */
    KN_LIMIT_ARENA = 256 << 20, /* of a request */
    KN_LIMIT_CONNECTIONS =
        4096, /* over all; one more pushes out the one that has been idle longest */
    KN_LIMIT_PER_ADDRESS =
        64,                /* of an address that is not loopback, where a reverse proxy would be */
    KN_LIMIT_STREAMS = 64, /* event streams */
    KN_LIMIT_WAITING = 64, /* slow requests in the queue */
    KN_LIMIT_HEADER_SECONDS = 20, /* from the connection to the end of the first headers */
    KN_LIMIT_IDLE_SECONDS = 65,   /* from an answer to the end of the next headers */
    KN_LIMIT_BODY_SECONDS = 20,
    KN_LIMIT_STALLED_SECONDS = 60, /* without a byte either way */
    KN_LIMIT_STATS_SECONDS = 60,   /* for which /metrics does not count titles again */
    KN_LIMIT_READY_SECONDS = 1,    /* for which /ready does not look again */
    KN_LIMIT_PREPARE_SECONDS = 5,  /* until what could not be made ready is tried again */
    KN_LIMIT_DRAIN_SECONDS = 10,
    KN_LIMIT_GUESSES =
        10, /* wrong tokens of an address at once; then one in KN_LIMIT_GUESS_SECONDS */
    KN_LIMIT_GUESS_SECONDS = 6,
    KN_LIMIT_BURST = 1000,   /* requests of an address that is not loopback at once; */
    KN_LIMIT_A_SECOND = 200, /* and then these a second */
    KN_LIMIT_SESSIONS = 64,  /* the oldest gives way */
    KN_LIMIT_SESSION_DAYS = 30,
    KN_LIMIT_SIGNED_HOURS = 24, /* that a signed address opens, and up to one more */
};

#endif
