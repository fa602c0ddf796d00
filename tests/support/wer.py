"""Word error rates, and what two transcripts have in common. Standard library only.

Words are plain: lower case, no punctuation, an apostrophe joins, a hyphen parts; in English and Spanish figures are
spelled out ("11" is "eleven"), elsewhere they stay figures. Whoever is compared is counted by the same rules."""

import random
import re
import unicodedata

ONES = {
    "en": "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
          "seventeen eighteen nineteen".split(),
    "es": "cero uno dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince dieciséis "
          "diecisiete dieciocho diecinueve veinte veintiuno veintidós veintitrés veinticuatro veinticinco veintiséis "
          "veintisiete veintiocho veintinueve".split(),
}
TENS = {"en": "_ _ twenty thirty forty fifty sixty seventy eighty ninety".split(),
        "es": "_ _ _ treinta cuarenta cincuenta sesenta setenta ochenta noventa".split()}
HUNDRED = {"en": "hundred", "es": "cien"}
THOUSAND = {"en": "thousand", "es": "mil"}


def spell(n, lang):
    if n < len(ONES[lang]):
        return [ONES[lang][n]]
    if n < 100:
        ones = [ONES[lang][n % 10]] if n % 10 else []
        return [TENS[lang][n // 10]] + (["y"] if ones and lang == "es" else []) + ones
    for size, word in ((1000, THOUSAND[lang]), (100, HUNDRED[lang])):
        if n >= size:
            rest = spell(n % size, lang) if n % size else []
            return (spell(n // size, lang) if n // size > 1 or lang == "en" else []) + [word] + rest
    raise AssertionError("unreachable")


def words(text, lang):
    text = unicodedata.normalize("NFC", text).lower().replace("’", "'").replace("'", "")
    text = re.sub(r"(?<=\d)[.,](?=\d{3}\b)", "", text)
    out = []
    for word in re.findall(r"[^\W_]+", text):
        figure = lang in ONES and word.isascii() and word.isdigit() and int(word) < 10**6
        out += spell(int(word), lang) if figure else [word]
    return out


def alignment(a, b):
    """(distance, for each word of a the index of its equal in b or None): Levenshtein's, in words."""
    rows = [list(range(len(b) + 1))]
    for i, x in enumerate(a, 1):
        above, row = rows[-1], [i]
        for j, y in enumerate(b, 1):
            row.append(min(above[j] + 1, row[-1] + 1, above[j - 1] + (x != y)))
        rows.append(row)
    i, j, equal = len(a), len(b), [None] * len(a)
    while i and j:
        here = rows[i][j]
        if a[i - 1] == b[j - 1] and here == rows[i - 1][j - 1]:
            i, j = i - 1, j - 1
            equal[i] = j
        elif here == rows[i - 1][j - 1] + 1:
            i, j = i - 1, j - 1
        elif here == rows[i - 1][j] + 1:
            i -= 1
        else:
            j -= 1
    return rows[-1][-1], equal


def distance(a, b):
    """The same distance in less memory."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        before, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (x != y))
    return row[-1]


def rate(counted):
    """Of [(errors, words)]: all errors over all words."""
    return sum(e for e, _ in counted) / max(1, sum(n for _, n in counted))


def paired_bootstrap(ours, theirs, draws=10000, seed=1):
    """The 95 % interval of rate(ours) - rate(theirs), both [(errors, words)] over the same clips in the same order."""
    dice, n = random.Random(seed), len(ours)
    drawn = []
    for _ in range(draws):
        pick = [dice.randrange(n) for _ in range(n)]
        drawn.append(rate([ours[i] for i in pick]) - rate([theirs[i] for i in pick]))
    drawn.sort()
    return drawn[int(0.025 * draws)], drawn[int(0.975 * draws) - 1]
