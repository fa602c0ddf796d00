#include "nfo.h"

#include "base/arena.h"
#include "base/err.h"
#include "base/unicode.h"

#include <libxml/HTMLparser.h>
#include <libxml/parser.h>
#include <libxml/parserInternals.h>
#include <libxml/tree.h>

#include <ctype.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { TITLE_BYTES = 1000, GENRES_BYTES = 1000, PLOT_BYTES = 64 << 10 };

static bool is(const xmlNode *n, const char *name)
{
    return n->type == XML_ELEMENT_NODE && xmlStrcasecmp(n->name, (const xmlChar *)name) == 0;
}

/* Text and CDATA right under the node. White space becomes single spaces. NULL without memory. */
static const char *text_of(const xmlNode *node, size_t most, struct kn_arena *arena)
{
    struct kn_buf b;
    const char *copy;
    size_t n;

    kn_buf_init(&b, most + 1);
    for (const xmlNode *c = node->children; c; c = c->next) {
        if (c->type != XML_TEXT_NODE && c->type != XML_CDATA_SECTION_NODE)
            continue;
        for (const xmlChar *p = c->content; p && *p && b.n <= most; p++) {
            bool space = *p <= ' ' || *p == 0x7F;

            if (!space)
                kn_buf_add(&b, p, 1, NULL);
            else if (b.n > 0 && b.data[b.n - 1] != ' ')
                kn_buf_add(&b, " ", 1, NULL);
        }
    }
    n = b.n > most ? most : b.n;
    while (n > 0 && n < b.n && ((unsigned char)b.data[n] & 0xC0) == 0x80)
        n--; /* cut at a character */
    while (n > 0 && b.data[n - 1] == ' ')
        n--;
    copy = b.no_memory ? NULL : kn_arena_bytes(arena, b.data, n);
    kn_buf_free(&b);
    return copy;
}

static int year_of(const char *text)
{
    int year = 0;

    for (size_t i = 0; i < 4; i++) {
        if (text[i] < '0' || text[i] > '9')
            return 0;
        year = 10 * year + (text[i] - '0');
    }
    return text[4] >= '0' && text[4] <= '9' ? 0 : year;
}

static bool lists(const char *list, struct kn_sv genre)
{
    for (const char *at = list; *at;) {
        const char *end = strstr(at, ", ");
        struct kn_sv one = {at, end ? (size_t)(end - at) : strlen(at)};

        if (kn_sv_eq(one, genre))
            return true;
        at += one.n + (end ? 2 : 0);
    }
    return false;
}

/* "Crime / Drama" and "Crime, Drama" are two. */
static void add_genres(const char *text, struct kn_buf *out)
{
    for (const char *at = text; *at;) {
        size_t n = strcspn(at, "/,|");
        struct kn_sv genre = kn_sv_trim((struct kn_sv){at, n});

        if (genre.n > 0 && !lists(out->data, genre) && out->n + genre.n + 2 < GENRES_BYTES)
            kn_buf_addf(out, NULL, "%s%.*s", out->n ? ", " : "", (int)genre.n, genre.p);
        at += at[n] ? n + 1 : n;
    }
}

static void take_id(const xmlNode *n, const char *text, struct kn_film_ids *out)
{
    xmlChar *type;
    struct kn_film_ids found = {0};

    if (is(n, "uniqueid")) {
        type = xmlGetProp(n, (const xmlChar *)"type");
        kn_film_id(kn_sv_of((const char *)type), kn_sv_of(text), &found);
        xmlFree(type);
    } else if (is(n, "id")) {
        kn_film_id(kn_sv_of("imdb"), kn_sv_of(text), &found); /* as Kodi wrote it before uniqueid */
    } else {
        kn_film_id(kn_sv_of((const char *)n->name), kn_sv_of(text), &found);
    }
    kn_film_ids_fill(out, &found);
}

static const char *first(const char *one, const char *other)
{
    return *one ? one : other;
}

static int read_fields(const xmlNode *root, struct kn_arena *arena, struct kn_buf *genres,
                       struct kn_nfo *out)
{
    const char *outline = "", *text;
    int released = 0;

    for (const xmlNode *n = root->children; n; n = n->next) {
        if (n->type != XML_ELEMENT_NODE)
            continue;
        text = text_of(n, is(n, "plot") || is(n, "outline") ? PLOT_BYTES : TITLE_BYTES, arena);
        if (!text)
            return KN_ELIMIT;
        if (is(n, "title"))
            out->title = first(out->title, text);
        else if (is(n, "plot"))
            out->plot = first(out->plot, text);
        else if (is(n, "outline"))
            outline = first(outline, text);
        else if (is(n, "year") && !out->year)
            out->year = year_of(text);
        else if ((is(n, "premiered") || is(n, "releasedate")) && !released)
            released = year_of(text);
        else if (is(n, "genre"))
            add_genres(text, genres);
        else if (is(n, "uniqueid") || is(n, "tmdbid") || is(n, "imdbid") || is(n, "tvdbid") ||
                 is(n, "id"))
            take_id(n, text, &out->ids);
    }
    out->plot = first(out->plot, outline);
    out->year = out->year ? out->year : released;
    return KN_OK;
}

static int read_root(const xmlNode *root, struct kn_arena *arena, struct kn_nfo *out,
                     struct kn_err *err)
{
    struct kn_nfo nfo = {.title = "", .plot = "", .genres = ""};
    struct kn_buf genres;
    int rc;

    if (!is(root, "movie") && !is(root, "episodedetails") && !is(root, "musicvideo"))
        return kn_err_set(err, KN_ENOTFOUND, "it is about a %.40s and not a film",
                          (const char *)root->name);
    kn_buf_init(&genres, GENRES_BYTES);
    rc = read_fields(root, arena, &genres, &nfo);
    if (rc == KN_OK && !genres.no_memory)
        nfo.genres = kn_arena_text(arena, genres.data);
    else
        nfo.genres = NULL;
    kn_buf_free(&genres);
    if (!nfo.genres)
        return kn_err_memory(err, "no memory for its texts");
    if (is(root, "episodedetails"))
        memset(&nfo.ids, 0, sizeof nfo.ids);
    *out = nfo;
    return KN_OK;
}

/* Without the address behind the root's end. */
static size_t end_of_xml(struct kn_sv s)
{
    static const char *const ends[] = {"</movie>", "</episodedetails>", "</musicvideo>"};
    size_t last = 0;

    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        size_t n = strlen(ends[i]);
        const char *at = s.p;

        while ((at = memmem(at, s.n - (size_t)(at - s.p), ends[i], n))) {
            at += n;
            last = (size_t)(at - s.p);
        }
    }
    return last ? last : s.n;
}

/* Declarations of entities are dropped, so that nothing can be followed or grow. */
static void declare_nothing(void *ctx, const xmlChar *name, int type, const xmlChar *public_id,
                            const xmlChar *system_id, xmlChar *content)
{
    (void)ctx, (void)name, (void)type, (void)public_id, (void)system_id, (void)content;
}

/* What stands for an entity while it is put in. */
struct stand_in {
    xmlEntity entity;
    xmlChar text[72];
};

/* Scrapers write the names of HTML, which XML does not know. Any other name stays as it is written, whatever the file defines it
 * as. libxml2 takes over the text of an entity that is "predefined" as it is; of one in an attribute its first byte. */
static xmlEntity *stand_in_for(void *ctx, const xmlChar *name)
{
    xmlParserCtxt *ctxt = ctx;
    struct stand_in *s = ctxt->_private;
    const htmlEntityDesc *known = htmlEntityLookup(name);
    int n = 0;

    if (ctxt->instate == XML_PARSER_ATTRIBUTE_VALUE)
        s->text[n++] = '_';
    else if (known && known->value == 0xA0) /* no-break space */
        s->text[n++] = ' ';
    else if (known)
        n = xmlCopyChar(0, s->text, (int)known->value);
    else
        n = snprintf((char *)s->text, sizeof s->text, "&%s;", (const char *)name);
    if (n >= (int)sizeof s->text)
        return NULL; /* nobody writes such a name: the file is broken */
    s->text[n] = '\0';
    s->entity = (xmlEntity){.type = XML_ENTITY_DECL,
                            .name = name,
                            .etype = XML_INTERNAL_PREDEFINED_ENTITY,
                            .content = s->text,
                            .orig = s->text,
                            .length = n};
    return &s->entity;
}

static void say_nothing(void *ctx, const char *format, ...)
{
    (void)ctx, (void)format;
}

static void say_nothing_of(void *ctx, xmlError *error)
{
    (void)ctx, (void)error;
}

static int parse(struct kn_sv bytes, struct kn_arena *arena, struct kn_nfo *out, struct kn_err *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT; /* before two threads meet in it */
    struct stand_in stand_in;
    xmlParserCtxt *ctxt;
    const xmlNode *root;
    int rc;

    pthread_once(&once, xmlInitParser);
    ctxt = xmlCreateMemoryParserCtxt(bytes.p, (int)bytes.n);

    if (!ctxt)
        return kn_err_memory(err, "no memory for its XML");
    ctxt->_private = &stand_in;
    ctxt->sax->entityDecl = declare_nothing;
    ctxt->sax->getEntity = stand_in_for;
    ctxt->sax->error = ctxt->sax->warning = ctxt->sax->fatalError = say_nothing;
    ctxt->sax->serror = NULL;
    xmlCtxtUseOptions(ctxt, XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
    /* Encoders complain past the context's handlers. libxml2 keeps this one a thread. */
    xmlSetStructuredErrorFunc(NULL, say_nothing_of);
    xmlParseDocument(ctxt);
    xmlSetStructuredErrorFunc(NULL, NULL);
    root = ctxt->myDoc ? xmlDocGetRootElement(ctxt->myDoc) : NULL;
    if (ctxt->wellFormed && root)
        rc = read_root(root, arena, out, err);
    else if (ctxt->lastError.code == XML_ERR_NO_MEMORY)
        rc = kn_err_memory(err, "no memory for its XML");
    else
        rc = kn_err_set(err, KN_ECORRUPT, "line %d: %.*s",
                        ctxt->lastError.line > 0 ? ctxt->lastError.line : 1,
                        (int)strcspn(ctxt->lastError.message ? ctxt->lastError.message : "", "\n"),
                        ctxt->lastError.message ? ctxt->lastError.message : "");
    xmlFreeDoc(ctxt->myDoc);
    xmlFreeParserCtxt(ctxt);
    return rc;
}

/* Length of what begins here with open and ends with close, where an ampersand is nothing but itself; 0: nothing does. */
static size_t literal(struct kn_sv s, const char *open, const char *close)
{
    size_t n = strlen(open);
    const char *end;

    if (s.n < n || memcmp(s.p, open, n) != 0)
        return 0;
    end = memmem(s.p + n, s.n - n, close, strlen(close));
    return end ? (size_t)(end - s.p) : s.n;
}

static bool is_reference(struct kn_sv s) /* "&amp;", "&#38;" */
{
    size_t n = 1;

    while (n < s.n && (isalnum((unsigned char)s.p[n]) || strchr("#._:-", s.p[n])))
        n++;
    return n > 1 && n < s.n && s.p[n] == ';' && !isdigit((unsigned char)s.p[1]);
}

/* Tom & Jerry, as people write it, would make all of the file worth nothing. A copy in which it is "&amp;". */
static int mend_ampersands(struct kn_sv s, struct kn_buf *out, struct kn_err *err)
{
    bool utf8 = !memchr(s.p, '\0', s.n); /* in UTF-16 other bytes follow */
    int rc = KN_OK;

    while (rc == KN_OK && s.n > 0) {
        size_t n = literal(s, "<![CDATA[", "]]>");

        n = n ? n : literal(s, "<!--", "-->");
        if (n == 0 && utf8 && *s.p == '&' && !is_reference(s))
            rc = kn_buf_adds(out, "&amp;", err);
        else
            rc = kn_buf_add(out, s.p, n ? n : 1, err);
        n = n ? n : 1;
        s.p += n;
        s.n -= n;
    }
    return rc;
}

int kn_nfo_parse(struct kn_sv bytes, struct kn_arena *arena, struct kn_nfo *out, struct kn_err *err)
{
    struct kn_sv text = kn_sv_trim(bytes);
    struct kn_buf mended;
    int rc;

    text.n = (size_t)(bytes.p + bytes.n - text.p); /* the end may be half a character of UTF-16 */
    if (bytes.n > KN_NFO_BYTES)
        return kn_err_set(err, KN_ELIMIT, "more than %d bytes", KN_NFO_BYTES);
    if (kn_sv_trim(bytes).n == 0)
        return kn_err_set(err, KN_ECORRUPT, "line 1: it is empty");
    if (text.n > 4 && strncasecmp(text.p, "http", 4) == 0)
        return kn_err_set(err, KN_ECORRUPT,
                          "line 1: it holds the address of a page, where Kinora does not look");
    text.n = end_of_xml(text);
    kn_buf_init(&mended, 5 * (size_t)KN_NFO_BYTES + 1);
    rc = mend_ampersands(text, &mended, err);
    if (rc == KN_OK)
        rc = parse((struct kn_sv){mended.data, mended.n}, arena, out, err);
    kn_buf_free(&mended);
    return rc;
}
