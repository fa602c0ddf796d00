#include "index/best.h"

static void sift_down(struct kn_exact_hit *hits, size_t n, size_t i)
{
    struct kn_exact_hit moving = hits[i];

    for (size_t child; (child = 2 * i + 1) < n; i = child) {
        if (child + 1 < n && kn_best_worse(hits[child + 1], hits[child]))
            child++;
        if (!kn_best_worse(hits[child], moving))
            break;
        hits[i] = hits[child];
    }
    hits[i] = moving;
}

static void sift_up(struct kn_exact_hit *hits, size_t i)
{
    struct kn_exact_hit moving = hits[i];

    for (; i > 0 && kn_best_worse(moving, hits[(i - 1) / 2]); i = (i - 1) / 2)
        hits[i] = hits[(i - 1) / 2];
    hits[i] = moving;
}

void kn_best_put(struct kn_best *b, struct kn_exact_hit hit)
{
    if (b->n < b->k) {
        b->hits[b->n] = hit;
        sift_up(b->hits, b->n++);
    } else {
        b->hits[0] = hit;
        sift_down(b->hits, b->n, 0);
    }
}

void kn_best_sort(struct kn_best *b)
{
    for (size_t n = b->n; n > 1;) {
        struct kn_exact_hit worst = b->hits[0];

        b->hits[0] = b->hits[--n];
        sift_down(b->hits, n, 0);
        b->hits[n] = worst;
    }
}
