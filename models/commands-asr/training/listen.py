"""Writes down sentences with the torch model, the likeliest token each time.

    python listen.py CHECKPOINT.pt SPEECH.npz
"""

import sys

import numpy as np
import torch

import tokens as t
from features import WINDOW, log_mel
from network import TARGET_POSITIONS, CommandsAsr
from rooms import Speech
from speak import VOICES

BATCH = 50


@torch.no_grad()
def write_down(model, sounds: np.ndarray) -> list[str]:
    """Windows [B, 96000] → sentences."""
    heard = model.encoder(log_mel(torch.from_numpy(sounds)))
    ids = torch.tensor([[t.START, t.NO_TIMES]] * len(sounds))
    for _ in range(TARGET_POSITIONS - 2):
        logits, _ = model.decoder(ids, heard)
        fresh = logits[:, -1].argmax(1)
        ended = (ids == t.END).any(1)
        ids = torch.cat([ids, torch.where(ended, t.END, fresh)[:, None]], 1)
        if bool(((ids == t.END).any(1)).all()):
            break
    return [t.decode(row) for row in ids.tolist()]


def word_errors(said: list[str], heard: list[str]) -> int:
    """The fewest words to change, add and take away (Levenshtein)."""
    costs = list(range(len(heard) + 1))
    for row, word in enumerate(said, 1):
        before, costs[0] = costs[0], row
        for column, other in enumerate(heard, 1):
            before, costs[column] = costs[column], min(costs[column] + 1, costs[column - 1] + 1, before + (word != other))
    return costs[-1]


def exam(model, speech: Speech) -> str:
    """Word error rate per voice, sentences as flite spoke them."""
    model.eval()
    errors, words, whole = [0] * len(VOICES), [0] * len(VOICES), 0
    for start in range(0, len(speech), BATCH):
        clips = [speech.get(at) for at in range(start, min(len(speech), start + BATCH))]
        sounds = np.zeros((len(clips), WINDOW), np.float32)
        for row, clip in enumerate(clips):
            sounds[row, : len(clip[0])] = clip[0][:WINDOW]
        for heard, (_, text, _, _, voice) in zip(write_down(model, sounds), clips):
            wrong = word_errors(text.split(), heard.split())
            errors[voice] += wrong
            words[voice] += len(text.split())
            whole += wrong == 0
    model.train()
    voices = ", ".join(f"{name} {100 * e / w:.1f}" for name, e, w in zip(VOICES, errors, words))
    return f"WER {100 * sum(errors) / sum(words):.2f} % ({voices}), whole sentences {whole}/{len(speech)}"


if __name__ == "__main__":
    trained = CommandsAsr()
    trained.load_state_dict(torch.load(sys.argv[1])["model"])
    print(exam(trained, Speech(sys.argv[2:])))
