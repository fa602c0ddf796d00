#include "fs.h"

#include "err.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* A pipe would be waited for without end, and most devices have none; /dev/null is an empty file. Of a folder read() tells. */
static bool may_be_read(int fd)
{
    struct stat st;

    return fstat(fd, &st) == 0 && (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode) ||
                                   (S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3)));
}

int kn_fs_read(const char *path, struct kn_buf *out, struct kn_err *err)
{
    char part[64 << 10];
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), rc = KN_OK;

    if (fd < 0)
        return kn_err_set(err, errno == ENOENT ? KN_ENOTFOUND : KN_EIO, "open '%s': %s", path,
                          strerror(errno));
    if (!may_be_read(fd)) {
        close(fd);
        return kn_err_set(
            err, KN_EIO, "read '%s': it is a pipe, a socket or a device, not a regular file", path);
    }
    for (;;) {
        ssize_t got = read(fd, part, sizeof part);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            rc = kn_err_set(err, KN_EIO, "read '%s': %s", path, strerror(errno));
        else if (got > 0)
            rc = kn_buf_add(out, part, (size_t)got, err);
        if (rc == KN_ELIMIT)
            rc = kn_err_wrap(err, rc, "read '%s'", path);
        if (rc || got == 0)
            break;
    }
    close(fd);
    return rc;
}

static int write_all(int fd, const char *p, size_t n)
{
    while (n > 0) {
        ssize_t put = write(fd, p, n);

        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return -1;
        p += put;
        n -= (size_t)put;
    }
    return 0;
}

static int sync_folder_of(const char *path)
{
    char dir[PATH_MAX];
    const char *slash = strrchr(path, '/');
    int fd, rc;

    if (slash == path)
        slash++; /* the root keeps its slash */
    snprintf(dir, sizeof dir, "%.*s", slash ? (int)(slash - path) : 1, slash ? path : ".");
    fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    rc = fsync(fd);
    close(fd);
    return rc;
}

static int write_as(const char *path, const void *data, size_t n, mode_t mode, struct kn_err *err)
{
    char tmp[PATH_MAX];
    int fd, rc = KN_OK;

    if (snprintf(tmp, sizeof tmp, "%s.tmp", path) >= (int)sizeof tmp)
        return kn_err_set(err, KN_EARG, "write '%s': the path is too long", path);
    unlink(tmp); /* one that was left would keep its mode */
    fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    if (fd < 0)
        return kn_err_set(err, KN_EIO, "create '%s': %s", tmp, strerror(errno));
    if (write_all(fd, data, n) < 0 || fsync(fd) < 0)
        rc = kn_err_set(err, KN_EIO, "write '%s': %s", tmp, strerror(errno));
    if (close(fd) < 0 && rc == KN_OK)
        rc = kn_err_set(err, KN_EIO, "close '%s': %s", tmp, strerror(errno));
    if (rc == KN_OK && (rename(tmp, path) < 0 || sync_folder_of(path) < 0))
        rc = kn_err_set(err, KN_EIO, "rename '%s' to '%s': %s", tmp, path, strerror(errno));
    if (rc)
        unlink(tmp);
    return rc;
}

int kn_fs_write(const char *path, const void *data, size_t n, struct kn_err *err)
{
    return write_as(path, data, n, 0666, err);
}

int kn_fs_write_private(const char *path, const void *data, size_t n, struct kn_err *err)
{
    return write_as(path, data, n, 0600, err);
}

int kn_fs_publish(const char *tmp, const char *path, bool replace, struct kn_err *err)
{
    int fd = open(tmp, O_RDONLY | O_CLOEXEC), rc = KN_OK;

    if (fd < 0 || fsync(fd) < 0)
        rc = kn_err_set(err, KN_EIO, "write '%s': %s", tmp, strerror(errno));
    if (fd >= 0)
        close(fd);
    if (rc == KN_OK && renameat2(AT_FDCWD, tmp, AT_FDCWD, path, replace ? 0 : RENAME_NOREPLACE) < 0)
        rc = kn_err_set(err, errno == EEXIST ? KN_EARG : KN_EIO, "rename '%s' to '%s': %s", tmp,
                        path, strerror(errno));
    if (rc == KN_OK && sync_folder_of(path) < 0)
        rc = kn_err_set(err, KN_EIO, "write '%s': %s", path, strerror(errno));
    return rc;
}

int kn_fs_mkdirs(const char *path, struct kn_err *err)
{
    char part[PATH_MAX];
    struct stat st;

    if (snprintf(part, sizeof part, "%s", path) >= (int)sizeof part)
        return kn_err_set(err, KN_EARG, "make folder '%s': the path is too long", path);
    for (char *p = part + 1;; p++) {
        char c = *p;

        if (c != '/' && c != '\0')
            continue;
        *p = '\0';
        if (mkdir(part, 0777) < 0 && errno != EEXIST)
            return kn_err_set(err, KN_EIO, "make folder '%s': %s", part, strerror(errno));
        *p = c;
        if (c == '\0')
            break;
    }
    if (stat(path, &st) < 0 || !S_ISDIR(st.st_mode))
        return kn_err_set(err, KN_EIO, "make folder '%s': something else has this name", path);
    return KN_OK;
}

bool kn_fs_exists(const char *path)
{
    return access(path, F_OK) == 0;
}

bool kn_fs_is_taken(const char *path)
{
    struct stat st;

    return lstat(path, &st) == 0;
}

int kn_fs_program_dir(struct kn_buf *out, struct kn_err *err)
{
    char path[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path);

    if (n < 0 || n == (ssize_t)sizeof path)
        return kn_err_set(err, KN_EIO, "find the running program by /proc/self/exe: %s",
                          n < 0 ? strerror(errno) : "its path is too long");
    while (n > 0 && path[n - 1] != '/')
        n--;
    return kn_buf_add(out, path, n > 1 ? (size_t)n - 1 : 1, err);
}
