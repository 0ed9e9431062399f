"""Has Debian's flite speak random sentences, and keeps the sound with the times of all phones and words.

    python speak.py SPEECH.npz COUNT SEED [held-out]

Sentence i depends on (seed, i) only. With `held-out`: the sentences that are never learnt from.
"""

import subprocess
import sys
import tempfile
import wave
from pathlib import Path

import numpy as np

from sentences import all_words, sentence_of

RATE = 16_000
VOICES = ["kal", "kal16", "awb", "rms", "slt"]
SILENCE = "pau"
PHONES = (
    "pau aa ae ah ao aw ax ay b ch d dh eh er ey f g hh ih iy jh k l m n ng ow oy p r s sh t th uh uw v w y z zh"
).split()


def flite(voice: str, text: str, path: Path, stretch: float = 1.0) -> list[tuple[str, float]]:
    """Speaks into a WAV file; gives every phone with its end in seconds."""
    pace = ["--setf", f"duration_stretch={stretch:.3f}"]
    command = ["flite", "-voice", voice, *pace, "-psdur", "-t", text, "-o", str(path)]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    phones = [one.rsplit(":", 1) for one in said.split()]
    return [(name, float(end)) for name, end in phones]


def upsample(samples: np.ndarray) -> np.ndarray:
    """Twice the rate, by zeros behind the spectrum."""
    spectrum = np.fft.rfft(samples)
    return np.fft.irfft(np.concatenate([spectrum, np.zeros(len(samples) - len(spectrum) + 1)]), 2 * len(samples)) * 2


def read_wav(path: Path) -> np.ndarray:
    """Samples i16 at 16 kHz."""
    with wave.open(str(path)) as file:
        samples, rate = np.frombuffer(file.readframes(file.getnframes()), np.int16), file.getframerate()
    if rate == RATE:
        return samples
    if 2 * rate != RATE:
        raise ValueError(f"{path}: {rate} Hz")
    return np.clip(np.round(upsample(samples.astype(np.float64))), -32768, 32767).astype(np.int16)


def phone_counts(folder: Path) -> dict[str, int]:
    """How many phones a word has: the same in all voices, whatever stands around it."""
    counts = {}
    for word in all_words():
        phones = flite("kal", word, folder / "word.wav")
        counts[word] = sum(name != SILENCE for name, _ in phones)
    return counts


def word_spans(sentence: str, phones: list[tuple[str, float]], counts: dict[str, int]) -> list[tuple[float, float]]:
    """Beginning and end of every word in seconds. Throws when the phones are not those of the words."""
    begins = [0.0, *(end for _, end in phones)]
    spoken = [(begin, end) for (name, end), begin in zip(phones, begins) if name != SILENCE]
    spans, at = [], 0
    for word in sentence.split():
        last = at + counts[word] - 1
        spans.append((spoken[at][0], spoken[last][1]))
        at = last + 1
    if at != len(spoken):
        raise ValueError(f"{sentence}: {len(spoken)} phones instead of {at}")
    return spans


def main() -> None:
    path, count, seed, held_out = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4:] == ["held-out"]
    sounds, texts, voices, words, phones, refused = [], [], [], [], [], 0
    with tempfile.TemporaryDirectory() as folder:
        counts = phone_counts(Path(folder))
        for index in range(count):
            rng = np.random.default_rng([seed, index])
            sentence, voice = sentence_of(rng, held_out), VOICES[index % len(VOICES)]
            spoken = flite(voice, sentence, Path(folder) / "one.wav", rng.uniform(0.85, 1.2))
            try:
                spans = word_spans(sentence, spoken, counts)
            except (ValueError, IndexError) as error:
                refused += 1
                print(error, flush=True)
                continue
            sounds.append(read_wav(Path(folder) / "one.wav"))
            texts.append(sentence)
            voices.append(VOICES.index(voice))
            words.append(np.array(spans, np.float32))
            phones.append(np.array([(PHONES.index(name), end) for name, end in spoken], np.float32))
            if (index + 1) % 1000 == 0:
                print(f"{index + 1} spoken", flush=True)
    lengths = lambda parts: np.cumsum([0, *map(len, parts)])
    pool = {
        **{"sound": np.concatenate(sounds), "sound_at": lengths(sounds), "text": np.array(texts)},
        **{"words": np.concatenate(words), "words_at": lengths(words), "voice": np.array(voices)},
        **{"phones": np.concatenate(phones), "phones_at": lengths(phones)},
    }
    np.savez(path, **pool)
    print(f"{len(texts)} sentences, {len(pool['sound']) / RATE / 60:.1f} minutes, {refused} refused")


if __name__ == "__main__":
    main()
