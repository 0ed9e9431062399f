"""Puts spoken sentences into windows: faster or slower, from afar, through bad microphones, in noise."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from features import RATE, WINDOW, WINDOW_S
from tokens import WORDS

WORD_IDS = {word: at + 1 for at, word in enumerate(WORDS)}
# Between two places of the encoder.
PLACE_S = 0.02
QUIETEST_DB, LOUDEST_DB = -42, -14
LONGEST_S = WINDOW_S - 0.3


@dataclass
class Scene:
    """One window; times are in seconds from its beginning."""

    sound: np.ndarray
    length_s: float
    text: str
    words: np.ndarray
    phones: np.ndarray


class Speech:
    """The sentences of one or more files of `speak.py`."""

    def __init__(self, paths: list[str]):
        self.pools = [dict(np.load(path)) for path in paths]
        self.places = [(pool, at) for pool in self.pools for at in range(len(pool["text"]))]

    def __len__(self) -> int:
        return len(self.places)

    def length(self, index: int) -> int:
        pool, at = self.places[index]
        return pool["sound_at"][at + 1] - pool["sound_at"][at]

    def get(self, index: int):
        """Sound f32, text, word spans [W, 2], phones [P, 2] of (phone, end), voice."""
        pool, at = self.places[index]
        part = lambda name: pool[name][pool[f"{name}_at"][at] : pool[f"{name}_at"][at + 1]]
        sound = part("sound").astype(np.float32) / 32768
        return sound, str(pool["text"][at]), part("words"), part("phones"), pool["voice"][at]


@lru_cache
def noises(count: int = 64) -> np.ndarray:
    """[count, WINDOW]: white noise with the spectrum tilted at random, of loudness 1. Begins and ends fit together."""
    rng = np.random.default_rng(0)
    spectra = np.fft.rfft(rng.standard_normal((count, WINDOW)))
    hertz = np.fft.rfftfreq(WINDOW, 1 / RATE)
    noise = np.fft.irfft(spectra * (1 + hertz / 300) ** -rng.uniform(0, 1.2, (count, 1)), WINDOW)
    return (noise / noise.std(1, keepdims=True)).astype(np.float32)


def noise(rng: np.random.Generator, length: int, decibels: float) -> np.ndarray:
    one = noises()[rng.integers(len(noises()))]
    return np.roll(one, rng.integers(WINDOW))[:length] * np.float32(10 ** (decibels / 20))


def echo(rng: np.random.Generator, sound: np.ndarray) -> np.ndarray:
    """A small room: sparse echoes that die away within a quarter of a second."""
    length = int(RATE * rng.uniform(0.05, 0.25))
    room = rng.standard_normal(length) * np.exp(-np.arange(length) * 7 / length) * rng.uniform(0.01, 0.06)
    room[0] = 1
    size = -(-(len(sound) + length) // 4096) * 4096
    return np.fft.irfft(np.fft.rfft(sound, size) * np.fft.rfft(room, size), size)[: len(sound)]


def spoil(rng: np.random.Generator, sound: np.ndarray) -> np.ndarray:
    if rng.random() < 0.2:
        sound = echo(rng, sound)
    if rng.random() < 0.5:
        # Brighter or duller.
        sound = sound + rng.uniform(-0.7, 0.7) * np.concatenate([[0], sound[:-1]])
    return sound


def loud(sound: np.ndarray, decibels: float) -> np.ndarray:
    return sound * (10 ** (decibels / 20) / (np.sqrt(np.mean(sound**2)) + 1e-6))


def silence(rng: np.random.Generator, length_s: float) -> Scene:
    """Nobody speaks."""
    sound = np.zeros(WINDOW, np.float32)
    length = int(length_s * RATE)
    if rng.random() < 0.8:
        sound[:length] = noise(rng, length, rng.uniform(-80, -20))
    return Scene(sound, length_s, "", np.zeros((0, 2), np.float32), np.zeros((0, 2), np.float32))


def scene_of(rng: np.random.Generator, clip, is_long: bool) -> Scene:
    """A window with the sentence somewhere in it. With `is_long` the recording may last as long as the window."""
    sound, text, words, phones, _ = clip
    pace = min(rng.uniform(0.88, 1.14), LONGEST_S * RATE / len(sound))
    # Of the silence around the sentence some is cut.
    begin_s, end_s = max(0.0, words[0, 0] - rng.uniform(0.03, 0.3)), words[-1, 1] + rng.uniform(0.1, 0.4)
    sound = sound[int(begin_s * RATE) : int(end_s * RATE)]
    sound = np.interp(np.arange(0, len(sound) - 1, 1 / pace), np.arange(len(sound)), sound)[: int(LONGEST_S * RATE)]
    sound = loud(spoil(rng, sound), rng.uniform(QUIETEST_DB, LOUDEST_DB))
    room_s = WINDOW_S - len(sound) / RATE
    offset_s = rng.uniform(0, min(room_s, room_s if is_long else 0.6)) if rng.random() < 0.6 else 0.0
    spoken_s = offset_s + len(sound) / RATE
    length_s = rng.uniform(spoken_s, WINDOW_S if is_long else min(WINDOW_S, spoken_s + 0.3))
    window = np.zeros(WINDOW, np.float32)
    start = int(offset_s * RATE)
    window[start : start + len(sound)] = sound
    length = int(length_s * RATE)
    if rng.random() < 0.7:
        level = 20 * np.log10(np.sqrt(np.mean(sound**2)) + 1e-6) - rng.uniform(8, 40)
        window[:length] += noise(rng, length, level)
    moved = lambda times: (times - begin_s) * pace + offset_s
    phones = np.stack([phones[:, 0], moved(phones[:, 1])], 1)
    return Scene(np.clip(window, -1, 1), length_s, text, moved(words), phones)


def phone_labels(scene: Scene, places: int) -> np.ndarray:
    """The phone at each place [places]; 0 is silence."""
    at = np.searchsorted(scene.phones[:, 1], np.arange(places) * PLACE_S, side="right")
    return np.append(scene.phones[:, 0], 0)[np.minimum(at, len(scene.phones))].astype(np.int64)


def word_labels(scene: Scene, places: int) -> np.ndarray:
    """The word at each place [places], from 1; 0 where there is none."""
    labels = np.zeros(places, np.int64)
    for word, (begin, end) in zip(scene.text.split(), scene.words):
        labels[int(np.ceil(begin / PLACE_S)) : int(np.ceil(end / PLACE_S))] = WORD_IDS[word]
    return labels
