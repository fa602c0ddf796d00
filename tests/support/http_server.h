/* http_server.h - starts and ends tests/support/http_server.py for a test program. */
#ifndef KN_TEST_HTTP_SERVER_H
#define KN_TEST_HTTP_SERVER_H

#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum { SERVED_BYTES = 1 << 20 };

/* sha256 of what is served as /file */
#define SERVED_SHA256 "f6a34d4c79c3d12c297589206bf216b084347471a53ea5e7fe9a46bd1230f098"

static pid_t server_pid;
static int server_stdin = -1;
static char server_address[64]; /* "http://127.0.0.1:1234" */

static int server_start(void)
{
    char *argv[] = {"python3", KN_TEST_SOURCE_DIR "/tests/support/http_server.py", NULL};
    posix_spawn_file_actions_t actions;
    int in[2], out[2], port = 0;
    FILE *f;

    setenv("no_proxy", "*", 1);
    if (pipe(in) || pipe(out) || posix_spawn_file_actions_init(&actions))
        return -1;
    posix_spawn_file_actions_adddup2(&actions, in[0], 0);
    posix_spawn_file_actions_adddup2(&actions, out[1], 1);
    posix_spawn_file_actions_addclose(&actions, in[1]); /* or it would never see its end */
    if (posix_spawnp(&server_pid, argv[0], &actions, NULL, argv, environ))
        return -1;
    posix_spawn_file_actions_destroy(&actions);
    close(in[0]);
    close(out[1]);
    server_stdin = in[1];
    f = fdopen(out[0], "r");
    if (!f || fscanf(f, "%d", &port) != 1)
        return -1;
    fclose(f);
    snprintf(server_address, sizeof server_address, "http://127.0.0.1:%d", port);
    return 0;
}

static int server_stop(void)
{
    int status = -1;

    close(server_stdin);
    return waitpid(server_pid, &status, 0) == server_pid && status == 0 ? 0 : -1;
}

#endif
