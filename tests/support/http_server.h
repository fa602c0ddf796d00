/* http_server.h - starts and ends tests/support/http_server.py for a test program. */
#ifndef KN_TEST_HTTP_SERVER_H
#define KN_TEST_HTTP_SERVER_H

#include "python_server.h"

enum { SERVED_BYTES = 1 << 20 };

/* sha256 of what is served as /file */
#define SERVED_SHA256 "f6a34d4c79c3d12c297589206bf216b084347471a53ea5e7fe9a46bd1230f098"

static struct python_server http_server;
#define server_address http_server.address

static int server_start(void)
{
    char *argv[] = {"python3", KN_TEST_SOURCE_DIR "/tests/support/http_server.py", NULL};

    return python_server_start(&http_server, argv);
}

static int server_stop(void)
{
    return python_server_stop(&http_server);
}

#endif
