#include "library/filter.h"

#include "base/buf.h"

#include <string.h>
#include <strings.h>

/* RFC 4647 basic filtering: "es" is in "es-MX", in any case of letters. */
static bool in_language(const char *wanted, const char *language)
{
    size_t n = strlen(wanted);

    return strncasecmp(wanted, language, n) == 0 && (language[n] == '\0' || language[n] == '-');
}

bool kn_filter_language(const struct kn_filter *f, const char *language)
{
    bool spoken = f->n_languages == 0 || (f->or_unknown && language[0] == '\0');

    for (size_t i = 0; i < f->n_languages && !spoken; i++)
        spoken = f->languages[i][0] != '\0' ? in_language(f->languages[i], language)
                                            : language[0] == '\0';
    return spoken;
}

/* genres: "Drama, Western". */
static bool in_genre(const char *wanted, const char *genres)
{
    size_t length = strlen(wanted);

    for (const char *g = genres; *g;) {
        size_t n;

        g += strspn(g, ", ");
        n = strcspn(g, ",");
        if (n == length && strncasecmp(g, wanted, n) == 0)
            return true;
        g += n;
    }
    return false;
}

bool kn_filter_genres(const struct kn_filter *f, const char *genres)
{
    for (size_t i = 0; i < f->n_genres; i++)
        if (in_genre(f->genres[i], genres))
            return true;
    return f->n_genres == 0;
}

bool kn_filter_times(const struct kn_filter *f, int year, double duration)
{
    if ((f->year_from || f->year_to) && !year)
        return false;
    if ((f->year_from && year < f->year_from) || (f->year_to && year > f->year_to))
        return false;
    if ((f->duration_from > 0 || f->duration_to > 0) && !(duration > 0))
        return false;
    return !(f->duration_from > 0 && duration < f->duration_from) &&
           !(f->duration_to > 0 && duration > f->duration_to);
}

bool kn_filter_passes(const struct kn_filter *f, const struct kn_title *t)
{
    for (size_t i = 0; i < f->n_exclude; i++)
        if (memcmp(&f->exclude[i], &t->id, sizeof t->id) == 0)
            return false;
    return kn_filter_language(f, t->language) && kn_filter_genres(f, t->genres) &&
           kn_filter_times(f, t->year, t->duration);
}

bool kn_filter_is_open(const struct kn_filter *f)
{
    return !f || (f->n_languages == 0 && f->n_genres == 0 && !f->year_from && !f->year_to &&
                  !(f->duration_from > 0) && !(f->duration_to > 0));
}

int kn_filter_key(const struct kn_filter *f, struct kn_buf *out, struct kn_err *err)
{
    const double numbers[] = {(double)f->n_languages, f->or_unknown, f->year_from, f->year_to,
                              f->duration_from,       f->duration_to};
    int rc = kn_buf_add(out, numbers, sizeof numbers, err);

    for (size_t i = 0; !rc && i < f->n_languages; i++)
        rc = kn_buf_add(out, f->languages[i], strlen(f->languages[i]) + 1, err);
    for (size_t i = 0; !rc && i < f->n_genres; i++)
        rc = kn_buf_add(out, f->genres[i], strlen(f->genres[i]) + 1, err);
    return rc;
}
