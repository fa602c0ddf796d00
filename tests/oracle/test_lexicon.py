"""The lexicon scorer against TextBlob itself: polarity and subjectivity of every text, bit for bit."""

import os
import random
import struct
import subprocess
import sys

from project import MODELS, TOP, Skip

LEXICON = MODELS / "textblob-lexicon.tsv"
SCORE_TEXTS = os.environ.get("KINORA_SCORE_TEXTS", str(TOP / "build/release/tests/score-texts"))
SENTENCES = TOP.parent / "shared/data/sentiment/rt-polarity"
GENERATED = int(os.environ.get("KINORA_ORACLE_TEXTS", "20000"))  # tests/run --torture asks for 200,000

# What TextBlob treats in its own way, or might.
PIECES = [
    "not", "no", "never", "n't", "don't", "isn't", "can't", "wasn’t", "N'T", "NOT", "not a", "very", "really", "extremely",
    "hardly", "absolutely", "a", "an", "it", "is", "of", "'s", "'ll", "Mr.", "Dr.", "U.S.", "e.g.", "etc.", "a.m.",
    "p.m.", "St.", "B|c.", "w/", "vs.", "...", "....", ".....", "?!", "!!!", "!", "?", ".", ",", ";", "(!)", "( ! )", "(! )",
    "(", ")", "[", "]", "\"", "'", "“", "”", "‘", "’", "-", "--", "*", "_", "~", "`", "|", "=", "\n", "\n\n", "\n\n\n", "\r\n",
    "\r\n\r\n", "\r", "\t", " ", "\u00a0", "\u2003", "\u3000", "\u2028", "\x1c", "\x1f", "\x85", "\u200b", "\ufeff",
    "END-OF-SENTENCE", "end-of-sentence", "é", "É", "naïve", "İ", "\u212aind", "\u212a", "Å", "ß", "日本語", "😀", "♥", "<3",
    ":-)", ": - )", ":)", ":(", ":'(", ": ' (", ":'''(", ":c", ":c )", ":c)", ":D", ": D", ":d", "XD", "xD", "x-D", "8)",
    "8-)", ":P", ";)", ";-)", ">:(", ">:[", "o_O", "o.O", "°O°", "°o°", ":-.", ":\\", ":/", "=/", ":S", ">.>", "*)", ":^)",
    "10/10", "13th", "3.5", "$5", "50%", "@home", "#1", "http://x.org/a", "good-natured", "half-baked", "İİ", "x" * 70,
]


def forms() -> list:
    lines = LEXICON.read_text(encoding="utf-8").splitlines()
    return [line.split("\t")[1] for line in lines if line.startswith("word\t")]


def recased(word: str, chance: random.Random) -> str:
    return chance.choice([word, word, word, word.upper(), word.capitalize(), word.title(), word + "LY", word + "ly"])


def generated(n: int) -> list:
    """Texts of known words, odd pieces and plain words, joined in odd ways; the same ones each time."""
    chance = random.Random(20261124)
    known = forms()
    plain = ["film", "the", "story", "night", "of", "we", "saw", "harbour", "with", "and", "to", "ship", "him"]
    texts = []
    for _ in range(n):
        words = [recased(chance.choice(known), chance) if roll < 0.45 else chance.choice(PIECES) if roll < 0.8 else
                 chance.choice(plain) for roll in (chance.random() for _ in range(chance.randint(0, 40)))]
        joints = chance.choice([[" "], [" ", " ", ""], [" ", "", ". ", ", ", "! "], [" ", "\n", "  "]])
        texts.append("".join(word + chance.choice(joints) for word in words))
    return texts


def reviews() -> list:
    if not SENTENCES.exists():
        raise Skip(f"no {SENTENCES}")
    texts = [line for path in sorted(SENTENCES.iterdir())
             for line in path.read_bytes().decode("latin-1").replace("\0", "").split("\n")]
    assert len(texts) > 10000, f"only {len(texts)} sentences in {SENTENCES}"
    return texts + ["\n".join(texts[i:i + 20]) for i in range(0, len(texts), 20)]  # and long ones


def assert_bit_equal(texts: list):
    from textblob import TextBlob

    # From 3.12 on, sum() compensates and 11 words of the original get other values.
    assert sys.version_info < (3, 12), "the oracle is TextBlob under Python 3.11"
    done = subprocess.run([SCORE_TEXTS, str(LEXICON)], input="".join(text + "\0" for text in texts).encode(),
                          stdout=subprocess.PIPE, check=True, timeout=300)
    lines = done.stdout.decode().splitlines()
    assert len(lines) == len(texts), f"{len(lines)} answers to {len(texts)} texts"
    scored = different = 0
    first = ""
    for text, line in zip(texts, lines):
        theirs = tuple(TextBlob(text).sentiment)
        ours = tuple(float.fromhex(number) for number in line.split())
        scored += theirs != (0, 0)
        if tuple(map(float.hex, ours)) != tuple(float(x).hex() for x in theirs):
            different += 1
            first = first or f"{ours} where TextBlob gives {theirs} for {text[:300]!r}"
    assert not different, f"{different} of {len(texts)} differ: {first}"
    assert scored * 2 > len(texts), f"only {scored} of {len(texts)} texts have any sentiment"
    print(f"# {len(texts)} texts, all bit-equal")


def test_lexicon_on_generated_texts():
    assert_bit_equal(generated(GENERATED))


def test_lexicon_on_reviews():
    assert_bit_equal(reviews())


def test_the_table_holds_what_textblob_loads():
    from textblob.en import sentiment

    sentiment.load()
    theirs = {form: (*map(float, parts[None]), "RB" in parts) for form, parts in dict.items(sentiment)}
    ours = {}
    for line in LEXICON.read_text(encoding="utf-8").splitlines():
        kind, *values = line.split("\t")
        if kind == "word":
            ours[values[0]] = (*(struct.unpack(">d", bytes.fromhex(v))[0] for v in values[1:4]), values[4] == "1")
    assert ours == theirs, sorted(set(ours.items()) ^ set(theirs.items()))[:4]
