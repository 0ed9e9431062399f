"""What stands in a picture: shapes, colours and places, drawn at random.

Places are fractions of the picture's width and height; `half` is half the size of a shape as a fraction of the shorter
side. Arrays hold one row per picture and up to three shapes, so that a pool of pictures can be stored and mirrored.
"""

from dataclasses import dataclass

import numpy as np

SHAPES = ["circle", "square", "triangle", "cross", "star", "ring"]
COLORS = ["red", "orange", "yellow", "green", "blue", "purple", "black", "white", "gray"]
MAX_OBJECTS = 3

# Hue in degrees, saturation, value: the range of each name. Between the ranges are gaps that nobody would name surely.
HSV = {
    "red": ((346, 368), (0.72, 1.0), (0.6, 1.0)),
    "orange": ((22, 40), (0.78, 1.0), (0.85, 1.0)),
    "yellow": ((48, 62), (0.62, 1.0), (0.85, 1.0)),
    "green": ((92, 152), (0.5, 1.0), (0.35, 0.9)),
    "blue": ((205, 246), (0.58, 1.0), (0.45, 1.0)),
    "purple": ((266, 304), (0.45, 1.0), (0.4, 0.9)),
    "black": ((0, 360), (0.0, 0.5), (0.0, 0.13)),
    "white": ((0, 360), (0.0, 0.05), (0.94, 1.0)),
    "gray": ((0, 360), (0.0, 0.06), (0.36, 0.76)),
}

SMALL, LARGE, SEVERAL = (0.085, 0.16), (0.235, 0.42), (0.085, 0.24)
LARGE_FROM = 0.2


@dataclass
class Scene:
    """One picture. `shape` and `color` are indices; `x`, `y`, `half` as the module says; all of the same length."""

    background: int
    shape: list[int]
    color: list[int]
    x: list[float]
    y: list[float]
    half: list[float]

    @property
    def count(self) -> int:
        return len(self.shape)


def is_clear(x, y) -> bool:
    """Can the places be told in words? Two: one axis dominates. Three: they have an order from left to right."""
    if len(x) == 2:
        dx, dy = abs(x[0] - x[1]), abs(y[0] - y[1])
        return abs(dx - dy) >= 0.08
    order = np.sort(x)
    return len(x) < 3 or bool(np.all(np.diff(order) >= 0.07))


def _places(rng, count: int, aspect: float):
    """Centres and half sizes that neither touch each other nor leave the picture."""
    wide, high = max(aspect, 1.0), max(1.0 / aspect, 1.0)
    while True:
        if count == 1:
            half = np.array([rng.uniform(*(LARGE if rng.random() < 0.5 else SMALL))])
        elif rng.random() < 0.5:
            half = np.full(count, rng.uniform(*SEVERAL))
        else:
            half = rng.uniform(*SEVERAL, count)
        low_x, low_y = half / wide + 0.02, half / high + 0.02
        x, y = rng.uniform(low_x, 1 - low_x), rng.uniform(low_y, 1 - low_y)
        if count == 1 and rng.random() < 0.3:
            x, y = np.array([0.5]), np.array([0.5])
        if count > 1 and rng.random() < 0.25:
            y = np.full(count, rng.uniform(low_y.max(), 1 - low_y.max()))
        apart = all(
            max(abs(x[i] - x[j]) * wide, abs(y[i] - y[j]) * high) > (half[i] + half[j]) * 1.08 + 0.02
            for i in range(count)
            for j in range(i)
        )
        if apart and is_clear(x, y):
            return x, y, half


def random_scene(rng: np.random.Generator, aspect: float) -> Scene:
    """A scene for a picture of that width over height. A shape never has the colour of the background."""
    background = int(rng.integers(len(COLORS)))
    count = int(rng.choice([1, 2, 3], p=[0.4, 0.38, 0.22]))
    shape = [int(s) for s in rng.integers(len(SHAPES), size=count)]
    color = [int(c) for c in rng.choice([c for c in range(len(COLORS)) if c != background], size=count)]
    if count > 1 and rng.random() < 0.12:
        shape, color = [shape[0]] * count, [color[0]] * count
    x, y, half = _places(rng, count, aspect)
    return Scene(background, shape, color, x.tolist(), y.tolist(), half.tolist())
