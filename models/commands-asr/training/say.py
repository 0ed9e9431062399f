"""Writes held-out sentences as WAV files, each another one, for exams.

    python say.py FOLDER COUNT SEED [clean | spoiled | espeak]

`clean`: as flite speaks, all voices in turn. `spoiled`: also faster or slower, quiet, with echo and noise, as in the
training. `espeak`: by eSpeak NG, another kind of synthesizer, which was never heard in the training.
"""

import json
import subprocess
import sys
import wave
from pathlib import Path

import numpy as np

from features import RATE
from rooms import Speech, scene_of
from sentences import sentence_of
from speak import VOICES

ESPEAK_VOICES = ["en-us", "en-gb", "en-us+f3"]


def write_wav(path: Path, sound: np.ndarray) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(np.clip(np.round(sound * 32768), -32768, 32767).astype("<i2").tobytes())


def say_espeak(folder: Path, count: int, seed: int) -> list[dict]:
    rng, texts = np.random.default_rng(seed), {}
    while len(texts) < count:
        texts[sentence_of(rng, True)] = None
    said = []
    for at, text in enumerate(texts):
        voice = ESPEAK_VOICES[at % len(ESPEAK_VOICES)]
        subprocess.run(["espeak-ng", "-v", voice, "-s", "150", "-w", str(folder / f"{at}.wav"), text], check=True)
        said.append({"file": f"{at}.wav", "text": text, "voice": voice})
    return said


def say_flite(folder: Path, count: int, seed: int, is_spoiled: bool) -> list[dict]:
    path = folder / "speech.npz"
    speak = [sys.executable, Path(__file__).with_name("speak.py"), path]
    # The grammar makes short sentences more than once.
    subprocess.run([*speak, str(3 * count), str(seed), "held-out"], check=True)
    speech, said = Speech([str(path)]), []
    path.unlink()
    first = {speech.get(at)[1]: at for at in reversed(range(len(speech)))}
    for at in sorted(first.values())[:count]:
        clip = speech.get(at)
        sound, text, words, _, voice = clip
        if is_spoiled:
            rng = np.random.default_rng([seed, at])
            scene = scene_of(rng, clip, is_long=bool(rng.random() < 0.5))
            sound, words = scene.sound[: int(scene.length_s * RATE)], scene.words
        write_wav(folder / f"{at}.wav", sound)
        times = {"startS": float(words[0, 0]), "endS": float(words[-1, 1])}
        said.append({"file": f"{at}.wav", "text": text, "voice": VOICES[voice], **times})
    return said


def main() -> None:
    folder, count, seed, kind = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), (sys.argv[4:] or ["clean"])[0]
    folder.mkdir(parents=True, exist_ok=True)
    said = say_espeak(folder, count, seed) if kind == "espeak" else say_flite(folder, count, seed, kind == "spoiled")
    (folder / "said.json").write_text(json.dumps(said, indent=1) + "\n")


if __name__ == "__main__":
    main()
