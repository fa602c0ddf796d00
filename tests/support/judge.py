"""How well a recording (recording.py) was heard: wrong words, lines that nobody said, times. Standard library only.

The times that are judged are those of words at the joins: the first and the last of every utterance that was heard
as it was said, where a line begins or ends with it; a line has no times inside."""

from dataclasses import dataclass

from wer import alignment, words

SLACK = 0.5  # seconds: what a line may be off


@dataclass
class Edge:
    at: float   # where the word begins or ends, seconds
    off: float  # how much later the line does
    side: str   # "start", "end"
    text: str


@dataclass
class Judgement:
    errors: int
    words: int
    heard: int      # words
    invented: list  # lines that do not lie in speech
    edges: list
    inside: int     # words at joins that lie inside a line

    def rate(self):
        return self.errors / self.words

    def late(self):
        """Edges that are off by more than SLACK."""
        return [e for e in self.edges if abs(e.off) > SLACK]

    def drift(self):
        """How much later, in seconds, the last third's edges are than the first third's, on average."""
        third = len(self.edges) // 3
        mean = [sum(e.off for e in part) / max(1, len(part)) for part in (self.edges[:third], self.edges[-third:])]
        return mean[1] - mean[0]


def in_speech(line, utterances):
    """Does half of it at least lie in speech, or within SLACK of it?"""
    inside = sum(max(0.0, min(line["end"], u.end + SLACK) - max(line["start"], u.start - SLACK)) for u in utterances)
    return inside >= 0.5 * (line["end"] - line["start"])


def judge(recording, lines):
    """lines: [{"start", "end", "text"}], in order."""
    lang, said, heard, spans, places = recording.language, [], [], [], []
    for u in recording.utterances:
        some = words(u.text, lang)
        spans.append((u, len(said), len(said) + len(some) - 1))
        said += some
    for line in lines:
        some = words(line["text"], lang)
        places += [(line, i == 0, i == len(some) - 1) for i in range(len(some))]
        heard += some
    errors, equal = alignment(said, heard)
    edges, inside = [], 0
    for u, first, last in spans:
        for side, i in (("start", first), ("end", last)):
            if equal[i] is None:
                continue
            line, opens, closes = places[equal[i]]
            if opens if side == "start" else closes:
                at = getattr(u, side)
                edges.append(Edge(at, line[side] - at, side, u.text))
            else:
                inside += 1
    return Judgement(errors, len(said), len(heard), [line for line in lines if not in_speech(line, recording.utterances)], edges,
                     inside)
