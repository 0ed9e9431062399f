"""The closed vocabulary, and the grammar that makes sentences of it.

Sentences come without capitals and full stops, numbers as words. One sentence in ten, chosen by its checksum, is never
learnt from: those are for dev sets and exams.
"""

import zlib

import numpy as np

NUMBERS = (
    "zero one two three four five six seven eight nine ten eleven twelve fifteen twenty thirty forty fifty".split()
)
DIGITS, HOURS, AMOUNTS = NUMBERS[:10], NUMBERS[1:13], NUMBERS[1:]
COLORS = "red orange yellow green blue purple black white gray".split()
DAYS = "monday tuesday wednesday thursday friday saturday sunday".split()
PLACES = "kitchen bedroom bathroom garden office hall".split()


class Maker:
    """Makes one sentence after another from a random generator."""

    def __init__(self, rng: np.random.Generator):
        self.rng = rng

    def one(self, words) -> str:
        words = words.split() if isinstance(words, str) else words
        return str(words[self.rng.integers(len(words))])

    def maybe(self, text: str, chance: float = 0.5) -> str:
        return text if self.rng.random() < chance else ""

    def many(self, words, fewest: int, most: int, between: str = " ") -> str:
        return between.join(self.one(words) for _ in range(self.rng.integers(fewest, most + 1)))

    def place(self, chance: float = 0.6) -> str:
        return self.maybe(f"in the {self.one(PLACES)}", chance)

    def day(self) -> str:
        return self.one([f"on {self.one(DAYS)}", "today", "tomorrow"])

    def switch(self) -> str:
        thing = f"{self.maybe(self.one(COLORS))} {self.one('lamp light fan radio heating')}"
        return f"{self.maybe('please', 0.3)} turn {self.one('on off')} the {thing} {self.place()}"

    def color(self) -> str:
        return f"{self.maybe('please', 0.3)} set the {self.one('lamp light')} {self.place()} to {self.one(COLORS)}"

    def level(self) -> str:
        thing, unit = self.one("heating fan radio light"), self.one("degrees percent")
        return f"set the {thing} {self.place(0.4)} to {self.one(AMOUNTS)} {unit}"

    def opening(self) -> str:
        thing = f"{self.maybe(self.one(COLORS))} {self.one('door window gate curtain')}"
        return f"{self.maybe('please', 0.3)} {self.one('open close')} the {thing} {self.place()} {self.maybe('now', 0.3)}"

    def media(self) -> str:
        return f"{self.one('play stop pause')} the {self.one('music radio')} {self.place()} {self.maybe(self.day(), 0.3)}"

    def loudness(self) -> str:
        return f"make the {self.one('music radio alarm')} {self.place()} {self.one('louder softer')}"

    def waking(self) -> str:
        what = self.one(["wake me", "set an alarm"])
        return f"{what} {self.day()} at {self.one(HOURS)} {self.maybe(self.one('fifteen thirty'), 0.3)}"

    def timer(self) -> str:
        amount = f"{self.one(AMOUNTS)} {self.one('seconds minutes hours')}"
        return f"{self.one('start stop')} {self.one('a the')} timer of {amount} {self.maybe('now', 0.3)}"

    def call(self) -> str:
        return f"{self.maybe('please', 0.3)} call number {self.many(DIGITS, 3, 5)}"

    def lists(self) -> str:
        between = self.one([" ", " and "])
        words = [NUMBERS, COLORS, DAYS][self.rng.choice(3, p=[0.5, 0.25, 0.25])]
        return self.many(words, 2, 4, between)

    def days(self) -> str:
        return f"{self.one('open close')} the {self.one('gate office')} from {self.one(DAYS)} to {self.one(DAYS)}"

    def sentence(self) -> str:
        kinds = [
            *(self.switch, self.color, self.level, self.opening, self.media, self.loudness),
            *(self.waking, self.timer, self.call, self.lists, self.days),
        ]
        return " ".join(self.one_of(kinds)().split())

    def one_of(self, kinds):
        return kinds[self.rng.integers(len(kinds))]


def is_held_out(sentence: str) -> bool:
    return zlib.crc32(sentence.encode()) % 10 == 0


def sentence_of(rng: np.random.Generator, held_out: bool) -> str:
    """A random sentence, of those held out or of the others."""
    maker = Maker(rng)
    while True:
        sentence = maker.sentence()
        if is_held_out(sentence) == held_out:
            return sentence


def all_words() -> list[str]:
    """The vocabulary: what 20,000 sentences consist of."""
    maker = Maker(np.random.default_rng(0))
    return sorted({word for _ in range(20000) for word in maker.sentence().split()})
