/* layout.h - titles on a plane, like ones together.
 *
 * Two steps. The groups of like titles, found by k-means on the unit vectors (Dhillon and Modha's spherical form, seeds by
 * k-means++), are laid out by how unlike they are (SMACOF: de Leeuw's stress majorisation, from a start on a circle). A
 * title then lies between the groups that it is like, and beside their middle by what sets it apart from its own: along the
 * two directions in which titles differ most within groups.
 *
 * A projection on two principal components shows a tenth of what these vectors tell, and everything in one heap; t-SNE or
 * UMAP place all titles at once, so that each new one moves the rest. Here a layout, once made, is a function of one
 * vector: new titles take their place, and nothing moves.
 *
 * Same vectors in the same order, same layout, on any machine with the same floating point. Pure functions, any thread. */
#ifndef KN_RECOMMEND_LAYOUT_H
#define KN_RECOMMEND_LAYOUT_H

#include <stddef.h>

struct kn_arena;
struct kn_err;

enum { KN_LAYOUT_GROUPS = 24 }; /* at most */

struct kn_layout {
    size_t dim, groups; /* groups 0: of no vectors; all lie in the middle */
    size_t fitted;      /* how many vectors it was made from */
    float *centres;     /* groups x dim, unit length */
    float *axes;        /* 2 x dim */
    double *places;     /* groups x 2 */
    double spread; /* how far from its group's middle a title may lie, by its part along the axes */
    double turn[4]; /* rows of a matrix that turns, mirrors and scales all of it */
};

/* From n unit vectors of dim numbers. Of more than 10,000 every so many-th is looked at. From arena. before (may be NULL): the
 * layout that it takes the place of is turned to, so that titles lie about where they lay. KN_ELIMIT without memory. */
int kn_layout_make(const float *const *vectors, size_t n, size_t dim,
                   const struct kn_layout *before, struct kn_arena *arena, struct kn_layout *out,
                   struct kn_err *err);

struct kn_spot {
    double x, y; /* within the unit circle */
    size_t group;
};
struct kn_spot kn_layout_place(const struct kn_layout *l, const float *vector);

#endif
