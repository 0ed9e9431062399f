"""Second lesson: the connector and the decoder learn to answer about pictures; the vision encoder stays as it is.

    python read.py POOL.npz SEEN.pt CHECKPOINT.pt STEPS SEED [UNSEEN_FOLDER]

With a checkpoint that is there already it goes on where that was written.
"""

import os
import sys
import time
from functools import lru_cache

import numpy as np
import torch
from torch.nn import functional as F

from conversations import IMAGE_ID, encode, make_row, stack
from network import VOCABULARY, ShapesVlm
from pool import normalise, scene_of, vary
from see import HELD_BACK, learning_rate
from unseen import Unseen

BATCH, RATE, PLACE_WEIGHT = 16, 2e-3, 8.0
# Rows are sorted by length within this many batches, so that little is padded.
SORTED_BATCHES = 8
CHECK_STEPS, SAVE_STEPS, SPOKEN_STEPS = 250, 100, 20


def batches(rng, pool):
    """Endless batches: pixels, and the stacked rows of conversations about them."""
    counts = (pool["objects"][:-HELD_BACK, :, 0] >= 0).sum(1)
    # Pairs are hardest to tell: every second picture has two shapes.
    chances = np.where(counts == 2, 0.5 / (counts == 2).sum(), 0.5 / (counts != 2).sum())
    while True:
        chosen = []
        for index in rng.choice(len(counts), size=BATCH * SORTED_BATCHES, p=chances):
            pixels, objects = vary(rng, pool["pixels"][index], pool["objects"][index])
            chosen.append((make_row(rng, scene_of(objects, pool["background"][index])), pixels))
        chosen.sort(key=lambda one: len(one[0].ids))
        for start in rng.permutation(SORTED_BATCHES) * BATCH:
            rows, pixels = zip(*chosen[start : start + BATCH])
            yield normalise(rng, np.stack(pixels)), stack(list(rows))


@lru_cache
def token_weights():
    """The few words that say where a shape is count more: in a sentence they are one token of fifteen."""
    weights = torch.ones(VOCABULARY)
    for word in (" above", " below", " left", " right", " to"):
        weights[encode(word)[0]] = PLACE_WEIGHT
    return weights


def answer_loss(model, pixels, text):
    """Mean loss over the tokens of answers, and how many of them are right."""
    ids = torch.from_numpy(text["ids"])
    embeddings = model.embed(ids, model.look(pixels).float(), IMAGE_ID)
    target = torch.from_numpy(text["target"])
    asked = target >= 0
    positions, mask = torch.from_numpy(text["positions"]), torch.from_numpy(text["mask"])
    logits = model.decoder(embeddings, positions, mask, asked).float()
    target = target[asked]
    return F.cross_entropy(logits, target, token_weights()), (logits.argmax(1) == target).float().mean()


def save(path: str, model, learner, step: int) -> None:
    torch.save({"model": model.state_dict(), "learner": learner.state_dict(), "step": step}, f"{path}.new")
    os.replace(f"{path}.new", path)


def main() -> None:
    path, seen, checkpoint, steps, seed = *sys.argv[1:4], int(sys.argv[4]), int(sys.argv[5])
    unseen = Unseen(sys.argv[6]) if len(sys.argv) > 6 else None
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    pool = dict(np.load(path))
    model = ShapesVlm()
    seen_state = torch.load(seen)
    model.vision.load_state_dict(seen_state["vision"])
    model.detector.load_state_dict(seen_state["detector"])
    model.vision.eval()
    taught = [*model.connector.parameters(), *model.decoder.parameters()]
    learner = torch.optim.AdamW(taught, weight_decay=0.02, betas=(0.9, 0.98))
    first = 0
    if os.path.exists(checkpoint):
        state = torch.load(checkpoint)
        model.load_state_dict(state["model"])
        learner.load_state_dict(state["learner"])
        first = state["step"]
    # A run that goes on sees other batches than the first part did.
    stream = batches(np.random.default_rng([seed, first]), pool)
    started = time.process_time()
    for step in range(first, steps):
        for group in learner.param_groups:
            group["lr"] = learning_rate(step, steps, RATE)
        pixels, text = next(stream)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss, right = answer_loss(model, torch.from_numpy(pixels), text)
        learner.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(taught, 1.0)
        learner.step()
        done = step + 1
        if done % SPOKEN_STEPS == 0:
            seconds = time.process_time() - started
            print(f"{done} {seconds:.0f}s loss {loss:.4f} tokens {right:.3f}", flush=True)
        if done % SAVE_STEPS == 0 or done == steps:
            save(checkpoint, model, learner, done)
        if unseen is not None and (done % CHECK_STEPS == 0 or done == steps):
            print(f"unseen after {done}: {unseen.examine(model)}", flush=True)


if __name__ == "__main__":
    main()
