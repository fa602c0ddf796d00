/* arena.h - memory that is freed all at once: one arena per ingested title and per request.
 *
 * An answer is a tree of small texts and arrays that live and die together; freeing them one by
 * one is where leaks come from. kn_arena_get returns zeroed memory, aligned for any type, or NULL
 * when the arena's maximum is reached or memory is out: check it, or use the calls below that do.
 *
 * Not for use by two threads at once. */
#ifndef KN_BASE_ARENA_H
#define KN_BASE_ARENA_H

#include <stddef.h>

struct kn_arena;

struct kn_arena *kn_arena_new(size_t max); /* NULL without memory; max in bytes, 0: 1 GiB */
void kn_arena_free(struct kn_arena *a);    /* NULL is fine */

void *kn_arena_get(struct kn_arena *a, size_t bytes);
void *kn_arena_array(struct kn_arena *a, size_t n,
                     size_t size);                      /* NULL too when n * size overflows */
char *kn_arena_text(struct kn_arena *a, const char *s); /* a copy; NULL gives "" */
char *kn_arena_bytes(struct kn_arena *a, const void *p, size_t n); /* a copy and a NUL behind it */
char *kn_arena_printf(struct kn_arena *a, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

size_t kn_arena_used(const struct kn_arena *a); /* bytes handed out so far */

#endif
