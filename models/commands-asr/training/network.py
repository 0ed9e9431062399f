"""The model in torch: Whisper's encoder and decoder, small."""

import math

import torch
from torch import nn
from torch.nn import functional as F

from features import FRAMES, MELS
from tokens import VOCABULARY, WORDS
from speak import PHONES

WIDTH, HEADS, INNER, ENCODER_LAYERS, DECODER_LAYERS = 128, 4, 512, 2, 2
HEAD_SIZE = WIDTH // HEADS
SOURCE_POSITIONS, TARGET_POSITIONS = FRAMES // 2, 32
NEVER = -1e9


def sinusoids(length: int) -> torch.Tensor:
    """[length, WIDTH]: the encoder's positions."""
    speeds = torch.exp(-math.log(10000) / (WIDTH // 2 - 1) * torch.arange(WIDTH // 2))
    angles = torch.arange(length)[:, None] * speeds
    return torch.cat([angles.sin(), angles.cos()], 1)


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.q_proj, self.v_proj, self.out_proj = (nn.Linear(WIDTH, WIDTH) for _ in range(3))
        self.k_proj = nn.Linear(WIDTH, WIDTH, bias=False)

    def forward(self, x, other, mask=None):
        """x [B, S, D] attends to `other` [B, T, D] → [B, S, D], and the scores [B, heads, S, T] before the softmax."""
        heads = lambda y: y.view(y.shape[0], y.shape[1], HEADS, HEAD_SIZE).transpose(1, 2)
        q, k, v = heads(self.q_proj(x)), heads(self.k_proj(other)), heads(self.v_proj(other))
        scores = (q @ k.transpose(-1, -2)) / math.sqrt(HEAD_SIZE)
        if mask is not None:
            scores = scores + mask
        mixed = scores.softmax(-1) @ v
        return self.out_proj(mixed.transpose(1, 2).reshape(x.shape)), scores


class Layer(nn.Module):
    """Whisper's layer; with `listens` also attention to the encoder."""

    def __init__(self, listens: bool):
        super().__init__()
        self.self_attn, self.self_attn_layer_norm = Attention(), nn.LayerNorm(WIDTH)
        if listens:
            self.encoder_attn, self.encoder_attn_layer_norm = Attention(), nn.LayerNorm(WIDTH)
        self.fc1, self.fc2, self.final_layer_norm = nn.Linear(WIDTH, INNER), nn.Linear(INNER, WIDTH), nn.LayerNorm(WIDTH)

    def forward(self, x, mask=None, sound=None):
        before = self.self_attn_layer_norm(x)
        x = x + self.self_attn(before, before, mask)[0]
        scores = None
        if sound is not None:
            heard, scores = self.encoder_attn(self.encoder_attn_layer_norm(x), sound)
            x = x + heard
        return x + self.fc2(F.gelu(self.fc1(self.final_layer_norm(x)))), scores


def convolve(layer: nn.Conv1d, x):
    """[B, T, in] → [B, T / stride, out]. As a product: gradients of Debian's Conv1d are now and then not numbers."""
    padded, stride, places = F.pad(x, (0, 0, 1, 1)), layer.stride[0], x.shape[1]
    around = torch.cat([padded[:, at : at + places : stride] for at in range(3)], 2)
    return F.linear(around, layer.weight.permute(0, 2, 1).flatten(1), layer.bias)


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv1d(MELS, WIDTH, 3, padding=1), nn.Conv1d(WIDTH, WIDTH, 3, stride=2, padding=1)
        self.register_buffer("embed_positions", sinusoids(SOURCE_POSITIONS))
        self.layers = nn.ModuleList(Layer(listens=False) for _ in range(ENCODER_LAYERS))
        self.layer_norm = nn.LayerNorm(WIDTH)

    def forward(self, features):
        """[B, 80, frames] → [B, frames / 2, D]"""
        x = F.gelu(convolve(self.conv1, features.transpose(1, 2)))
        x = F.gelu(convolve(self.conv2, x))
        x = x + self.embed_positions[: x.shape[1]]
        for layer in self.layers:
            x, _ = layer(x)
        return self.layer_norm(x)


class Decoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed_tokens = nn.Embedding(VOCABULARY, WIDTH)
        self.embed_positions = nn.Parameter(torch.randn(TARGET_POSITIONS, WIDTH) * 0.05)
        self.layers = nn.ModuleList(Layer(listens=True) for _ in range(DECODER_LAYERS))
        self.layer_norm = nn.LayerNorm(WIDTH)
        nn.init.normal_(self.embed_tokens.weight, std=0.05)

    def forward(self, ids, sound):
        """ids [B, S] → logits [B, S, vocabulary], and per layer the scores of the first head [B, S, T]."""
        length = ids.shape[1]
        mask = torch.full((length, length), NEVER).triu(1)
        x = self.embed_tokens(ids) + self.embed_positions[:length]
        scores = []
        for layer in self.layers:
            x, heard = layer(x, mask, sound)
            scores.append(heard[:, 0])
        return self.layer_norm(x) @ self.embed_tokens.weight.T, scores


class CommandsAsr(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder, self.decoder = Encoder(), Decoder()
        # Only for training: what is said at each place of the encoder, as phone and as word.
        self.phone, self.word = nn.Linear(WIDTH, len(PHONES)), nn.Linear(WIDTH, len(WORDS) + 1)
