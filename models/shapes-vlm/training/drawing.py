"""Draws scenes with Pillow and spoils them a little, then scales them as the image processor does."""

import colorsys
import io
import math

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from scenes import COLORS, HSV, SHAPES, Scene

TILE = 128
ASPECTS = [1.0, 1.0, 1.0, 4 / 3, 3 / 4, 3 / 2, 2 / 3, 16 / 10, 10 / 16, 1.15, 0.87]


def random_color(rng: np.random.Generator, name: str) -> tuple[int, int, int]:
    (h0, h1), (s0, s1), (v0, v1) = HSV[name]
    if name == "white" and rng.random() < 0.5:
        return 255, 255, 255
    if name == "black" and rng.random() < 0.4:
        return 0, 0, 0
    # Full saturation and value are what people type, so they come more often.
    s = s1 if rng.random() < 0.3 and s1 == 1.0 else rng.uniform(s0, s1)
    v = v1 if rng.random() < 0.2 else rng.uniform(v0, v1)
    rgb = colorsys.hsv_to_rgb(rng.uniform(h0, h1) / 360 % 1.0, s, v)
    return tuple(round(255 * c) for c in rgb)


def _arc(count: int, radius: float = 1.0, start: float = 0.0):
    angles = start + np.arange(count) * 2 * math.pi / count
    return np.stack([radius * np.cos(angles), radius * np.sin(angles)], 1)


def _outline(rng, name: str) -> list[np.ndarray]:
    """Polygons in [-1, 1]², y down; a second polygon is a hole."""
    if name == "circle":
        return [_arc(72)]
    if name == "ring":
        return [_arc(72), _arc(72, rng.uniform(0.42, 0.76))]
    if name == "square":
        side = rng.uniform(0.82, 1.0)
        return [np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * side]
    if name == "triangle":
        apex, height = rng.choice([0.0, rng.uniform(-0.25, 0.25)]), rng.uniform(0.8, 1.0)
        return [np.array([[apex, -height], [1, height], [-1, height]])]
    if name == "cross":
        a = rng.uniform(0.22, 0.42)
        return [np.array([[-a, -1], [a, -1], [a, -a], [1, -a], [1, a], [a, a], [a, 1], [-a, 1], [-a, a], [-1, a],
                          [-1, -a], [-a, -a]])]
    points = 5 if rng.random() < 0.85 else 6
    star = np.empty((2 * points, 2))
    star[::2] = _arc(points, 1.0, -math.pi / 2)
    star[1::2] = _arc(points, rng.uniform(0.36, 0.54), -math.pi / 2 + math.pi / points)
    return [star]


def _turn(rng, name: str) -> np.ndarray:
    """A matrix of rotation and slight stretch."""
    turned = rng.random() < 0.4
    angle = 0.0
    if turned:
        bound = math.pi if name in ("star", "triangle", "circle", "ring") else math.radians(20 if name == "square" else 45)
        angle = rng.uniform(-bound, bound)
    c, s = math.cos(angle), math.sin(angle)
    stretch = np.diag(rng.uniform(0.9, 1.0, 2)) if rng.random() < 0.4 else np.eye(2)
    return np.array([[c, -s], [s, c]]) @ stretch


def _shade(rng, rgb, low: float, high: float) -> tuple[int, int, int]:
    return tuple(int(max(0, min(255, c * rng.uniform(low, high)))) for c in rgb)


def _background(rng, size: tuple[int, int], rgb) -> Image.Image:
    if rng.random() < 0.8:
        return Image.new("RGB", size, rgb)
    # A faint gradient across the picture.
    ramp = Image.linear_gradient("L").resize(size)
    if rng.random() < 0.5:
        ramp = ramp.transpose(Image.Transpose.ROTATE_90).resize(size)
    return Image.composite(Image.new("RGB", size, rgb), Image.new("RGB", size, _shade(rng, rgb, 0.9, 0.97)), ramp)


def draw(rng: np.random.Generator, scene: Scene, width: int, height: int) -> Image.Image:
    """The scene in that many pixels, smooth edges most of the time."""
    fine = 1 if rng.random() < 0.1 else (3 if max(width, height) < 260 else 2)
    size = (width * fine, height * fine)
    ground = random_color(rng, COLORS[scene.background])
    image = _background(rng, size, ground)
    canvas = ImageDraw.Draw(image)
    pen = rng.random() < 0.12
    pen_rgb = _shade(rng, (0, 0, 0), 1, 1) if rng.random() < 0.6 else (255, 255, 255)
    for kind, color, x, y, half in zip(scene.shape, scene.color, scene.x, scene.y, scene.half):
        name = SHAPES[kind]
        scale, centre = half * min(size), np.array([x * size[0], y * size[1]])
        turn = _turn(rng, name)
        fill = random_color(rng, COLORS[color])
        paths = [path @ turn.T * scale + centre for path in _outline(rng, name)]
        for path, paint in zip(paths, [fill, None]):
            corners = [tuple(point) for point in path]
            canvas.polygon(corners, fill=paint or image.getpixel((2, 2)))
            if pen:
                canvas.line([*corners, corners[0]], fill=pen_rgb, width=max(1, round(0.05 * scale)), joint="curve")
    if fine == 1:
        return image
    filters = [Image.Resampling.BOX, Image.Resampling.BILINEAR, Image.Resampling.BICUBIC]
    return image.resize((width, height), filters[int(rng.integers(3))])


def spoil(rng: np.random.Generator, image: Image.Image) -> Image.Image:
    """JPEG, blur and noise, each only sometimes."""
    if rng.random() < 0.15:
        image = image.filter(ImageFilter.GaussianBlur(rng.uniform(0.3, 0.006 * max(image.size))))
    if rng.random() < 0.2:
        pixels = np.asarray(image, np.float32)
        noise = rng.standard_normal(pixels.shape, np.float32) * rng.uniform(2, 14)
        image = Image.fromarray(np.clip(pixels + noise, 0, 255).astype(np.uint8))
    if rng.random() < 0.5:
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=int(rng.integers(55, 96)), subsampling=int(rng.integers(3)))
        image = Image.open(buffer).convert("RGB")
    return image


def to_tile(image: Image.Image) -> np.ndarray:
    """`Idefics3ImageProcessor` without splitting: longest side to the tile, then the aspect is given up."""
    width, height = image.size
    even = lambda side: max(1, side + side % 2)
    if width >= height:
        size = (TILE, even(int(TILE * height / width)))
    else:
        size = (even(int(TILE * width / height)), TILE)
    image = image.convert("RGB").resize(size, Image.Resampling.LANCZOS)
    return np.asarray(image.resize((TILE, TILE), Image.Resampling.LANCZOS))


def random_size(rng: np.random.Generator) -> tuple[int, int]:
    aspect = ASPECTS[int(rng.integers(len(ASPECTS)))]
    longest = int(rng.integers(90, 420))
    return (longest, round(longest / aspect)) if aspect >= 1 else (round(longest * aspect), longest)
