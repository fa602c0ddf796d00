#include "log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static atomic_int highest = KN_LOG_WARNING;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static void (*hook)(void *ctx, enum kn_log_level level, const char *line);
static void *hook_ctx;

void kn_log_set_level(enum kn_log_level level)
{
    atomic_store(&highest, (int)level);
}

void kn_log_set_hook(void (*h)(void *ctx, enum kn_log_level level, const char *line), void *ctx)
{
    pthread_mutex_lock(&lock);
    hook = h;
    hook_ctx = ctx;
    pthread_mutex_unlock(&lock);
}

static const char *word(enum kn_log_level level)
{
    switch (level) {
    case KN_LOG_ERROR:
        return "error: ";
    case KN_LOG_WARNING:
        return "warning: ";
    case KN_LOG_DEBUG:
        return "debug: ";
    default:
        return "";
    }
}

void kn_log(enum kn_log_level level, const char *fmt, ...)
{
    char line[1024];
    size_t n;
    va_list ap;

    if ((int)level > atomic_load(&highest))
        return;
    snprintf(line, sizeof line, "kinora: %s", word(level));
    n = strlen(line);
    va_start(ap, fmt);
    vsnprintf(line + n, sizeof line - n - 1, fmt, ap);
    va_end(ap);
    pthread_mutex_lock(&lock);
    if (hook) {
        hook(hook_ctx, level, line);
    } else {
        n = strlen(line);
        line[n++] = '\n';
        while (write(STDERR_FILENO, line, n) == -1 && n == 0)
            ;
    }
    pthread_mutex_unlock(&lock);
}
