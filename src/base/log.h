/* log.h - one line a message on stderr: "kinora: warning: ...".
 *
 * The edges log (a command, a request handler, an ingest worker), and once; library code never
 * logs above KN_LOG_DEBUG. Threads: any; a line is written by one write(2), so lines do not mix.
 * A command that draws progress sets a hook to clear its line first. */
#ifndef KN_BASE_LOG_H
#define KN_BASE_LOG_H

enum kn_log_level { KN_LOG_ERROR, KN_LOG_WARNING, KN_LOG_INFO, KN_LOG_DEBUG };

void kn_log_set_level(enum kn_log_level highest); /* at start: KN_LOG_WARNING */

/* Called with each whole line instead of writing it to stderr; NULL: stderr again. */
void kn_log_set_hook(void (*hook)(void *ctx, enum kn_log_level level, const char *line), void *ctx);

void kn_log(enum kn_log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
