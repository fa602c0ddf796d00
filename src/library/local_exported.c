/* Subtitle files that Kinora wrote: known by their content, so that a later run does not take its own words for somebody else's. */
#include "library/local.h"

#include "base/err.h"

static int hash_of(const void *bytes, size_t n, struct kn_hash *out, struct kn_err *err)
{
    struct kn_hasher *h = kn_hasher_new();

    if (!h)
        return kn_err_set(err, KN_ELIMIT, "store: no memory");
    kn_hasher_add(h, bytes, n);
    *out = kn_hasher_end(h);
    kn_hasher_free(h);
    return KN_OK;
}

int kn_store_exported(struct kn_library *lib, const void *bytes, size_t n, struct kn_err *err)
{
    struct kn_hash hash;
    struct local *l;
    int rc = kn_local_store(lib, &l, err);

    if (!rc)
        rc = hash_of(bytes, n, &hash, err);
    if (!rc)
        rc = kn_local_begin(l, err);
    if (rc)
        return rc;
    rc = kn_db_run(l->writer, "INSERT OR IGNORE INTO exported VALUES (?)",
                   KN_VALUES(KN_BLOB(hash.b, sizeof hash.b)), err);
    return kn_local_end(l, rc, err);
}

int kn_store_is_exported(struct kn_library *lib, const void *bytes, size_t n, bool *is,
                         struct kn_err *err)
{
    struct kn_hash hash;
    struct local *l;
    struct kn_db *db;
    int64_t one;
    int rc = kn_local_store(lib, &l, err);

    if (!rc)
        rc = hash_of(bytes, n, &hash, err);
    if (!rc)
        rc = kn_local_reader(l, &db, err);
    if (rc)
        return rc;
    rc = kn_db_number(db, "SELECT 1 FROM exported WHERE hash = ?",
                      KN_VALUES(KN_BLOB(hash.b, sizeof hash.b)), is, &one, err);
    kn_local_done(l, db);
    return rc;
}
