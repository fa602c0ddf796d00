/* card.h - inside llm: the cards of embedding models, read once from cards.json, which is built into the program.
 *
 * A card also lists the exact files that it was made with. A file of that name is compared by size and SHA-256 before
 * llama.cpp sees it (74 MB: 50 ms): its loader trusts what it reads, and a damaged model must
 * end in a message, neither in a crash nor in vectors that are quietly wrong. */
#ifndef KN_LLM_CARD_H
#define KN_LLM_CARD_H

struct kn_err;

/* KN_ENOTFOUND: no such file. KN_ECORRUPT: not the file that the card lists. KN_EIO. */
int kn_card_check_file(const char *path, struct kn_err *err);

#endif
