/* recommend LIBRARY NAME: the three films that are most like one, through the public API.
 *
 *     cc examples/recommend.c -Iinclude -Lbuild/release -lkinora -o recommend */
#include <kinora/kinora.h>

#include <stdio.h>

static int print_recommendations(struct kinora *k, const char *name, struct kn_err *err)
{
    const struct kinora_query query = {.limit = 3};
    struct kinora_titles *found = NULL;
    struct kinora_answer *answer = NULL;
    int rc = kinora_find(k, name, &found, err);

    if (rc == KN_OK)
        rc = kinora_recommend(k, &found->titles[0].id, &query, &answer, err);
    for (size_t i = 0; rc == KN_OK && i < answer->n; i++) {
        const struct kinora_recommendation *r = &answer->recommendations[i];

        printf("%zu. %s (%.2f)\n   %5.1f s \"%s\"\n   %5.1f s \"%s\"\n", r->rank, r->title.name,
               r->score, r->query.start, r->query.text, r->match.start, r->match.text);
    }
    kinora_answer_free(answer);
    kinora_titles_free(found);
    return rc;
}

int main(int argc, char **argv)
{
    struct kinora *k = NULL;
    struct kn_err err;
    int rc;

    if (argc != 3) {
        fprintf(stderr, "usage: %s LIBRARY NAME\n", argv[0]);
        return 2;
    }
    rc = kinora_open(&(struct kinora_options){.library = argv[1]}, &k, &err);
    if (rc == KN_OK)
        rc = print_recommendations(k, argv[2], &err);
    if (rc)
        fprintf(stderr, "%s\n", err.msg);
    kinora_close(k);
    return rc ? 1 : 0;
}
