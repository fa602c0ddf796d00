#include "rate.h"

#include "base/hash.h"

#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { BUCKETS = 1024, WAYS = 4 };

struct bucket {
    uint64_t address;
    double left, when;
};

struct kn_rate {
    pthread_mutex_t lock;
    double burst, a_second;
    struct bucket buckets[BUCKETS];
};

struct kn_rate *kn_rate_new(double burst, double a_second)
{
    struct kn_rate *r = calloc(1, sizeof *r);

    if (!r)
        return NULL;
    pthread_mutex_init(&r->lock, NULL);
    r->burst = burst;
    r->a_second = a_second;
    return r;
}

void kn_rate_free(struct kn_rate *r)
{
    if (r)
        pthread_mutex_destroy(&r->lock);
    free(r);
}

static struct bucket *bucket_of(struct kn_rate *r, uint64_t address)
{
    struct bucket *set = &r->buckets[address % (BUCKETS / WAYS) * WAYS], *oldest = set;

    for (struct bucket *b = set; b < set + WAYS; b++) {
        if (b->address == address && b->when > 0)
            return b;
        if (b->when < oldest->when)
            oldest = b;
    }
    *oldest = (struct bucket){.address = address, .left = r->burst};
    return oldest;
}

bool kn_rate_ask(struct kn_rate *r, uint64_t address, double now, bool spend)
{
    struct bucket *b;
    bool room;

    pthread_mutex_lock(&r->lock);
    b = bucket_of(r, address);
    if (b->when > 0 && now > b->when)
        b->left += (now - b->when) * r->a_second;
    if (b->left > r->burst)
        b->left = r->burst;
    b->when = now;
    room = b->left >= 1;
    if (room && spend)
        b->left -= 1;
    pthread_mutex_unlock(&r->lock);
    return room;
}

uint64_t kn_address_key(const struct sockaddr *address)
{
    if (address && address->sa_family == AF_INET)
        return kn_hash_bytes(&((const struct sockaddr_in *)(const void *)address)->sin_addr, 4);
    if (address && address->sa_family == AF_INET6) {
        const unsigned char *b =
            ((const struct sockaddr_in6 *)(const void *)address)->sin6_addr.s6_addr;

        return IN6_IS_ADDR_V4MAPPED((const struct in6_addr *)(const void *)b)
                   ? kn_hash_bytes(b + 12, 4)
                   : kn_hash_bytes(b, 8);
    }
    return 0;
}

bool kn_address_is_loopback(const struct sockaddr *address)
{
    if (address && address->sa_family == AF_INET)
        return ntohl(((const struct sockaddr_in *)(const void *)address)->sin_addr.s_addr) >> 24 ==
               IN_LOOPBACKNET;
    if (address && address->sa_family == AF_INET6) {
        const struct in6_addr *a = &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;

        return IN6_IS_ADDR_LOOPBACK(a) || (IN6_IS_ADDR_V4MAPPED(a) && a->s6_addr[12] == 127);
    }
    return false;
}
