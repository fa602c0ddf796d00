/* remove_folder.h - rm -r, for the tear-down of a test. */
#ifndef KN_TEST_REMOVE_FOLDER_H
#define KN_TEST_REMOVE_FOLDER_H

#include <ftw.h>
#include <stdio.h>

static inline int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

/* 0: nothing is left of it. */
static inline int remove_folder(const char *dir)
{
    return nftw(dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

#endif
