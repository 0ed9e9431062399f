"""First lesson: the vision encoder alone learns what stands in which patch.

    python see.py POOL.npz CHECKPOINT.pt STEPS SEED
"""

import sys
import time

import numpy as np
import torch

from detection import detection_loss
from network import ShapesVlm
from pool import normalise, vary

BATCH, RATE, HELD_BACK = 64, 3e-3, 1024


def learning_rate(step: int, steps: int, peak: float) -> float:
    """Up over the first 3 %, then a cosine down to a fiftieth."""
    warm = max(1, steps * 3 // 100)
    if step < warm:
        return peak * (step + 1) / warm
    return peak * (0.02 + 0.98 * 0.5 * (1 + np.cos(np.pi * (step - warm) / (steps - warm))))


def batch_of(rng, pool, rows):
    """Varied pixels [B, 3, T, T] and their objects and backgrounds."""
    pairs = [vary(rng, pool["pixels"][row], pool["objects"][row]) for row in rows]
    pixels = normalise(rng, np.stack([pixels for pixels, _ in pairs]))
    return torch.from_numpy(pixels), np.stack([objects for _, objects in pairs]), pool["background"][rows]


def as_seen(pixels: np.ndarray) -> torch.Tensor:
    """u8 [B, T, T, 3] as the processor gives it, unvaried."""
    return torch.from_numpy(pixels.transpose(0, 3, 1, 2).astype(np.float32) / 127.5 - 1)


def examine(model, pool) -> np.ndarray:
    """Right shapes, colours, counts and backgrounds among the pictures held back."""
    model.eval()
    rows = slice(-HELD_BACK, None)
    with torch.no_grad():
        features = model.vision(as_seen(pool["pixels"][rows]))
        loss, right = detection_loss(*model.detector(features), pool["objects"][rows], pool["background"][rows])
    model.train()
    return np.append(right, loss.item())


def main() -> None:
    path, checkpoint, steps, seed = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    pool = dict(np.load(path))
    model = ShapesVlm()
    learner = torch.optim.AdamW([*model.vision.parameters(), *model.detector.parameters()], weight_decay=0.02)
    started = time.process_time()
    for step in range(steps):
        for group in learner.param_groups:
            group["lr"] = learning_rate(step, steps, RATE)
        pixels, objects, background = batch_of(rng, pool, rng.integers(len(pool["pixels"]) - HELD_BACK, size=BATCH))
        with torch.autocast("cpu", dtype=torch.bfloat16):
            features = model.vision(pixels)
        loss, right = detection_loss(*model.detector(features.float()), objects, background)
        learner.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 2.0)
        learner.step()
        if step % 50 == 0:
            print(f"{step} {time.process_time() - started:.0f}s loss {loss.item():.3f} {right.round(3)}", flush=True)
        if (step + 1) % 250 == 0 or step + 1 == steps:
            print(f"held back: shape, colour, count, background, loss {examine(model, pool).round(4)}", flush=True)
            torch.save({"vision": model.vision.state_dict(), "detector": model.detector.state_dict()}, checkpoint)


if __name__ == "__main__":
    main()
