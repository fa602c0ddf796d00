/* embed-texts - texts on stdin, each ended by NUL, to vectors on stdout: float32 in the machine's order, as
 * Kinora's own embedder gives them. For tests/oracle and tools/train.
 *
 *     embed-texts MODEL.gguf [raw|vector] <TEXTS >VECTORS
 *     embed-texts MODEL.gguf card         what the program's own card does to a text, as JSON */
#include "base/buf.h"
#include "base/err.h"
#include "llm/embed.h"
#include "net/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int fail(const struct kn_err *err)
{
    fprintf(stderr, "embed-texts: %s\n", err->msg);
    return 1;
}

static int read_all(struct kn_buf *in, struct kn_err *err)
{
    static char chunk[1 << 16];
    size_t n;

    while ((n = fread(chunk, 1, sizeof chunk, stdin)) > 0)
        if (kn_buf_add(in, chunk, n, err))
            return err->code;
    return ferror(stdin) ? kn_err_set(err, KN_EIO, "read stdin") : KN_OK;
}

static int print_card(const char *path)
{
    struct kn_embed_card card;
    struct kn_err err;
    struct kn_buf out;
    struct kn_json_writer w = {.out = &out};
    int rc = kn_embed_card_of(path, &card, &err);

    if (rc)
        return fail(&err);
    kn_buf_init(&out, 1000);
    kn_json_begin_object(&w, NULL);
    kn_json_string(&w, "model", card.model);
    kn_json_string(&w, "prefix", card.prefix);
    kn_json_integer(&w, "max_tokens", (int64_t)card.max_tokens);
    kn_json_end_object(&w);
    puts(out.data);
    kn_buf_free(&out);
    return 0;
}

int main(int argc, char **argv)
{
    bool raw = argc > 2 && strcmp(argv[2], "raw") == 0;
    struct kn_embedder *e = NULL;
    float *numbers = NULL;
    struct kn_err err;
    struct kn_buf in;
    int status = 1;

    if (argc == 3 && strcmp(argv[2], "card") == 0)
        return print_card(argv[1]);
    if (argc < 2 || argc > 3 || (argc == 3 && !raw && strcmp(argv[2], "vector") != 0)) {
        fprintf(stderr, "usage: embed-texts MODEL.gguf [raw|vector|card] <TEXTS >VECTORS\n");
        return 2;
    }
    kn_buf_init(&in, (size_t)1 << 30);
    if (read_all(&in, &err) || kn_embedder_open(argv[1], 1, &e, &err)) {
        fail(&err);
        goto out;
    }
    numbers = malloc(kn_embedder_dim(e) * sizeof *numbers);
    for (const char *text = in.data; numbers && text < in.data + in.n; text += strlen(text) + 1) {
        if (kn_embedder_embed(e, &text, 1, NULL, raw ? numbers : NULL, raw ? NULL : numbers,
                              &err)) {
            fail(&err);
            goto out;
        }
        if (fwrite(numbers, sizeof *numbers, kn_embedder_dim(e), stdout) != kn_embedder_dim(e))
            goto out;
    }
    status = numbers && fflush(stdout) == 0 ? 0 : 1;
out:
    free(numbers);
    kn_embedder_close(e);
    kn_buf_free(&in);
    return status;
}
