#include "v1.h"

int kn_v1_open(struct kinora *k, const struct kinora_options *options, struct kn_app *out,
               struct kn_err *err)
{
    static const struct kn_route none[] = {{0}};

    (void)k;
    (void)options;
    (void)err;
    *out = (struct kn_app){.routes = none, .n_routes = 0};
    return KN_OK;
}

void kn_v1_close(struct kn_app *app)
{
    *app = (struct kn_app){0};
}
