#include "start.h"

#include "base/log.h"

#include <llama.h>

#include <pthread.h>
#include <string.h>

static _Thread_local char complaint[80];

static void log_line(enum ggml_log_level level, const char *text, void *ctx)
{
    size_t n = strcspn(text, "\n");

    (void)ctx;
    if (n < 2) /* the dots of its progress */
        return;
    if (level == GGML_LOG_LEVEL_ERROR && complaint[0] == '\0') {
        size_t kept = n < sizeof complaint ? n : sizeof complaint - 1;

        memcpy(complaint, text, kept);
        complaint[kept] = '\0';
    }
    kn_log(KN_LOG_DEBUG, "llama: %.*s", (int)n, text);
}

static void start(void)
{
    llama_log_set(log_line, NULL);
    llama_backend_init();
}

void kn_llama_start(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, start);
}

const char *kn_llama_complaint(void)
{
    return complaint;
}

void kn_llama_forget(void)
{
    complaint[0] = '\0';
}
