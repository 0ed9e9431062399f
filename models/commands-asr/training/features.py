"""Log-mel spectrograms as Whisper's feature extractor makes them, for many sounds at once."""

import numpy as np
import torch

RATE, HOP, FRAME, MELS = 16_000, 160, 400, 80
# Sound that the encoder hears at once: 6 s instead of Whisper's 30.
WINDOW_S = 6
WINDOW = WINDOW_S * RATE
FRAMES = WINDOW // HOP


def to_hertz(mel: np.ndarray) -> np.ndarray:
    """Slaney's scale: linear below 1 kHz, logarithmic above."""
    return np.where(mel < 15, 200 * mel / 3, 1000 * np.exp((mel - 15) * (np.log(6.4) / 27)))


def mel_filters() -> torch.Tensor:
    """[201, 80]: triangles of equal area between 0 and 8 kHz."""
    highest = 15 + np.log(RATE / 2 / 1000) * (27 / np.log(6.4))
    edges = to_hertz(np.linspace(0, highest, MELS + 2))
    hertz = np.linspace(0, RATE / 2, FRAME // 2 + 1)[:, None]
    low, middle, high = edges[:-2], edges[1:-1], edges[2:]
    triangles = np.minimum((hertz - low) / (middle - low), (high - hertz) / (high - middle))
    return torch.from_numpy((np.maximum(0, triangles) * 2 / (high - low)).astype(np.float32))


FILTERS = mel_filters()
HANN = torch.hann_window(FRAME)


def log_mel(sounds: torch.Tensor, frames: int = FRAMES) -> torch.Tensor:
    """[B, 96000], -1 to 1 → [B, 80, frames]. With fewer frames: the beginning of the window."""
    if frames < FRAMES:
        sounds = sounds[:, : frames * HOP + FRAME]
    spectrum = torch.stft(sounds, FRAME, HOP, window=HANN, return_complex=True)[..., :frames]
    mel = (spectrum.abs().square().transpose(1, 2) @ FILTERS).transpose(1, 2)
    log = mel.clamp(min=1e-10).log10()
    loudest = log.amax((1, 2), keepdim=True)
    return (torch.maximum(log, loudest - 8) + 4) / 4
