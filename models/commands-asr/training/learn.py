"""Encoder and decoder learn together, from nothing.

    python learn.py CHECKPOINT.pt STEPS SEED DEV.npz SPEECH.npz...

The encoder is also asked which phone and which word is said at each of its places, and the first head of each decoder
layer to look where the next word is said: flite tells both. With a checkpoint that is there already it goes on where that
was written.
"""

import math
import os
import sys
import time

import numpy as np
import torch
from torch.nn import functional as F

import tokens as t
from features import FRAMES, HOP, RATE, log_mel
from listen import exam
from network import CommandsAsr
from rooms import PLACE_S, Speech, phone_labels, scene_of, silence, word_labels

BATCH, RATE_OF_LEARNING, WARM_UP = 16, 1.5e-3, 100
# Sentences are sorted by length within this many batches, so that windows can be cut short together.
SORTED_BATCHES = 8
# Of batches with whole windows; of windows without speech; of targets with times.
LONG_SHARE, SILENT_SHARE, TIMED_SHARE = 0.15, 0.03, 0.25
PLACE_WEIGHT, LOOK_WEIGHT, SMOOTHING = 0.5, 0.2, 0.03
IGNORED = -100
SAVE_S, SPOKEN_STEPS, CHECK_STEPS = 60, 50, 300


def batches(rng, speech):
    """Endless lists of scenes, and whether their windows are whole."""
    while True:
        chosen = sorted(rng.choice(len(speech), BATCH * SORTED_BATCHES), key=speech.length)
        for start in rng.permutation(SORTED_BATCHES) * BATCH:
            is_long = rng.random() < LONG_SHARE
            clips = [speech.get(one) for one in chosen[start : start + BATCH]]
            length_s = max(len(clip[0]) for clip in clips) / RATE
            quiet = lambda: rng.random() < SILENT_SHARE
            yield [silence(rng, min(5, length_s)) if quiet() else scene_of(rng, clip, is_long) for clip in clips], is_long


def make_row(scene, is_timed: bool):
    """Ids, what follows each of them, and the span that tells what follows."""
    spans = [tuple(span) for span in scene.words]
    nowhere = (0.0, 0.0)
    if not spans:
        ids = [t.START, t.time_token(0) if is_timed else t.NO_TIMES]
        return ids, [t.NO_SPEECH, t.END], [nowhere] * 2
    words = t.encode(scene.text)
    if not is_timed:
        return [t.START, t.NO_TIMES, *words], [IGNORED, *words, t.END], [nowhere, *spans, nowhere]
    first, last = spans[0][0], spans[-1][1]
    begin, end = t.time_token(max(0, first)), t.time_token(last)
    ids = [t.START, begin, *words, end]
    return ids, [*ids[1:], t.END], [(first - 0.06, first + 0.06), *spans, (last - 0.06, last + 0.06), nowhere]


def stack(rng, scenes, is_long: bool):
    """What a step needs, as tensors."""
    frames = FRAMES if is_long else math.ceil(max(scene.length_s for scene in scenes) * RATE / HOP) + rng.integers(4, 40)
    frames = min(FRAMES, frames + frames % 2)
    places = frames // 2
    rows = [make_row(scene, rng.random() < TIMED_SHARE) for scene in scenes]
    longest = max(len(ids) for ids, _, _ in rows)
    pad = lambda values, filler: values + [filler] * (longest - len(values))
    centres = np.arange(places) * PLACE_S
    looks = np.zeros((len(rows), longest, places), bool)
    for row, (_, _, spans) in enumerate(rows):
        for at, (begin, end) in enumerate(spans):
            looks[row, at] = (centres >= begin) & (centres < end)
    return {
        "features": log_mel(torch.from_numpy(np.stack([scene.sound for scene in scenes])), frames),
        "phones": torch.from_numpy(np.stack([phone_labels(scene, places) for scene in scenes])),
        "words": torch.from_numpy(np.stack([word_labels(scene, places) for scene in scenes])),
        "ids": torch.tensor([pad(ids, t.END) for ids, _, _ in rows]),
        "target": torch.tensor([pad(target, IGNORED) for _, target, _ in rows]),
        "looks": torch.from_numpy(looks),
    }


def losses(model, batch):
    """Of words, of places, of looking; and the share of right tokens."""
    sound = model.encoder(batch["features"])
    flat = lambda logits: logits.float().flatten(0, 1)
    phone = F.cross_entropy(flat(model.phone(sound)), batch["phones"].flatten())
    word = F.cross_entropy(flat(model.word(sound)), batch["words"].flatten())
    logits, scores = model.decoder(batch["ids"], sound)
    target = batch["target"].flatten()
    said = F.cross_entropy(flat(logits), target, label_smoothing=SMOOTHING)
    asked = batch["looks"].any(-1)
    looked = 0
    for layer in scores:
        shares = layer.log_softmax(-1)[asked].masked_fill(~batch["looks"][asked], -1e9)
        looked = looked - shares.logsumexp(-1).mean()
    right = (flat(logits).argmax(1) == target)[target != IGNORED].float().mean()
    return said, phone + word, looked, right


def learning_rate(step: int, steps: int) -> float:
    return RATE_OF_LEARNING * min(1, (step + 1) / WARM_UP) * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * step / steps)))


def save(path: str, model, learner, step: int) -> None:
    torch.save({"model": model.state_dict(), "learner": learner.state_dict(), "step": step}, f"{path}.new")
    os.replace(f"{path}.new", path)


def main() -> None:
    checkpoint, steps, seed, dev = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), Speech(sys.argv[4:5])
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    speech, model = Speech(sys.argv[5:]), CommandsAsr()
    learner = torch.optim.AdamW(model.parameters(), weight_decay=0.02, betas=(0.9, 0.98))
    first = 0
    if os.path.exists(checkpoint):
        state = torch.load(checkpoint)
        model.load_state_dict(state["model"])
        learner.load_state_dict(state["learner"])
        first = state["step"]
    # A run that goes on hears other batches than the first part did.
    rng = np.random.default_rng([seed, first])
    stream = batches(rng, speech)
    started, saved = time.process_time(), time.monotonic()
    for step in range(first, steps):
        for group in learner.param_groups:
            group["lr"] = learning_rate(step, steps)
        batch = stack(rng, *next(stream))
        said, placed, looked, right = losses(model, batch)
        learner.zero_grad()
        (said + PLACE_WEIGHT * placed + LOOK_WEIGHT * looked).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0, error_if_nonfinite=True)
        learner.step()
        done = step + 1
        if done % SPOKEN_STEPS == 0:
            seconds = time.process_time() - started
            marks = f"said {said:.3f} placed {placed:.3f} looked {looked:.3f} right {right:.3f}"
            print(f"{done} {seconds:.0f}s {marks}", flush=True)
        if time.monotonic() - saved > SAVE_S or done == steps:
            save(checkpoint, model, learner, done)
            saved = time.monotonic()
        if done % CHECK_STEPS == 0 or done == steps:
            print(f"after {done}: {exam(model, dev)}", flush=True)


if __name__ == "__main__":
    main()
