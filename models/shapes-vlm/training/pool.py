"""A pool of pictures in memory, and the ways to vary one without drawing it again.

    python pool.py POOL.npz COUNT SEED
"""

import sys

import numpy as np

from drawing import TILE, draw, random_size, spoil, to_tile
from scenes import MAX_OBJECTS, Scene, is_clear, random_scene


def make_pool(count: int, seed: int) -> dict[str, np.ndarray]:
    """`pixels` [count, TILE, TILE, 3] u8 and the scenes as arrays; picture i depends on (seed, i) only."""
    pixels = np.empty((count, TILE, TILE, 3), np.uint8)
    objects = np.full((count, MAX_OBJECTS, 5), -1, np.float32)
    background = np.empty(count, np.int64)
    for index in range(count):
        rng = np.random.default_rng([seed, index])
        width, height = random_size(rng)
        scene = random_scene(rng, width / height)
        pixels[index] = to_tile(spoil(rng, draw(rng, scene, width, height)))
        background[index] = scene.background
        rows = zip(scene.shape, scene.color, scene.x, scene.y, scene.half)
        objects[index, : scene.count] = np.array(list(rows), np.float32)
    return {"pixels": pixels, "objects": objects, "background": background}


def scene_of(objects: np.ndarray, background: int) -> Scene:
    rows = objects[objects[:, 0] >= 0]
    shape, color = rows[:, 0].astype(int).tolist(), rows[:, 1].astype(int).tolist()
    return Scene(int(background), shape, color, rows[:, 2].tolist(), rows[:, 3].tolist(), rows[:, 4].tolist())


def vary(rng: np.random.Generator, pixels: np.ndarray, objects: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mirrored, upside down or with its axes swapped; the places follow."""
    for _ in range(8):
        swap, left, up = rng.random(3) < 0.5
        moved = objects.copy()
        present = moved[:, 0] >= 0
        if swap:
            moved[:, [2, 3]] = moved[:, [3, 2]]
        if left:
            moved[present, 2] = 1 - moved[present, 2]
        if up:
            moved[present, 3] = 1 - moved[present, 3]
        if is_clear(moved[present, 2], moved[present, 3]):
            turned = pixels.transpose(1, 0, 2) if swap else pixels
            return turned[:: -1 if up else 1, :: -1 if left else 1], moved
    return pixels, objects


def normalise(rng: np.random.Generator, batch: np.ndarray) -> np.ndarray:
    """u8 [B, T, T, 3] → f32 [B, 3, T, T] as the processor gives it, with a light of a slightly other colour."""
    count = len(batch)
    gain = rng.normal(1, 0.03, (count, 3, 1, 1)).astype(np.float32)
    shift = rng.normal(0, 0.015, (count, 3, 1, 1)).astype(np.float32)
    values = batch.transpose(0, 3, 1, 2).astype(np.float32) / 255 * gain + shift
    return np.clip(values, 0, 1) * 2 - 1


if __name__ == "__main__":
    path, count, seed = sys.argv[1:]
    np.savez(path, **make_pool(int(count), int(seed)))
