// language.cc - the only place that includes fastText. No exception leaves it.
extern "C" {
#include "base/buf.h"
#include "base/err.h"
#include "base/unicode.h"
}
#include "text/language.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fasttext/fasttext.h>
#include <memory>
#include <new>
#include <sstream>
#include <string>
#include <unistd.h>
#include <utility>
#include <vector>

struct kn_language_model {
    fasttext::FastText lid;
};

namespace {

constexpr std::size_t LOOK_AT = 16 << 10;
constexpr char LABEL[] = "__label__";

struct Buffer : kn_buf {
    Buffer() { kn_buf_init(this, 4 * LOOK_AT); }
    ~Buffer() { kn_buf_free(this); }
    Buffer(const Buffer &) = delete;
    Buffer &operator=(const Buffer &) = delete;
};

} // namespace

int kn_language_open(const char *path, struct kn_language_model **out, struct kn_err *err)
{
    static const char remedy[] = "run: kinora models list";

    if (access(path, R_OK) < 0)
        return kn_err_set(err, errno == ENOENT ? KN_ENOTFOUND : KN_EIO, "open model '%s': %s; %s",
                          path, std::strerror(errno), remedy);
    try {
        auto m = std::make_unique<kn_language_model>();

        m->lid.loadModel(path);
        *out = m.release();
        return KN_OK;
    } catch (const std::exception &e) {
        return kn_err_set(err, KN_ECORRUPT, "open model '%s': not a fastText model (%s); %s", path,
                          e.what(), remedy);
    }
}

void kn_language_close(struct kn_language_model *m)
{
    delete m;
}

int kn_language_of(const struct kn_language_model *m, struct kn_sv text, char tag[16],
                   double *confidence, struct kn_err *err)
{
    struct kn_sv some = {text.p, text.n < LOOK_AT ? text.n : LOOK_AT};
    Buffer lower;
    int rc = kn_lower(some, &lower, err);

    if (rc)
        return rc;
    try {
        std::string line(lower.data, lower.n);
        std::vector<std::pair<fasttext::real, std::string>> found;

        for (char &c : line) {
            if (static_cast<unsigned char>(c) < ' ')
                c = ' '; /* the model reads up to a line's end */
        }
        std::istringstream in(line + "\n");
        if (!m->lid.predictLine(in, found, 1, 0) || found.empty())
            found.assign(1, {0, LABEL});
        const char *label = found[0].second.c_str() + sizeof LABEL - 1;
        double p = found[0].first < 1 ? found[0].first : 1; /* it adds up to a little more */
        bool sure = p >= KN_LANGUAGE_SURE && kn_count_words(some) >= KN_LANGUAGE_WORDS;

        std::snprintf(tag, 16, "%s", sure ? label : "");
        *confidence = p;
        return KN_OK;
    } catch (const std::exception &e) {
        return kn_err_set(err, KN_ELIMIT, "find the language of %zu bytes: %s", text.n, e.what());
    }
}
