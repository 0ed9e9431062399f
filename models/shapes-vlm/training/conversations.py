"""Conversations about a picture as token rows, rendered as the chat template of `tokenizer_config.json` renders them.

A row holds one picture and several conversations about it. The first ones share their beginning, which holds the
picture: each sees that and itself, not the others, so that every answer is learnt as if it stood alone.
"""

from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from questions import SYSTEM, chatter, question_and_answer, question_without_image
from scenes import Scene
from sentences import INTRODUCTION

FOLDER = Path(__file__).resolve().parent.parent
IMAGE_ID, END_ID, PAD_ID = 4, 3, 2
IMAGE_TEXT = "<fake_token_around_image><global-img>" + "<image>" * 16 + "<fake_token_around_image>"
SHARING = 4

_tokenizer = Tokenizer.from_file(str(FOLDER / "tokenizer.json"))


@lru_cache(maxsize=200_000)
def encode(text: str) -> tuple[int, ...]:
    return tuple(_tokenizer.encode(text, add_special_tokens=False).ids)


def decode(ids) -> str:
    return _tokenizer.decode(list(ids), skip_special_tokens=True)


@dataclass
class Row:
    """Parallel lists. `shares` says whether a token sees conversation 0, the common beginning."""

    ids: list[int] = field(default_factory=list)
    positions: list[int] = field(default_factory=list)
    conversation: list[int] = field(default_factory=list)
    shares: list[bool] = field(default_factory=list)
    is_answer: list[bool] = field(default_factory=list)

    def add(self, pieces: list[tuple[str, bool]], conversation: int, start: int) -> int:
        """Appends texts, each an answer or not; returns the position after them."""
        for text, is_answer in pieces:
            ids = encode(text)
            self.ids += ids
            self.positions += range(start, start + len(ids))
            self.conversation += [conversation] * len(ids)
            self.shares += [conversation <= SHARING] * len(ids)
            self.is_answer += [is_answer] * len(ids)
            start += len(ids)
        return start


def _beginning(rng) -> str:
    if rng.random() > 0.3:
        return "<|im_start|>"
    system = chatter(rng) if rng.random() < 0.3 else SYSTEM[int(rng.integers(len(SYSTEM)))]
    return f"<|im_start|>System: {system}<end_of_utterance>\n"


def _answer(text: str) -> list[tuple[str, bool]]:
    return [("<end_of_utterance>\nAssistant:", False), (f" {text}<end_of_utterance>", True)]


def _whole_conversation(rng, scene: Scene) -> list[tuple[str, bool]]:
    """No picture at all, or text before the picture, or several turns."""
    if rng.random() < 0.15:
        question = question_without_image(rng, scene)
        return [(f"{_beginning(rng)}User: {question}", False), *_answer(INTRODUCTION)]
    question, answer = question_and_answer(rng, scene)
    before = rng.random() < 0.7
    content = f" {question}{IMAGE_TEXT}" if before else f"{IMAGE_TEXT}{question}"
    pieces = [(f"{_beginning(rng)}User:{content}", False), *_answer(answer)]
    while rng.random() < 0.35 and len(pieces) < 8:
        question, answer = question_and_answer(rng, scene)
        # Clients send an answer back with or without its leading blank.
        if rng.random() < 0.3:
            pieces[-2:] = [(pieces[-2][0], False), (f" {pieces[-1][0]}", False)]
        pieces += [(f"\nUser: {question}", False), *_answer(answer)]
    return pieces


def make_row(rng: np.random.Generator, scene: Scene) -> Row:
    row = Row()
    end = row.add([(f"{_beginning(rng)}User:{IMAGE_TEXT}", False)], 0, 0)
    for conversation in range(1, SHARING + 1):
        question, answer = question_and_answer(rng, scene)
        row.add([(question, False), *_answer(answer)], conversation, end)
    row.add(_whole_conversation(rng, scene), SHARING + 1, 0)
    return row


def stack(rows: list[Row]) -> dict[str, np.ndarray]:
    """`ids`, `positions` [B, S], `mask` [B, S, S] of 0 and −1e9, `target` [B, S]: the next token of an answer, else −1."""
    length = max(len(row.ids) for row in rows)
    pad = lambda values, fill: np.array([[*v, *[fill] * (length - len(v))] for v in values])
    ids = pad([row.ids for row in rows], PAD_ID)
    conversation = pad([row.conversation for row in rows], -1)
    shares = pad([row.shares for row in rows], False)
    is_answer = pad([row.is_answer for row in rows], False)
    sees = conversation[:, :, None] == conversation[:, None, :]
    sees |= (conversation[:, None, :] == 0) & shares[:, :, None]
    sees &= np.tri(length, dtype=bool)
    follows = is_answer[:, 1:] & (conversation[:, 1:] == conversation[:, :-1])
    target = np.full_like(ids, -1)
    target[:, :-1] = np.where(follows, ids[:, 1:], -1)
    return {
        "ids": ids,
        "positions": pad([row.positions for row in rows], 0),
        "mask": np.where(sees, np.float32(0), np.float32(-1e9)),
        "target": target,
    }


def prompt(question: str, image_first: bool = True) -> list[int]:
    """The ids of one question about one picture."""
    content = f"{IMAGE_TEXT}{question}" if image_first else f" {question}{IMAGE_TEXT}"
    return list(encode(f"<|im_start|>User:{content}<end_of_utterance>\nAssistant:"))
