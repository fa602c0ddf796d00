/* Ctrl-C: first a request, then the end. */
#include "cli.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

static struct kinora *volatile target;
static volatile sig_atomic_t seen;

static void on_signal(int number)
{
    static const char clear[] = "\r\033[K",
                      text[] = "stopping after the current step; run the same command to go on\n";
    int saved = errno; /* isatty and write set it under the feet of whoever was interrupted */

    (void)number;
    if (seen)
        _exit(KN_EXIT_FAILED);
    seen = 1;
    if (target)
        kinora_cancel(target);
    if (!isatty(STDERR_FILENO) || write(STDERR_FILENO, clear, sizeof clear - 1) > 0) {
        if (write(STDERR_FILENO, text, sizeof text - 1) < 0)
            seen = 1; /* nobody is there to read it */
    }
    errno = saved;
}

static void set(void (*handler)(int))
{
    struct sigaction a = {.sa_handler = handler, .sa_flags = SA_RESTART};

    sigaction(SIGINT, &a, NULL);
    sigaction(SIGTERM, &a, NULL);
}

void kn_signals_catch(struct kinora *k)
{
    target = k;
    set(on_signal);
}

void kn_signals_release(void)
{
    set(SIG_DFL);
    target = NULL;
}

bool kn_signals_seen(void)
{
    return seen != 0;
}
