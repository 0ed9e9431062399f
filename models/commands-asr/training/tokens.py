"""The tokenizer: every word of the vocabulary, with the blank before it, is one token; bytes are there for the rest.

Ids are in Whisper's order, which its decoding rules rest upon: text, end, what steers, times.
"""

from features import WINDOW_S
from sentences import all_words

TIME_STEP_S = 0.02


def byte_letters() -> list[str]:
    """GPT-2's letters for bytes: printable ones stand for themselves, the others are counted up from U+0100."""
    is_printed = lambda byte: 0x21 <= byte <= 0x7E or 0xA1 <= byte <= 0xAC or byte >= 0xAE
    others = iter(range(0x100, 0x200))
    return [chr(byte if is_printed(byte) else next(others)) for byte in range(256)]


BLANK = byte_letters()[0x20]


def make_merges(words: list[str]) -> list[tuple[str, str]]:
    """Every merge lengthens the beginning of a word by a letter, so no other merge can get between."""
    beginnings = {BLANK + word[:length] for word in words for length in range(1, len(word) + 1)}
    return [(one[:-1], one[-1]) for one in sorted(beginnings, key=lambda one: (len(one), one))]


WORDS = all_words()
MERGES = make_merges(WORDS)
TEXT_TOKENS = [*byte_letters(), *(left + right for left, right in MERGES)]
TIMES = [f"<|{at * TIME_STEP_S:.2f}|>" for at in range(round(WINDOW_S / TIME_STEP_S) + 1)]
STEERING = ["<|endoftext|>", "<|startoftranscript|>", "<|nospeech|>", "<|notimestamps|>"]
IDS = {token: at for at, token in enumerate([*TEXT_TOKENS, *STEERING, *TIMES])}
VOCABULARY = len(IDS)
END, START, NO_SPEECH, NO_TIMES = (IDS[token] for token in STEERING)
FIRST_TIME = IDS[TIMES[0]]


def encode(sentence: str) -> list[int]:
    return [IDS[BLANK + word] for word in sentence.split()]


def decode(ids) -> str:
    """The words of text tokens; others are left out."""
    text = "".join(TEXT_TOKENS[one] for one in ids if one < len(TEXT_TOKENS))
    return text.replace(BLANK, " ").strip()


def time_token(seconds: float) -> int:
    return FIRST_TIME + min(round(seconds / TIME_STEP_S), len(TIMES) - 1)
