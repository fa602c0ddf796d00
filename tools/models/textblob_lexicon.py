"""TextBlob's English sentiment lexicon as one table, textblob-lexicon.tsv, which src/opinion/lexicon.c reads.

The package's own code is parsed where it holds data (the emoticons), and never run: what it does when it loads the
lexicon is done here in the same order of additions, as Python up to 3.11 adds. (From 3.12 on sum() compensates, which
changes 11 of the values.)

A line is tab-separated; numbers are the 16 hex digits of an IEEE double, so that no reader's locale or rounding matters:

    kinora-lexicon 1
    word      FORM  POLARITY  SUBJECTIVITY  INTENSITY  0|1     1: it modifies the next word; in order of bytes
    emoticon  TEXT                                             its characters are closed up where spaces part them
    face      TEXT  POLARITY                                   what counts as a word by itself, lower case
"""

import ast
import struct
import xml.etree.ElementTree as ElementTree
from pathlib import Path


def mean(values) -> float:
    total = 0.0
    for value in values:
        total += value
    return total / float(len(values))


def means(triples) -> tuple:
    return tuple(mean(column) for column in zip(*triples))


def words(xml: bytes) -> dict:
    """{form: {part of speech: triple}}, where the part of speech None holds the mean over all of them."""
    senses = {}
    for word in ElementTree.fromstring(xml).findall("word"):
        triple = tuple(float(word.get(key, other)) for key, other in
                       (("polarity", 0.0), ("subjectivity", 0.0), ("intensity", 1.0)))
        if word.get("form"):
            senses.setdefault(word.get("form"), {}).setdefault(word.get("pos"), []).append(triple)
    table = {form: {pos: means(triples) for pos, triples in parts.items()} for form, parts in senses.items()}
    for parts in table.values():
        parts[None] = means(parts.values())
    return table


def add_adverbs(table: dict):
    """An adjective's adverb ("terrible", "terribly") takes its values, whatever was there before."""
    for form, parts in list(table.items()):
        if "JJ" in parts:
            if form.endswith("y"):
                form = form[:-1] + "i"
            if form.endswith("le"):
                form = form[:-2]
            adverb = table.setdefault(form + "ly", {})
            adverb["RB"] = adverb[None] = parts["JJ"]


def constants(source: str) -> dict:
    """PUNCTUATION and EMOTICONS of textblob/_text.py. A set there is written set((...))."""
    found = {}
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            name = node.targets[0].id
            if name == "PUNCTUATION":
                found[name] = ast.literal_eval(node.value)
            elif name == "EMOTICONS":
                found[name] = [(ast.literal_eval(key)[1], sorted(ast.literal_eval(value.args[0])))
                               for key, value in zip(node.value.keys, node.value.values)]
    return found


def faces(emoticons, punctuation: str) -> dict:
    """Those that its scoring looks at, {lower-case text: polarity}; of one text twice the first counts."""
    found = {}
    for polarity, group in emoticons:
        for text in (emoticon.lower() for emoticon in group):
            if not text.isalpha() and len(text) <= 5 and text not in punctuation:
                found.setdefault(text, polarity)
    return found


def bits(value: float) -> str:
    return struct.pack(">d", value).hex()


def convert(xml: bytes, source: bytes, output):
    table = words(xml)
    add_adverbs(table)
    found = constants(source.decode("utf-8"))
    lines = ["kinora-lexicon 1"]
    for form in sorted(table, key=lambda form: form.encode("utf-8")):
        assert all(33 <= ord(c) < 127 or c == " " for c in form) and table[form][None][2] != 0, form
        lines.append("\t".join(["word", form, *map(bits, table[form][None]), str(int("RB" in table[form]))]))
    for _, group in found["EMOTICONS"]:
        lines += [f"emoticon\t{text}" for text in group]
    for text, polarity in sorted(faces(found["EMOTICONS"], found["PUNCTUATION"]).items()):
        lines.append(f"face\t{text}\t{bits(polarity)}")
    Path(output).write_text("\n".join(lines) + "\n", encoding="utf-8")
