/* faults.c - a library to preload into the program under test: the N-th of something fails, as a disk or a full memory
 * would have it.
 *
 *   KINORA_FAULT=write:N   SQLite's N-th write gives EIO, once
 *   KINORA_FAULT=full:N    its N-th write and all that follow find the disk full
 *   KINORA_FAULT=read:N    its N-th read gives EIO, once
 *   KINORA_FAULT=alloc:N   the N-th malloc, calloc or realloc of Kinora's own code gives NULL, once
 *
 * SQLite is reached through its table of virtual file systems, where a copy of the default takes its place. Kinora's
 * own code is told from what is linked into the same program (llama.cpp, whisper.cpp) by the address that the
 * call returns to: KINORA_FAULT_CODE=FROM-TO, offsets in the program, which tests/e2e/faults.py takes from its symbols.
 * Whether the fault was reached is told on standard error, as "# fault", and behind it where in the program memory was asked for.
 *
 * Only the program called kinora is hurt, not its decoders. */
#include <errno.h>
#include <link.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Not there in the programs that this is preloaded into besides. */
#pragma weak sqlite3_vfs_find
#pragma weak sqlite3_vfs_register

void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);

enum fault { NOTHING, WRITE, FULL, READ, ALLOC };
static enum fault what;
static long which;
static atomic_long count;
static uintptr_t base, code_from, code_to; /* of the program, and of Kinora in it */

static void tell(uintptr_t place)
{
    char text[64];
    int n = snprintf(text, sizeof text, place ? "# fault %lx\n" : "# fault\n", (long)place);

    if (write(STDERR_FILENO, text, (size_t)n) < 0)
        return; /* nobody to tell */
}

static bool fails(bool from_then_on, uintptr_t place)
{
    long now = atomic_fetch_add(&count, 1) + 1;

    if (now == which)
        tell(place);
    return now == which || (from_then_on && now > which);
}

/* ---- memory ---- */

static bool refuses(const void *caller)
{
    return what == ALLOC && (uintptr_t)caller >= code_from && (uintptr_t)caller < code_to &&
           fails(false, (uintptr_t)caller - base);
}

void *malloc(size_t n)
{
    if (refuses(__builtin_return_address(0))) {
        errno = ENOMEM;
        return NULL;
    }
    return __libc_malloc(n);
}

void *calloc(size_t n, size_t size)
{
    if (refuses(__builtin_return_address(0))) {
        errno = ENOMEM;
        return NULL;
    }
    return __libc_calloc(n, size);
}

void *realloc(void *p, size_t n)
{
    if (refuses(__builtin_return_address(0))) {
        errno = ENOMEM;
        return NULL;
    }
    return __libc_realloc(p, n);
}

/* ---- SQLite ---- */

enum { TABLES = 4 };

/* A file system has a table of methods for each way of locking: main database and write-ahead log have different ones. */
static sqlite3_vfs vfs;
static int (*open_before)(sqlite3_vfs *, const char *, sqlite3_file *, int, int *);
static const sqlite3_io_methods *before[TABLES];
static sqlite3_io_methods methods[TABLES];

static const sqlite3_io_methods *methods_before(const sqlite3_file *f)
{
    return before[f->pMethods - methods];
}

static int on_read(sqlite3_file *f, void *p, int n, sqlite3_int64 at)
{
    if (what == READ && fails(false, 0))
        return SQLITE_IOERR_READ;
    return methods_before(f)->xRead(f, p, n, at);
}

static int on_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
    if (what == WRITE && fails(false, 0))
        return SQLITE_IOERR_WRITE;
    if (what == FULL && fails(true, 0))
        return SQLITE_FULL;
    return methods_before(f)->xWrite(f, p, n, at);
}

/* The first connection opens one file of each kind before a second thread opens any. */
static int on_open(sqlite3_vfs *v, const char *name, sqlite3_file *f, int flags, int *flags_out)
{
    int rc = open_before(v, name, f, flags, flags_out), i = 0;

    if (rc != SQLITE_OK || !f->pMethods)
        return rc;
    while (i < TABLES && before[i] && before[i] != f->pMethods)
        i++;
    if (i == TABLES)
        abort(); /* else a fault would be missed in silence */
    if (!before[i]) {
        methods[i] = *f->pMethods;
        methods[i].xRead = on_read;
        methods[i].xWrite = on_write;
        before[i] = f->pMethods;
    }
    f->pMethods = &methods[i];
    return rc;
}

static void take_sqlite(void)
{
    if (!sqlite3_vfs_find || !sqlite3_vfs_register)
        return;
    vfs = *sqlite3_vfs_find(NULL);
    open_before = vfs.xOpen;
    vfs.xOpen = on_open;
    vfs.zName = "faults";
    sqlite3_vfs_register(&vfs, 1);
}

/* ---- beginning ---- */

static int first_object(struct dl_phdr_info *info, size_t size, void *at)
{
    (void)size;
    *(uintptr_t *)at = info->dlpi_addr;
    return 1; /* the program is the first */
}

__attribute__((constructor)) static void begin(void)
{
    static const char *const names[] = {
        [WRITE] = "write:", [FULL] = "full:", [READ] = "read:", [ALLOC] = "alloc:"};
    const char *fault = getenv("KINORA_FAULT"), *code = getenv("KINORA_FAULT_CODE");
    char *end;

    if (!fault || strcmp(program_invocation_short_name, "kinora") != 0)
        return;
    dl_iterate_phdr(first_object, &base);
    if (code) {
        code_from = base + strtoull(code, &end, 16);
        code_to = base + strtoull(end + 1, NULL, 16);
    }
    take_sqlite();
    for (int i = WRITE; i <= ALLOC; i++) {
        size_t n = strlen(names[i]);

        if (strncmp(fault, names[i], n) == 0) {
            which = strtol(fault + n, NULL, 10);
            what = (enum fault)i;
        }
    }
}
