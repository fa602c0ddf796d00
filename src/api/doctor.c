#include "api/api.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "decode/media.h"
#include "library/store.h"
#include "models/models.h"
#include "speech/speech.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { FINDINGS_MAX = 64 };

void kinora_report_free(struct kinora_report *r)
{
    if (!r)
        return;
    kn_arena_free(r->arena);
    free(r);
}

static void add(struct kinora_report *r, enum kinora_health health, const char *name,
                const char *text)
{
    struct kinora_finding *f = &r->findings[r->n];

    if (r->n == FINDINGS_MAX || !name || !text)
        return;
    *f = (struct kinora_finding){health, name, text};
    r->n++;
    if (health > r->worst)
        r->worst = health;
}

static void look_at_cpu(struct kinora_report *r)
{
    const char *lacks = kn_speech_cpu_lacks();
    struct kn_buf b;

    kn_buf_init(&b, 512);
    kn_buf_addf(&b, NULL, "%ld cores;", sysconf(_SC_NPROCESSORS_ONLN));
#if defined(__x86_64__)
    __builtin_cpu_init();
    kn_buf_adds(&b, __builtin_cpu_supports("avx2") ? " AVX2" : " no AVX2: speech will be slow",
                NULL);
    if (__builtin_cpu_supports("avx512f"))
        kn_buf_adds(&b, " AVX-512", NULL);
    if (__builtin_cpu_supports("avx512vnni"))
        kn_buf_adds(&b, " VNNI", NULL);
    if (__builtin_cpu_supports("avx512vpopcntdq"))
        kn_buf_adds(&b, " VPOPCNT", NULL);
    if (__builtin_cpu_supports("avx512bf16"))
        kn_buf_adds(&b, " BF16", NULL);
#else
    kn_buf_adds(&b, " no x86-64 paths here", NULL);
#endif
    if (lacks)
        kn_buf_addf(&b, NULL,
                    "; whisper.cpp and llama.cpp were built for %s, which is not here: remove "
                    "build/deps and run make",
                    lacks);
    add(r, lacks ? KINORA_WARNING : KINORA_GOOD, "cpu", kn_arena_text(r->arena, b.data));
    kn_buf_free(&b);
}

/* A tenth of a second of silence as a WAV file, so that the decoder is proved and not just found. */
static int tiny_wav(struct kn_err *err)
{
    static const unsigned char head[44] = {
        'R', 'I', 'F', 'F', 0xA4, 0x0C, 0,   0,   'W', 'A',  'V',  'E',  'f', 'm', 't',
        ' ', 16,  0,   0,   0,    1,    0,   1,   0,   0x80, 0x3E, 0,    0,   0,   0x7D,
        0,   0,   2,   0,   16,   0,    'd', 'a', 't', 'a',  0x80, 0x0C, 0,   0};
    unsigned char file[44 + 3200] = {0};
    int fd = memfd_create("kinora-doctor", MFD_CLOEXEC);

    memcpy(file, head, sizeof head);
    if (fd < 0 || write(fd, file, sizeof file) != (ssize_t)sizeof file) {
        if (fd >= 0)
            close(fd);
        return kn_err_set(err, KN_EIO, "make a test file in memory");
    }
    return fd;
}

/* A film that takes the decoder over is held by either; by neither it could do what this user can. */
static void look_at_box(struct kinora_report *r, struct kn_media_box box)
{
    const char *kernel = box.landlock && box.seccomp ? "Landlock (no file, no network) and seccomp"
                         : box.landlock              ? "Landlock (no file), no seccomp"
                         : box.seccomp               ? "seccomp (no file, no network), no Landlock"
                                                     : "neither Landlock nor seccomp";
    bool held = box.landlock || box.seccomp;

    add(r, held ? KINORA_GOOD : KINORA_WARNING, "decoder's box",
        kn_arena_printf(r->arena, "limits on %sCPU time and files; %s%s",
                        box.memory ? "memory, " : "", kernel,
                        held ? ""
                             : ": ingest only films that you trust, or use a newer kernel or "
                               "another container"));
}

static void look_at_decoder(struct kinora_report *r)
{
    struct kn_media *m = NULL;
    struct kn_media_info info;
    struct kn_err err;
    float samples[3200];
    size_t got = 0;
    int fd = tiny_wav(&err), rc = fd < 0 ? fd : kn_media_new(NULL, NULL, &m, &err);

    if (rc == KN_OK)
        rc = kn_media_open(m, fd, NULL, &info, &err);
    if (rc == KN_OK)
        rc = kn_media_read_audio(m, samples, 3200, NULL, &got, &err);
    if (rc)
        add(r, KINORA_BAD, "decoder", kn_arena_text(r->arena, err.msg));
    else if (got != 1600)
        add(r, KINORA_BAD, "decoder",
            kn_arena_printf(r->arena, "a test file of 1600 samples gave %zu; build again: make",
                            got));
    else
        add(r, KINORA_GOOD, "decoder", "kinora-decode opens and decodes a test file");
    if (rc == KN_OK)
        look_at_box(r, kn_media_box(m));
    kn_media_free(m);
    if (fd >= 0)
        close(fd);
}

/* The model that serves in place of one that is not there. */
static const char *stand_in(const char *dir, const struct kn_model *m)
{
    struct kn_buf path;
    bool there;

    kn_buf_init(&path, PATH_MAX);
    there = m->instead && kn_models_path(dir, m->instead, &path, NULL) == KN_OK;
    kn_buf_free(&path);
    return there ? m->instead : NULL;
}

static void look_at_models(struct kinora_report *r, const char *configured)
{
    const struct kn_model *models;
    struct kn_buf dir;
    struct kn_err err;
    size_t n;
    int rc;

    kn_buf_init(&dir, PATH_MAX);
    rc = kn_models_dir(configured, &dir, &err);
    if (rc == KN_OK)
        rc = kn_models_manifest(&models, &n, &err);
    if (rc) {
        add(r, KINORA_BAD, "models", kn_arena_text(r->arena, err.msg));
        goto out;
    }
    for (size_t i = 0; i < n; i++) {
        const char *name = kn_arena_printf(r->arena, "model %s", models[i].name);

        rc = kn_models_verify(dir.data, &models[i], &err);
        if (rc == KN_ENOTFOUND && !models[i].is_default)
            add(r, KINORA_GOOD, name, "not here; it is optional");
        else if (rc == KN_ENOTFOUND && stand_in(dir.data, &models[i]))
            add(r, KINORA_WARNING, name,
                kn_arena_printf(r->arena,
                                "not here; %s is used instead, which is slower; to have this one: "
                                "make models",
                                models[i].instead));
        else if (rc)
            add(r, KINORA_BAD, name, kn_arena_text(r->arena, err.msg));
        else
            add(r, KINORA_GOOD, name,
                kn_arena_printf(r->arena, "whole: %s/%s", dir.data, models[i].file));
    }
out:
    kn_buf_free(&dir);
}

static void look_at_disk(struct kinora_report *r, const char *path)
{
    struct statvfs fs;
    double free_mib;

    if (statvfs(path, &fs) < 0)
        return;
    free_mib = (double)fs.f_bavail * (double)fs.f_frsize / (1 << 20);
    add(r, free_mib < 100 ? KINORA_WARNING : KINORA_GOOD, "disk",
        kn_arena_printf(r->arena, "%.0f MiB free under '%s'%s", free_mib, path,
                        free_mib < 100 ? "; an ingest may run out of space" : ""));
}

/* Which scorer a library has, and what that leaves without an opinion. */
static void look_at_scorer(struct kinora_report *r, struct kn_library *lib)
{
    size_t ready = 0, silent = 0;
    char scorer[32];
    bool english;

    if (kn_store_scorer(lib, scorer, NULL) || !*scorer)
        return;
    english = strcmp(scorer, "lexicon") == 0 || strcmp(scorer, "llm") == 0;
    if (english && kn_store_count_opinions(lib, &ready, &silent, NULL) == KN_OK && silent > 0)
        add(r, KINORA_WARNING, "scorer",
            kn_arena_printf(
                r->arena,
                "%s, which reads English only: %zu of %zu ready titles have no opinion; "
                "kinora ingest --scorer probe gives them one",
                scorer, silent, ready));
    else
        add(r, KINORA_GOOD, "scorer", kn_arena_text(r->arena, scorer));
}

static void look_at_library(struct kinora_report *r, const struct kinora_options *o)
{
    const struct kn_library_options how = {.qdrant = o->qdrant};
    struct kn_library *lib = NULL;
    struct kn_library_stats s;
    struct kn_err err;
    char *path = NULL;
    int rc = kn_api_library_path(o, &path, &err);

    if (rc == KN_OK)
        rc = kn_library_open(path, &how, &lib, &err);
    if (rc == KN_ENOTFOUND && !kn_library_is_remote(path)) {
        add(r, KINORA_WARNING, "library",
            kn_arena_printf(r->arena, "there is none at '%s' yet; run: kinora ingest DIR", path));
        goto out;
    }
    if (rc == KN_OK)
        rc = kn_library_check(lib, &err);
    if (rc == KN_OK)
        rc = kn_library_get_stats(lib, &s, &err);
    if (rc) {
        add(r, KINORA_BAD, "library", kn_arena_text(r->arena, err.msg));
        goto out;
    }
    add(r, KINORA_GOOD, "library",
        kn_arena_printf(r->arena,
                        "sound: '%s', %llu titles (%llu ready, %llu silent, %llu failed, %llu "
                        "pending, %llu missing)",
                        path, (unsigned long long)s.titles,
                        (unsigned long long)s.by_state[KN_STATE_READY],
                        (unsigned long long)s.by_state[KN_STATE_SILENT],
                        (unsigned long long)s.by_state[KN_STATE_FAILED],
                        (unsigned long long)s.by_state[KN_STATE_PENDING],
                        (unsigned long long)s.by_state[KN_STATE_MISSING]));
    look_at_scorer(r, lib);
    if (!kn_library_is_remote(path))
        look_at_disk(r, path);
out:
    kn_library_close(lib);
    free(path);
}

int kinora_doctor(const struct kinora_options *o, struct kinora_report **out, struct kn_err *err)
{
    struct kinora_report *r = calloc(1, sizeof *r);

    if (!r || !(r->arena = kn_arena_new(0))) {
        free(r);
        return kn_api_no_memory(err, "doctor");
    }
    r->findings = kn_arena_array(r->arena, FINDINGS_MAX, sizeof *r->findings);
    if (!r->findings) {
        kinora_report_free(r);
        return kn_api_no_memory(err, "doctor");
    }
    add(r, KINORA_GOOD, "kinora", "version " KINORA_VERSION);
    look_at_cpu(r);
    look_at_decoder(r);
    look_at_models(r, o->models);
    look_at_library(r, o);
    *out = r;
    return KN_OK;
}
