/* How long listening takes: learned from what this library's runs took on this machine. */
#include "library/local.h"
#include "library/store.h"

#include "base/err.h"

#include <math.h>

#define REMEMBERED 1800. /* seconds of listening */

static int ratio(struct kn_db *db, const char *sql, const struct kn_db_value *values, size_t n,
                 double *out, struct kn_err *err)
{
    sqlite3_stmt *s;
    bool row;
    int rc = kn_db_query(db, sql, values, n, &s, err);

    if (!rc)
        rc = kn_db_step(db, s, &row, err);
    if (!rc)
        *out = row ? kn_db_real(s, 0) : (double)NAN;
    kn_db_reset(db);
    return rc;
}

int kn_store_pace(struct kn_library *lib, const char *machine, struct kn_pace *out,
                  struct kn_err *err)
{
    struct kn_pace pace;
    struct local *l;
    int rc = kn_local_writable(lib, &l, err);

    if (rc)
        return rc;
    pthread_mutex_lock(&l->write_lock);
    rc = ratio(l->writer,
               "SELECT sum(title.duration) / sum(path.size) FROM path"
               " JOIN file ON file.key = path.file JOIN title ON title.key = file.title"
               " WHERE title.duration > 0 AND path.size > 0",
               NULL, 0, &pace.sound_per_byte, err);
    if (!rc)
        rc = ratio(l->writer, "SELECT sound / elapsed FROM pace WHERE machine = ?",
                   KN_VALUES(KN_TEXT(machine)), &pace.speed, err);
    pthread_mutex_unlock(&l->write_lock);
    if (!rc)
        *out = pace;
    return rc;
}

int kn_store_add_pace(struct kn_library *lib, const char *machine, double sound, double elapsed,
                      struct kn_err *err)
{
    struct local *l;
    int rc = kn_local_writable(lib, &l, err);

    if (rc)
        return rc;
    pthread_mutex_lock(&l->write_lock);
    rc = kn_db_run(
        l->writer,
        "INSERT INTO pace VALUES (?1, ?2, ?3) ON CONFLICT (machine) DO UPDATE SET"
        " sound = sound * min(1, ?4 / elapsed) + ?2,"
        " elapsed = elapsed * min(1, ?4 / elapsed) + ?3",
        KN_VALUES(KN_TEXT(machine), KN_REAL(sound), KN_REAL(elapsed), KN_REAL(REMEMBERED)), err);
    pthread_mutex_unlock(&l->write_lock);
    return rc;
}
