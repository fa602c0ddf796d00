#include "tag.h"

#include "base/unicode.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

struct language {
    const char code[4];      /* 639-1, else 639-3 */
    const char three[2][4];  /* 639-2/T and, where it is another, /B */
    const char *name, *self; /* folded (kn_fold); self NULL: as name, or not in Latin letters */
};

static const struct language languages[] = {
    {"af", {"afr"}, "afrikaans", NULL},
    {"am", {"amh"}, "amharic", NULL},
    {"ar", {"ara"}, "arabic", NULL},
    {"as", {"asm"}, "assamese", NULL},
    {"ast", {"ast"}, "asturian", "asturianu"},
    {"az", {"aze"}, "azerbaijani", NULL},
    {"ba", {"bak"}, "bashkir", NULL},
    {"be", {"bel"}, "belarusian", NULL},
    {"bg", {"bul"}, "bulgarian", NULL},
    {"bn", {"ben"}, "bengali", NULL},
    {"bo", {"bod", "tib"}, "tibetan", NULL},
    {"br", {"bre"}, "breton", "brezhoneg"},
    {"bs", {"bos"}, "bosnian", "bosanski"},
    {"ca", {"cat"}, "catalan", "catala"},
    {"ceb", {"ceb"}, "cebuano", NULL},
    {"cs", {"ces", "cze"}, "czech", "cestina"},
    {"cy", {"cym", "wel"}, "welsh", "cymraeg"},
    {"da", {"dan"}, "danish", "dansk"},
    {"de", {"deu", "ger"}, "german", "deutsch"},
    {"el", {"ell", "gre"}, "greek", NULL},
    {"en", {"eng"}, "english", NULL},
    {"eo", {"epo"}, "esperanto", NULL},
    {"es", {"spa"}, "spanish", "espanol"},
    {"et", {"est"}, "estonian", "eesti"},
    {"eu", {"eus", "baq"}, "basque", "euskara"},
    {"fa", {"fas", "per"}, "persian", "farsi"},
    {"fi", {"fin"}, "finnish", "suomi"},
    {"fil", {"fil"}, "filipino", NULL},
    {"fo", {"fao"}, "faroese", NULL},
    {"fr", {"fra", "fre"}, "french", "francais"},
    {"ga", {"gle"}, "irish", "gaeilge"},
    {"gd", {"gla"}, "scottish gaelic", NULL},
    {"gl", {"glg"}, "galician", "galego"},
    {"gu", {"guj"}, "gujarati", NULL},
    {"ha", {"hau"}, "hausa", NULL},
    {"haw", {"haw"}, "hawaiian", NULL},
    {"he", {"heb"}, "hebrew", NULL},
    {"hi", {"hin"}, "hindi", NULL},
    {"hr", {"hrv", "scr"}, "croatian", "hrvatski"},
    {"ht", {"hat"}, "haitian creole", NULL},
    {"hu", {"hun"}, "hungarian", "magyar"},
    {"hy", {"hye", "arm"}, "armenian", NULL},
    {"id", {"ind"}, "indonesian", "bahasa indonesia"},
    {"is", {"isl", "ice"}, "icelandic", "islenska"},
    {"it", {"ita"}, "italian", "italiano"},
    {"ja", {"jpn"}, "japanese", NULL},
    {"jv", {"jav"}, "javanese", NULL},
    {"ka", {"kat", "geo"}, "georgian", NULL},
    {"kk", {"kaz"}, "kazakh", NULL},
    {"km", {"khm"}, "khmer", NULL},
    {"kn", {"kan"}, "kannada", NULL},
    {"ko", {"kor"}, "korean", NULL},
    {"ku", {"kur"}, "kurdish", NULL},
    {"ky", {"kir"}, "kyrgyz", NULL},
    {"la", {"lat"}, "latin", NULL},
    {"lb", {"ltz"}, "luxembourgish", NULL},
    {"ln", {"lin"}, "lingala", NULL},
    {"lo", {"lao"}, "lao", NULL},
    {"lt", {"lit"}, "lithuanian", "lietuviu"},
    {"lv", {"lav"}, "latvian", "latviesu"},
    {"mg", {"mlg"}, "malagasy", NULL},
    {"mi", {"mri", "mao"}, "maori", NULL},
    {"mk", {"mkd", "mac"}, "macedonian", NULL},
    {"ml", {"mal"}, "malayalam", NULL},
    {"mn", {"mon"}, "mongolian", NULL},
    {"mr", {"mar"}, "marathi", NULL},
    {"ms", {"msa", "may"}, "malay", "bahasa melayu"},
    {"mt", {"mlt"}, "maltese", NULL},
    {"my", {"mya", "bur"}, "burmese", NULL},
    {"ne", {"nep"}, "nepali", NULL},
    {"nl", {"nld", "dut"}, "dutch", "nederlands"},
    {"nn", {"nno"}, "norwegian nynorsk", "nynorsk"},
    {"no", {"nor"}, "norwegian", "norsk"},
    {"nb", {"nob"}, "norwegian bokmal", "bokmal"},
    {"oc", {"oci"}, "occitan", NULL},
    {"pa", {"pan"}, "punjabi", NULL},
    {"pl", {"pol"}, "polish", "polski"},
    {"ps", {"pus"}, "pashto", NULL},
    {"pt", {"por"}, "portuguese", "portugues"},
    {"ro", {"ron", "rum"}, "romanian", "romana"},
    {"ru", {"rus"}, "russian", NULL},
    {"sa", {"san"}, "sanskrit", NULL},
    {"sd", {"snd"}, "sindhi", NULL},
    {"si", {"sin"}, "sinhala", NULL},
    {"sk", {"slk", "slo"}, "slovak", "slovencina"},
    {"sl", {"slv"}, "slovenian", "slovenscina"},
    {"sn", {"sna"}, "shona", NULL},
    {"so", {"som"}, "somali", NULL},
    {"sq", {"sqi", "alb"}, "albanian", "shqip"},
    {"sr", {"srp", "scc"}, "serbian", "srpski"},
    {"su", {"sun"}, "sundanese", NULL},
    {"sv", {"swe"}, "swedish", "svenska"},
    {"sw", {"swa"}, "swahili", "kiswahili"},
    {"ta", {"tam"}, "tamil", NULL},
    {"te", {"tel"}, "telugu", NULL},
    {"tg", {"tgk"}, "tajik", NULL},
    {"th", {"tha"}, "thai", NULL},
    {"tk", {"tuk"}, "turkmen", NULL},
    {"tl", {"tgl"}, "tagalog", NULL},
    {"tr", {"tur"}, "turkish", "turkce"},
    {"tt", {"tat"}, "tatar", NULL},
    {"uk", {"ukr"}, "ukrainian", NULL},
    {"ur", {"urd"}, "urdu", NULL},
    {"uz", {"uzb"}, "uzbek", NULL},
    {"vi", {"vie"}, "vietnamese", "tieng viet"},
    {"yi", {"yid"}, "yiddish", NULL},
    {"yo", {"yor"}, "yoruba", NULL},
    {"yue", {"yue"}, "cantonese", NULL},
    {"zh", {"zho", "chi"}, "chinese", NULL},
};

static const struct language *by_code(struct kn_sv code)
{
    for (size_t i = 0; i < sizeof languages / sizeof *languages; i++) {
        const char *codes[] = {languages[i].code, languages[i].three[0], languages[i].three[1]};

        for (size_t j = 0; j < 3; j++) {
            if (strlen(codes[j]) == code.n && code.n && strncasecmp(codes[j], code.p, code.n) == 0)
                return &languages[i];
        }
    }
    return NULL;
}

static const struct language *by_name(struct kn_sv name)
{
    const struct language *found = NULL;
    struct kn_buf folded;

    kn_buf_init(&folded, 256);
    if (name.n > 3 && name.n < 64 && kn_fold(name, &folded, NULL) == 0) {
        for (size_t i = 0; !found && i < sizeof languages / sizeof *languages; i++) {
            const struct language *l = &languages[i];

            if (strcmp(l->name, folded.data) == 0 || (l->self && strcmp(l->self, folded.data) == 0))
                found = l;
        }
    }
    kn_buf_free(&folded);
    return found;
}

/* A region (BR, 419) or a script (Hans) in its usual case. */
static bool subtag(struct kn_sv s, char out[5])
{
    bool letters = true, digits = true;

    if (s.n < 2 || s.n > 4)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        letters &= isalpha((unsigned char)s.p[i]) != 0;
        digits &= isdigit((unsigned char)s.p[i]) != 0;
        out[i] = (char)(s.n == 4 && i > 0 ? tolower((unsigned char)s.p[i])
                                          : toupper((unsigned char)s.p[i]));
    }
    out[s.n] = '\0';
    return s.n == 3 ? digits : letters;
}

bool kn_tag_parse(struct kn_sv name, char out[KN_TAG_TEXT])
{
    const struct language *l = by_code(name);
    size_t first = 0, used;
    char tag[KN_TAG_TEXT], part[5];

    if (!l)
        l = by_name(name);
    if (l) {
        snprintf(out, KN_TAG_TEXT, "%s", l->code);
        return true;
    }
    while (first < name.n && name.p[first] != '-' && name.p[first] != '_')
        first++;
    l = by_code((struct kn_sv){name.p, first});
    if (!l || first == name.n)
        return false;
    snprintf(tag, sizeof tag, "%s", l->code);
    used = strlen(tag);
    while (first < name.n) { /* at a hyphen */
        size_t end = first + 1;

        while (end < name.n && name.p[end] != '-' && name.p[end] != '_')
            end++;
        if (!subtag((struct kn_sv){name.p + first + 1, end - first - 1}, part) ||
            used + 1 + strlen(part) >= sizeof tag)
            return false;
        used += (size_t)snprintf(tag + used, sizeof tag - used, "-%s", part);
        first = end;
    }
    memcpy(out, tag, sizeof tag);
    return true;
}

int kn_tag_fit(const char *tag, const char *wanted)
{
    size_t n = strcspn(tag, "-");

    if (n == 0 || n != strcspn(wanted, "-") || strncasecmp(tag, wanted, n) != 0)
        return 0;
    return strcasecmp(tag, wanted) == 0 ? 2 : 1;
}

unsigned kn_tag_rank(const char *tag, const char *const *wanted, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        int fit = wanted[i] ? kn_tag_fit(tag, wanted[i]) : 0;

        if (fit > 0)
            return (unsigned)(2 * i) + (fit == 2 ? 0 : 1);
    }
    return (unsigned)(2 * n) + (*tag ? 1 : 0);
}
