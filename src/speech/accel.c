#include "speech/accel.h"

#if defined(__x86_64__)

#include "speech/bf16.h"

#include <ggml-backend-impl.h>
#include <ggml-cpu.h>
#include <ggml.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { FEW = 32, CACHE_LINE = 64 };

struct accel {
    char *scratch; /* kept from node to node */
    size_t room;
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

/* The embeddings' attention is told apart by its mask, which llama.cpp always gives. */
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

/* ---- the work ---- */

static char *scratch(struct accel *a, size_t bytes)
{
    if (bytes > a->room) {
        free(a->scratch);
        a->room = (bytes + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE;
        a->scratch = aligned_alloc(CACHE_LINE, a->room);
        if (!a->scratch)
            a->room = 0;
    }
    return a->scratch;
}

static struct kn_bf16_rows rows(const struct ggml_tensor *t, int64_t head)
{
    return (struct kn_bf16_rows){
        .data = (const char *)t->data + (size_t)head * t->nb[2],
        .stride = t->nb[1],
        .n = (size_t)t->ne[1],
        .k = (size_t)t->ne[0],
        .read = t->type == GGML_TYPE_F32   ? NULL
                : t->type == GGML_TYPE_F16 ? kn_bf16_widen
                                           : ggml_get_type_traits(t->type)->to_float,
    };
}

static bool product(struct accel *a, const struct ggml_tensor *t)
{
    struct kn_bf16_rows w = rows(t->src[0], 0), x = rows(t->src[1], 0);
    char *room = scratch(a, kn_bf16_product_room(&w, &x));

    if (room)
        kn_bf16_product(&w, &x, t->data, room);
    return room;
}

static bool attention(struct accel *a, const struct ggml_tensor *t)
{
    size_t heads = (size_t)t->ne[1];
    struct kn_bf16_head h = {.out_step = heads * KN_BF16_HEAD};

    memcpy(&h.scale, t->op_params, sizeof h.scale);
    for (int64_t i = 0; i < t->ne[1]; i++) {
        char *room;

        h.q = rows(t->src[0], i);
        h.keys = rows(t->src[1], i);
        h.values = rows(t->src[2], i);
        h.out = (float *)t->data + (size_t)i * KN_BF16_HEAD;
        room = scratch(a, kn_bf16_attention_room(&h));
        if (!room)
            return false;
        kn_bf16_attention(&h, room);
    }
    return true;
}

static bool compute(struct accel *a, const struct ggml_tensor *t)
{
    switch (t->op) {
    case GGML_OP_MUL_MAT:
        return product(a, t);
    case GGML_OP_FLASH_ATTN_EXT:
        return attention(a, t);
    case GGML_OP_UNARY:
        kn_bf16_gelu(t->src[0]->data, t->data, (size_t)ggml_nelements(t));
        return true;
    default: /* views */
        return true;
    }
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

    free(a->scratch);
    free(a);
    free(backend);
}

static enum ggml_status graph_compute(ggml_backend_t backend, struct ggml_cgraph *graph)
{
    for (int i = 0; i < ggml_graph_n_nodes(graph); i++) {
        if (!compute(backend->context, ggml_graph_node(graph, i)))
            return GGML_STATUS_ALLOC_FAILED;
    }
    return GGML_STATUS_SUCCESS;
}

static struct ggml_backend_device accelerator;

static enum ggml_status fail_compute(ggml_backend_t backend, struct ggml_cgraph *graph)
{
    (void)backend;
    (void)graph;
    return GGML_STATUS_ALLOC_FAILED;
}

static void keep_backend(ggml_backend_t backend)
{
    (void)backend;
}

/* Without memory: whisper.cpp would go on without a backend that cannot be had, and other sums are other words. */
static struct ggml_backend no_backend = {
    .iface = {.get_name = name, .free = keep_backend, .graph_compute = fail_compute},
    .device = &accelerator,
};

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
        return &no_backend;
    }
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

static struct ggml_backend_device accelerator = {
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

static ggml_backend_dev_t get_device(ggml_backend_reg_t reg, size_t index)
{
    (void)index;
    accelerator.reg = reg;
    return &accelerator;
}

void kn_accel_join(void)
{
    static struct ggml_backend_reg reg = {
        .api_version = GGML_BACKEND_API_VERSION,
        .iface = {.get_name = reg_name, .get_device_count = device_count, .get_device = get_device},
    };

    if (kn_bf16_here())
        ggml_backend_register(&reg);
}

#else

void kn_accel_join(void)
{
}

#endif
