/* python_server.h - starts and ends a server of tests/support for a test program. */
#ifndef KN_TEST_PYTHON_SERVER_H
#define KN_TEST_PYTHON_SERVER_H

#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

struct python_server {
    pid_t pid;
    int input;        /* ends with it */
    char address[64]; /* "http://127.0.0.1:1234" */
};

/* argv: the Python, the program, its arguments, NULL. It prints its port and serves until its input ends. */
static inline int python_server_start(struct python_server *s, char *const argv[])
{
    posix_spawn_file_actions_t actions;
    int in[2], out[2], port = 0;
    FILE *f;

    setenv("no_proxy", "*", 1);
    if (pipe(in) || pipe(out) || posix_spawn_file_actions_init(&actions))
        return -1;
    posix_spawn_file_actions_adddup2(&actions, in[0], 0);
    posix_spawn_file_actions_adddup2(&actions, out[1], 1);
    posix_spawn_file_actions_addclose(&actions, in[1]); /* or it would never see its end */
    if (posix_spawnp(&s->pid, argv[0], &actions, NULL, argv, environ))
        return -1;
    posix_spawn_file_actions_destroy(&actions);
    close(in[0]);
    close(out[1]);
    s->input = in[1];
    f = fdopen(out[0], "r");
    if (!f || fscanf(f, "%d", &port) != 1)
        return -1;
    fclose(f);
    snprintf(s->address, sizeof s->address, "http://127.0.0.1:%d", port);
    return 0;
}

static inline int python_server_stop(struct python_server *s)
{
    int status = -1;

    close(s->input);
    return waitpid(s->pid, &status, 0) == s->pid && status == 0 ? 0 : -1;
}

#endif
