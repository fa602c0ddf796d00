/* How a reply becomes bytes: conditions, compression, ranges, the headers of safety. */
#include "reply.h"

#include "server/fields.h"
#include "server/limits.h"

#include "base/hash.h"

#include <brotli/encode.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

enum {
    WORTH_PACKING = 1024,
    /* On answers of 10 to 100 KiB of JSON these take about as long as sending the rest would on a home network; higher ones gain
     * a few per cent and cost several times as much. */
    GZIP_LEVEL = 1,
    BROTLI_QUALITY = 3,
    BROTLI_WINDOW = 18,
    SENT_TAG = KN_ETAG_TEXT + 8,
};

bool kn_reply_protect(struct MHD_Response *response, bool page)
{
    static const char *const fields[][2] = {
        {"X-Content-Type-Options", "nosniff"},
        {"Referrer-Policy", "no-referrer"},
        {"X-Frame-Options", "DENY"},
        {"Cross-Origin-Resource-Policy", "same-origin"},
        {"Cross-Origin-Opener-Policy", "same-origin"},
    };
    const char *policy =
        page ? "default-src 'none'; script-src 'self'; style-src 'self'; "
               "img-src 'self' data: blob:; media-src 'self' blob:; font-src 'self'; "
               "connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; "
               "frame-ancestors 'none'"
             : "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
    bool good = MHD_add_response_header(response, "Content-Security-Policy", policy) == MHD_YES;

    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        good &= MHD_add_response_header(response, fields[i][0], fields[i][1]) == MHD_YES;
    return good;
}

/* ---- packing ---- */

static bool is_text(const char *type)
{
    return strncmp(type, "text/", 5) == 0 || strncmp(type, "application/json", 16) == 0 ||
           strncmp(type, "application/problem+json", 24) == 0 ||
           strcmp(type, "image/svg+xml") == 0 ||
           strncmp(type, "application/vnd.apple.mpegurl", 29) == 0 ||
           strncmp(type, "application/yaml", 16) == 0;
}

/* Both give malloc'ed bytes, or NULL: then it goes as it is. */
static void *gzip(struct kn_sv in, size_t *n)
{
    z_stream z = {0};
    unsigned char *out;
    size_t room;

    if (deflateInit2(&z, GZIP_LEVEL, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        return NULL;
    room = deflateBound(&z, in.n);
    out = malloc(room);
    z.next_in = (Bytef *)(uintptr_t)in.p; /* zlib's is not const, but it only reads */
    z.avail_in = (uInt)in.n;
    z.next_out = out;
    z.avail_out = (uInt)room;
    if (out && deflate(&z, Z_FINISH) != Z_STREAM_END) {
        free(out);
        out = NULL;
    }
    *n = z.total_out;
    deflateEnd(&z);
    return out;
}

static void *brotli(struct kn_sv in, size_t *n)
{
    size_t room = BrotliEncoderMaxCompressedSize(in.n);
    uint8_t *out = room ? malloc(room) : NULL;

    if (out && !BrotliEncoderCompress(BROTLI_QUALITY, BROTLI_WINDOW, BROTLI_MODE_TEXT, in.n,
                                      (const uint8_t *)in.p, &room, out)) {
        free(out);
        out = NULL;
    }
    *n = room;
    return out;
}

/* What the body is to be packed as; NULL: not. */
static const char *encoding_of(const struct kn_reply *r, const struct kn_conditions *c, size_t n)
{
    unsigned taken = kn_field_encodings(c->accept_encoding);

    if (n < WORTH_PACKING || !is_text(r->type) || !taken)
        return NULL;
    if (r->gzip.n > 0 && (taken & KN_ENCODING_GZIP))
        return "gzip";
    return taken & KN_ENCODING_BR ? "br" : "gzip";
}

/* The body on its way: what is sent, and who frees it. */
struct load {
    struct kn_sv bytes;
    void *owned; /* NULL: borrowed */
    const char *encoding;
};

static void pack(const struct kn_reply *r, const char *encoding, struct load *l)
{
    struct load packed = {.encoding = encoding};

    if (r->gzip.n > 0 && strcmp(encoding, "gzip") == 0)
        packed.bytes = r->gzip;
    else if (strcmp(encoding, "br") == 0)
        packed.bytes.p = packed.owned = brotli(l->bytes, &packed.bytes.n);
    else
        packed.bytes.p = packed.owned = gzip(l->bytes, &packed.bytes.n);
    if (!packed.bytes.p)
        return;
    free(l->owned);
    *l = packed;
}

/* ---- the answer ---- */

static bool add(struct MHD_Response *m, const char *name, const char *value)
{
    return MHD_add_response_header(m, name, value) == MHD_YES;
}

static bool has_header(const struct kn_reply *r, const char *name)
{
    for (size_t i = 0; i < r->n_headers; i++)
        if (strcasecmp(r->headers[i].name, name) == 0)
            return true;
    return false;
}

static bool is_page(const struct kn_reply *r)
{
    return r->type && strncmp(r->type, "text/html", 9) == 0;
}

static bool add_headers(struct MHD_Response *m, const struct kn_reply *r, const char *etag,
                        unsigned status)
{
    bool good = kn_reply_protect(m, is_page(r)) && (!*etag || add(m, "ETag", etag));
    char date[KN_DATE_TEXT];

    if (r->type && status != 304)
        good &= add(m, "Content-Type", r->type);
    if (!has_header(r, "Cache-Control"))
        good &= add(m, "Cache-Control", status >= 400 ? "no-store" : "no-cache");
    if (r->kind == KN_REPLY_FILE) {
        kn_field_date_format(r->modified, date);
        good &= add(m, "Last-Modified", date) && add(m, "Accept-Ranges", "bytes");
    } else if (r->type && is_text(r->type)) {
        good &= add(m, "Vary", "Accept-Encoding");
    }
    for (size_t i = 0; i < r->n_headers; i++)
        good &= add(m, r->headers[i].name, r->headers[i].value);
    return good;
}

static bool is_fresh(const struct kn_reply *r, const struct kn_conditions *c, const char *etag)
{
    time_t since;

    if (!c->conditional || !*etag)
        return false;
    if (c->if_none_match)
        return kn_field_etag_among(c->if_none_match, etag);
    return r->kind == KN_REPLY_FILE && kn_field_date_parse(c->if_modified_since, &since) &&
           r->modified <= since;
}

static struct MHD_Response *empty(const struct kn_reply *r, const char *etag, unsigned status)
{
    struct MHD_Response *m = MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);

    if (m && !add_headers(m, r, etag, status)) {
        MHD_destroy_response(m);
        m = NULL;
    }
    return m;
}

/* Another form of the same bytes has another tag: "abc" -> "abc-gzip". */
static void tag_of(const struct kn_reply *r, struct kn_sv bytes, const char *encoding,
                   char out[SENT_TAG])
{
    int n;

    if (*r->etag)
        n = snprintf(out, SENT_TAG, "%s", r->etag);
    else
        n = snprintf(out, SENT_TAG, "\"%016" PRIx64 "\"", kn_hash_bytes(bytes.p, bytes.n));
    if (encoding)
        snprintf(out + n - 1, (size_t)(SENT_TAG - n + 1), "-%s\"", encoding);
}

static struct MHD_Response *send_load(const struct kn_reply *r, struct load *l, const char *etag,
                                      unsigned status)
{
    struct MHD_Response *m =
        MHD_create_response_from_buffer(l->bytes.n, (void *)(uintptr_t)l->bytes.p,
                                        l->owned ? MHD_RESPMEM_MUST_FREE : MHD_RESPMEM_PERSISTENT);

    if (!m) {
        free(l->owned);
        return NULL;
    }
    if ((l->encoding && !add(m, "Content-Encoding", l->encoding)) ||
        !add_headers(m, r, etag, status)) {
        MHD_destroy_response(m);
        return NULL;
    }
    return m;
}

static struct MHD_Response *finish_bytes(struct kn_reply *r, const struct kn_conditions *c,
                                         unsigned *status, uint64_t *n)
{
    bool json = r->kind == KN_REPLY_JSON, tagged = *status == 200 && c->conditional;
    struct kn_sv bytes = json ? (struct kn_sv){r->body.data, r->body.n} : r->bytes;
    const char *encoding = encoding_of(r, c, bytes.n);
    char plain[SENT_TAG] = "", etag[SENT_TAG] = "";
    struct load l = {.bytes = bytes};

    if (tagged) {
        tag_of(r, bytes, NULL, plain);
        tag_of(r, bytes, encoding, etag);
        if (is_fresh(r, c, etag) || is_fresh(r, c, plain)) {
            *status = 304;
            *n = 0;
            return empty(r, etag, 304);
        }
    }
    if (json) {
        l.bytes.p = l.owned = kn_buf_take(&r->body);
        if (!l.owned)
            return NULL;
    }
    if (encoding)
        pack(r, encoding, &l);
    *n = l.bytes.n;
    return send_load(r, &l, tagged && !l.encoding ? plain : etag, *status);
}

/* May the range be honoured? If-Range: only if it is still the same file, by a strong tag or by its very date. */
static bool range_holds(const struct kn_reply *r, const struct kn_conditions *c)
{
    time_t date;

    if (!c->if_range)
        return true;
    if (*c->if_range == '"')
        return strcmp(c->if_range, r->etag) == 0;
    return kn_field_date_parse(c->if_range, &date) && date == r->modified;
}

static struct MHD_Response *finish_file(struct kn_reply *r, const struct kn_conditions *c,
                                        unsigned *status, uint64_t *n)
{
    uint64_t first = 0, last = r->size - 1;
    enum kn_range range = KN_RANGE_WHOLE;
    struct MHD_Response *m;
    char text[80];

    if (is_fresh(r, c, r->etag)) {
        *status = 304;
        *n = 0;
        return empty(r, r->etag, 304);
    }
    if (*status == 200 && c->conditional && range_holds(r, c))
        range = kn_field_range(c->range, r->size, &first, &last);
    if (range == KN_RANGE_UNSATISFIABLE) {
        snprintf(text, sizeof text, "bytes */%" PRIu64, r->size);
        kn_reply_become_problem(r, 416, "the range lies outside the file", "range", NULL);
        kn_reply_header(r, "Content-Range", text);
        *status = 416;
        return finish_bytes(r, c, status, n);
    }
    *n = r->size == 0 ? 0 : last - first + 1;
    m = MHD_create_response_from_fd_at_offset64(*n, r->fd, first);
    if (!m)
        return NULL;
    r->fd = -1;
    if (range == KN_RANGE_PART) {
        *status = 206;
        snprintf(text, sizeof text, "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64, first, last, r->size);
    }
    if ((range == KN_RANGE_PART && !add(m, "Content-Range", text)) ||
        !add_headers(m, r, r->etag, *status)) {
        MHD_destroy_response(m);
        m = NULL;
    }
    return m;
}

struct MHD_Response *kn_reply_finish(struct kn_reply *r, const struct kn_conditions *c,
                                     unsigned *status, uint64_t *bytes)
{
    *status = r->status ? r->status : r->kind == KN_REPLY_NOTHING ? 204 : 200;
    if (r->kind == KN_REPLY_NOTHING) {
        *bytes = 0;
        return empty(r, "", *status);
    }
    return r->kind == KN_REPLY_FILE ? finish_file(r, c, status, bytes)
                                    : finish_bytes(r, c, status, bytes);
}
