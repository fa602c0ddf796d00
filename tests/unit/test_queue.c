/* One test a promise of queue.h, named after it. */
#include "base/err.h"
#include "base/queue.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static struct kn_queue *new_queue(size_t items, size_t bytes)
{
    struct kn_queue *q = NULL;

    assert_int_equal(kn_queue_new((struct kn_queue_limits){items, bytes}, free, &q, NULL), KN_OK);
    return q;
}

static void items_come_out_in_the_order_they_went_in(void **state)
{
    struct kn_queue *q = new_queue(3, 100);
    void *got;

    (void)state;
    for (uintptr_t round = 0; round < 5; round++) { /* more than the ring holds */
        assert_int_equal(kn_queue_push(q, (void *)(2 * round + 1), 1, NULL), KN_OK);
        assert_int_equal(kn_queue_push(q, (void *)(2 * round + 2), 1, NULL), KN_OK);
        assert_int_equal(kn_queue_pop(q, &got, NULL), KN_OK);
        assert_int_equal((uintptr_t)got, 2 * round + 1);
        assert_int_equal(kn_queue_pop(q, &got, NULL), KN_OK);
        assert_int_equal((uintptr_t)got, 2 * round + 2);
    }
    kn_queue_free(q);
}

static void an_item_larger_than_the_limit_passes_an_empty_queue(void **state)
{
    struct kn_queue *q = new_queue(2, 10);
    void *got;

    (void)state;
    assert_int_equal(kn_queue_push(q, malloc(1), SIZE_MAX, NULL), KN_OK);
    assert_int_equal(kn_queue_pop(q, &got, NULL), KN_OK);
    free(got);
    kn_queue_free(q);
}

static void close_drains_then_ends(void **state)
{
    struct kn_queue *q = new_queue(2, 10);
    struct kn_err err;
    void *got, *untouched = &err;

    (void)state;
    assert_int_equal(kn_queue_push(q, malloc(1), 1, NULL), KN_OK);
    kn_queue_close(q);
    assert_int_equal(kn_queue_push(q, NULL, 1, &err), KN_EARG);
    assert_string_equal(err.msg, "queue: push after close");
    assert_int_equal(kn_queue_pop(q, &got, NULL), KN_OK);
    free(got);
    assert_int_equal(kn_queue_pop(q, &untouched, NULL), KN_ENOTFOUND);
    assert_ptr_equal(untouched, &err);
    kn_queue_free(q);
}

static void *push_until_told_to_stop(void *q)
{
    for (;;) {
        void *item = malloc(1);

        if (kn_queue_push(q, item, 1, NULL) != KN_OK) {
            free(item); /* a failed push leaves it with us */
            return NULL;
        }
    }
}

static void cancel_wakes_a_producer_that_waits_for_room(void **state)
{
    struct kn_queue *q = new_queue(4, 4);
    pthread_t producer[3];
    void *got;

    (void)state;
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&producer[i], NULL, push_until_told_to_stop, q), 0);
    for (int i = 0; i < 10000; i++) {
        assert_int_equal(kn_queue_pop(q, &got, NULL), KN_OK);
        free(got);
    }
    kn_queue_cancel(q);
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_join(producer[i], NULL), 0);
    kn_queue_free(q); /* and what was left inside is freed: the leak checker would tell */
}

static void a_limit_of_zero_is_refused(void **state)
{
    struct kn_queue *q = NULL;
    struct kn_err err;

    (void)state;
    assert_int_equal(kn_queue_new((struct kn_queue_limits){0, 1}, NULL, &q, &err), KN_EARG);
    assert_null(q);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(items_come_out_in_the_order_they_went_in),
        cmocka_unit_test(an_item_larger_than_the_limit_passes_an_empty_queue),
        cmocka_unit_test(close_drains_then_ends),
        cmocka_unit_test(cancel_wakes_a_producer_that_waits_for_room),
        cmocka_unit_test(a_limit_of_zero_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
