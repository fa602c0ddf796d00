#include "speech/accel.h"

#include "speech/bf16.h"

#include <ggml-backend-impl.h>
#include <ggml-cpu.h>
#include <ggml.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { FEW = 32, THREADS_MAX = 64, CACHE_LINE = 64 };

struct accel {
    int threads;
    char *scratch[THREADS_MAX]; /* one a thread, kept from node to node */
    size_t room[THREADS_MAX];
};

/* ---- what is taken ---- */

/* See accel.h. ggml itself gives these names to tensors that have none, the last to what is a reshaped one. */
static bool is_whispers(const struct ggml_tensor *t)
{
    return strncmp(t->name, "leaf_", 5) == 0 || strncmp(t->name, "node_", 5) == 0 ||
           t->name[0] == ' ';
}

static bool rows_can_be_read(const struct ggml_tensor *t)
{
    return t->nb[0] == ggml_type_size(t->type) &&
           (t->type == GGML_TYPE_F32 || ggml_get_type_traits(t->type)->to_float != NULL);
}

static bool takes_product(const struct ggml_tensor *t)
{
    const struct ggml_tensor *w = t->src[0], *x = t->src[1];

    return is_whispers(w) && rows_can_be_read(w) && rows_can_be_read(x) && t->ne[0] >= FEW &&
           t->ne[1] >= FEW && t->ne[2] == 1 && t->ne[3] == 1 && w->ne[0] % 2 == 0 &&
           ggml_is_contiguous(t);
}

static bool takes_attention(const struct ggml_tensor *t)
{
    const struct ggml_tensor *q = t->src[0], *k = t->src[1], *v = t->src[2];
    float softcap = 0, bias = 0;

    memcpy(&bias, t->op_params + 1, sizeof bias);
    memcpy(&softcap, t->op_params + 2, sizeof softcap);
    return !t->src[3] && !t->src[4] && bias == 0 && softcap == 0 && q->ne[1] >= FEW &&
           q->ne[0] == KN_BF16_HEAD && v->ne[0] == KN_BF16_HEAD && q->ne[2] == k->ne[2] &&
           k->ne[2] == v->ne[2] && q->ne[3] == 1 && rows_can_be_read(q) && rows_can_be_read(k) &&
           rows_can_be_read(v) && ggml_is_contiguous(t);
}

static bool supports_op(ggml_backend_dev_t device, const struct ggml_tensor *t)
{
    (void)device;
    switch (t->op) {
    case GGML_OP_NONE:
    case GGML_OP_RESHAPE:
    case GGML_OP_VIEW:
    case GGML_OP_PERMUTE:
    case GGML_OP_TRANSPOSE:
        return true;
    case GGML_OP_MUL_MAT:
        return takes_product(t);
    case GGML_OP_FLASH_ATTN_EXT:
        return takes_attention(t);
    case GGML_OP_UNARY:
        return ggml_get_unary_op(t) == GGML_UNARY_OP_GELU && is_whispers(t->src[0]) &&
               t->ne[1] >= FEW && t->type == GGML_TYPE_F32 && ggml_is_contiguous(t) &&
               ggml_is_contiguous(t->src[0]);
    default:
        return false;
    }
}

/* ---- one thread's part of a node ---- */

struct part {
    struct accel *accel;
    const struct ggml_tensor *node;
    int index;
    bool failed;
    pthread_t thread;
};

static size_t share(size_t n, size_t step, int index, int threads)
{
    size_t steps = (n + step - 1) / step;
    size_t at = steps * (size_t)index / (size_t)threads * step;

    return at < n ? at : n;
}

static char *scratch(struct part *p, size_t bytes)
{
    struct accel *a = p->accel;

    if (bytes > a->room[p->index]) {
        free(a->scratch[p->index]);
        a->room[p->index] = (bytes + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE;
        a->scratch[p->index] = aligned_alloc(CACHE_LINE, a->room[p->index]);
        if (!a->scratch[p->index]) {
            a->room[p->index] = 0;
            p->failed = true;
        }
    }
    return a->scratch[p->index];
}

/* Rows [first, end) of one matrix. */
static struct kn_bf16_rows rows(const struct ggml_tensor *t, size_t first, size_t end, size_t head)
{
    return (struct kn_bf16_rows){
        .data = (const char *)t->data + first * t->nb[1] + head * t->nb[2],
        .stride = t->nb[1],
        .n = end - first,
        .k = (size_t)t->ne[0],
        .read = t->type == GGML_TYPE_F32   ? NULL
                : t->type == GGML_TYPE_F16 ? kn_bf16_widen
                                           : ggml_get_type_traits(t->type)->to_float,
    };
}

/* The threads share the rows of x: each packs all weights for itself, which is cheap. */
static void product(struct part *p)
{
    const struct ggml_tensor *t = p->node;
    size_t n = (size_t)t->ne[1];
    size_t first = share(n, 1, p->index, p->accel->threads);
    size_t end = share(n, 1, p->index + 1, p->accel->threads);
    struct kn_bf16_rows w = rows(t->src[0], 0, (size_t)t->ne[0], 0);
    struct kn_bf16_rows x = rows(t->src[1], first, end, 0);
    char *room = scratch(p, kn_bf16_product_room(&w, &x));

    if (room)
        kn_bf16_product(&w, &x, (float *)t->data + first * (size_t)t->ne[0], room);
}

static void attention(struct part *p)
{
    const struct ggml_tensor *t = p->node;
    size_t heads = (size_t)t->ne[1], n = (size_t)t->ne[2];
    size_t keys = (size_t)t->src[1]->ne[1];
    float scale;

    memcpy(&scale, t->op_params, sizeof scale);
    for (size_t i = share(heads, 1, p->index, p->accel->threads);
         i < share(heads, 1, p->index + 1, p->accel->threads); i++) {
        struct kn_bf16_head h = {
            .q = rows(t->src[0], 0, n, i),
            .keys = rows(t->src[1], 0, keys, i),
            .values = rows(t->src[2], 0, keys, i),
            .scale = scale,
            .out = (float *)t->data + i * KN_BF16_HEAD,
            .out_step = heads * KN_BF16_HEAD,
        };
        char *room = scratch(p, kn_bf16_attention_room(&h));

        if (!room)
            return;
        kn_bf16_attention(&h, room);
    }
}

static void gelu(struct part *p)
{
    const struct ggml_tensor *t = p->node;
    size_t n = (size_t)ggml_nelements(t);
    size_t first = share(n, CACHE_LINE, p->index, p->accel->threads);
    size_t end = share(n, CACHE_LINE, p->index + 1, p->accel->threads);

    kn_bf16_gelu((const float *)t->src[0]->data + first, (float *)t->data + first, end - first);
}

static void *compute_part(void *arg)
{
    struct part *p = arg;

    if (p->node->op == GGML_OP_MUL_MAT)
        product(p);
    else if (p->node->op == GGML_OP_FLASH_ATTN_EXT)
        attention(p);
    else
        gelu(p);
    return NULL;
}

/* A thread is made for each node: 30 us where a node takes milliseconds. One that cannot be made
 * leaves its part to this thread. */
static bool compute(struct accel *a, const struct ggml_tensor *node)
{
    struct part parts[THREADS_MAX];
    bool running[THREADS_MAX] = {false}, failed = false;

    for (int i = 0; i < a->threads; i++)
        parts[i] = (struct part){.accel = a, .node = node, .index = i};
    for (int i = 1; i < a->threads; i++)
        running[i] = pthread_create(&parts[i].thread, NULL, compute_part, &parts[i]) == 0;
    for (int i = 0; i < a->threads; i++) {
        if (running[i])
            pthread_join(parts[i].thread, NULL);
        else
            compute_part(&parts[i]);
        failed |= parts[i].failed;
    }
    return !failed;
}

/* ---- as a backend ---- */

static const char *name(ggml_backend_t backend)
{
    (void)backend;
    return "Kinora";
}

static void free_backend(ggml_backend_t backend)
{
    struct accel *a = backend->context;

    for (int i = 0; i < THREADS_MAX; i++)
        free(a->scratch[i]);
    free(a);
    free(backend);
}

static enum ggml_status graph_compute(ggml_backend_t backend, struct ggml_cgraph *graph)
{
    for (int i = 0; i < ggml_graph_n_nodes(graph); i++) {
        const struct ggml_tensor *node = ggml_graph_node(graph, i);
        bool work = node->op == GGML_OP_MUL_MAT || node->op == GGML_OP_FLASH_ATTN_EXT ||
                    node->op == GGML_OP_UNARY;

        if (work && !compute(backend->context, node))
            return GGML_STATUS_ALLOC_FAILED;
    }
    return GGML_STATUS_SUCCESS;
}

static ggml_backend_t init_backend(ggml_backend_dev_t device, const char *params)
{
    static ggml_guid guid = {0x4b, 0x69, 0x6e, 0x6f, 0x72, 0x61, 0x20, 0x62,
                             0x66, 0x31, 0x36, 0x20, 0x61, 0x63, 0x63, 0x6c};
    ggml_backend_t backend = calloc(1, sizeof *backend);
    struct accel *a = calloc(1, sizeof *a);

    (void)params;
    if (!backend || !a) {
        free(backend);
        free(a);
        return NULL;
    }
    a->threads = 1;
    *backend = (struct ggml_backend){
        .guid = &guid,
        .iface = {.get_name = name, .free = free_backend, .graph_compute = graph_compute},
        .device = device,
        .context = a,
    };
    return backend;
}

static const char *device_name(ggml_backend_dev_t device)
{
    (void)device;
    return "Kinora";
}

static const char *device_description(ggml_backend_dev_t device)
{
    (void)device;
    return "AVX512-BF16 for speech";
}

static void device_memory(ggml_backend_dev_t device, size_t *left, size_t *total)
{
    (void)device;
    *left = *total = 0; /* none of its own */
}

static enum ggml_backend_dev_type device_type(ggml_backend_dev_t device)
{
    (void)device;
    return GGML_BACKEND_DEVICE_TYPE_ACCEL;
}

static void device_props(ggml_backend_dev_t device, struct ggml_backend_dev_props *props)
{
    *props = (struct ggml_backend_dev_props){
        .name = device_name(device),
        .description = device_description(device),
        .type = device_type(device),
    };
}

static ggml_backend_buffer_type_t buffer_type(ggml_backend_dev_t device)
{
    (void)device;
    return ggml_backend_cpu_buffer_type();
}

static bool supports_buffer(ggml_backend_dev_t device, ggml_backend_buffer_type_t type)
{
    (void)device;
    return ggml_backend_buft_is_host(type);
}

static const char *reg_name(ggml_backend_reg_t reg)
{
    (void)reg;
    return "Kinora";
}

static size_t device_count(ggml_backend_reg_t reg)
{
    (void)reg;
    return 1;
}

static ggml_backend_dev_t get_device(ggml_backend_reg_t reg, size_t index)
{
    static struct ggml_backend_device device = {
        .iface = {.get_name = device_name,
                  .get_description = device_description,
                  .get_memory = device_memory,
                  .get_type = device_type,
                  .get_props = device_props,
                  .init_backend = init_backend,
                  .get_buffer_type = buffer_type,
                  .supports_op = supports_op,
                  .supports_buft = supports_buffer},
    };

    (void)index;
    device.reg = reg;
    return &device;
}

static void set_threads(ggml_backend_t backend, int threads)
{
    struct accel *a = backend->context;

    a->threads = threads < 1 ? 1 : threads < THREADS_MAX ? threads : THREADS_MAX;
}

/* ISO C has no conversion from a function's address to void *; POSIX has. */
static void *proc_address(ggml_backend_reg_t reg, const char *wanted)
{
    ggml_backend_set_n_threads_t threads = set_threads;
    void *address = NULL;

    (void)reg;
    if (strcmp(wanted, "ggml_backend_set_n_threads") == 0)
        memcpy(&address, &threads, sizeof address);
    return address;
}

void kn_accel_join(void)
{
    static struct ggml_backend_reg reg = {
        .api_version = GGML_BACKEND_API_VERSION,
        .iface = {.get_name = reg_name,
                  .get_device_count = device_count,
                  .get_device = get_device,
                  .get_proc_address = proc_address},
    };

    if (kn_bf16_here())
        ggml_backend_register(&reg);
}
