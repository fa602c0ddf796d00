/* rate.h - how often an address may do something: a bucket an address, that fills again with time.
 *
 * There are 1,024 buckets; where more addresses come at a time, the one that was quiet longest is forgotten, so a flood from many
 * makes it milder, never stricter. Threads: any. */
#ifndef KN_SERVER_RATE_H
#define KN_SERVER_RATE_H

#include <stdbool.h>
#include <stdint.h>

struct sockaddr;
struct kn_rate;

struct kn_rate *kn_rate_new(double burst, double a_second); /* NULL without memory */
void kn_rate_free(struct kn_rate *r);                       /* NULL is fine */

/* Is there room for one more at this time (kn_clock_now)? spend: and takes it. */
bool kn_rate_ask(struct kn_rate *r, uint64_t address, double now, bool spend);

/* What stands for an address: of IPv6 its first 64 bits, since a household has all below them. */
uint64_t kn_address_key(const struct sockaddr *address);
bool kn_address_is_loopback(const struct sockaddr *address);

#endif
