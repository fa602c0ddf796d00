/* page.h - the files of the page, built by Vite into build/web and embedded by tools/embed-page. */
#ifndef KN_SERVER_PAGE_H
#define KN_SERVER_PAGE_H

#include <stddef.h>

struct kn_page_file {
    const char *path; /* "/index.html", "/assets/index-B7k2.js" */
    const char *type, *etag;
    const unsigned char *bytes, *gzip; /* gzip NULL: not worth it */
    size_t n, n_gzip;
};

extern const struct kn_page_file kn_page_files[];
extern const size_t kn_page_count; /* 0: the page was not built */

#endif
