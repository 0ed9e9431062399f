"""The model in torch: a vision encoder that finds shapes, and a Llama decoder that speaks.

Shapes are noted as [batch, …]. D = 128 is the size of an embedding, T = 16 the image tokens of a tile.
"""

import math

import torch
from torch import nn
from torch.nn import functional as F

from scenes import COLORS, SHAPES

VOCABULARY, HIDDEN, LAYERS, HEADS, KV_HEADS, HEAD_SIZE, INTERMEDIATE = 538, 128, 4, 4, 2, 32, 352
MAX_POSITIONS, ROPE_THETA, RMS_EPSILON = 512, 10000.0, 1e-5
GRID, SHUFFLE, FEATURES = 8, 2, 128
# Shapes that are told to the decoder at most; where the detector's outputs are; when it is believed: a shape centred on
# the corner of four patches is a quarter in each, so a logit well below zero is enough.
FOUND, PLACE, PRESENT_FROM, NOWHERE = 8, 1 + len(SHAPES) + len(COLORS), -2.4, -1e4
PLACE_SCALE, SIGN_SCALE = 4.0, 20.0


class ConvNorm(nn.Sequential):
    def __init__(self, inner: int, outer: int, stride: int = 1):
        super().__init__(nn.Conv2d(inner, outer, 3, stride, 1, bias=False), nn.BatchNorm2d(outer))


class Residual(nn.Module):
    def __init__(self, width: int):
        super().__init__()
        self.first, self.second = ConvNorm(width, width), ConvNorm(width, width)

    def forward(self, x):
        return F.relu(x + self.second(F.relu(self.first(x))))


class VisionEncoder(nn.Module):
    """[B, 3, 128, 128] → patch features [B, 128, 8, 8] by convolutions in the place of a ViT, one per 16 px patch."""

    def __init__(self):
        super().__init__()
        self.stem = ConvNorm(3, 16, 2)
        self.down4, self.block4 = ConvNorm(16, 32, 2), Residual(32)
        self.down8, self.block8 = ConvNorm(32, 64, 2), Residual(64)
        self.down16 = ConvNorm(64, FEATURES, 2)
        self.block16 = nn.Sequential(Residual(FEATURES), Residual(FEATURES))

    def forward(self, pixels):
        x = self.block4(F.relu(self.down4(F.relu(self.stem(pixels)))))
        x = self.block8(F.relu(self.down8(x)))
        return self.block16(F.relu(self.down16(x)))


class Detector(nn.Module):
    """What stands in each patch: [B, 1+6+9+3, 8, 8] of presence, shape, colour, place in the patch and size."""

    def __init__(self):
        super().__init__()
        self.patch = nn.Conv2d(FEATURES, 1 + len(SHAPES) + len(COLORS) + 3, 1)
        # Only for training.
        self.ground = nn.Linear(FEATURES, len(COLORS))

    def forward(self, features):
        return self.patch(features), self.ground(features.mean((2, 3)))


def find(patch):
    """Detector output → the patches [B, 8] that hold a shape, from left to right, then any; their places [B, 8, 2] as
    fractions of the tile; and whether there is a shape [B, 8]. Of patches side by side only the surest counts."""
    presence = patch[:, 0]
    is_peak = (presence >= F.max_pool2d(presence, 3, 1, 1)) & (presence > PRESENT_FROM)
    surest = torch.where(is_peak, presence, torch.full_like(presence, NOWHERE)).flatten(1).topk(FOUND)
    offsets = patch[:, PLACE : PLACE + 2].flatten(2)
    which = surest.indices[:, None].expand(-1, 2, -1)
    corners = torch.stack([surest.indices % GRID, surest.indices // GRID], 1)
    places = (corners + offsets.gather(2, which)) / GRID
    is_there = surest.values > NOWHERE
    order = torch.where(is_there, places[:, 0], torch.full_like(places[:, 0], -NOWHERE)).topk(FOUND, largest=False).indices
    places = places.gather(2, order[:, None].expand(-1, 2, -1)).transpose(1, 2)
    return surest.indices.gather(1, order), places, is_there.gather(1, order)


class Connector(nn.Module):
    """Patch features and what the detector found in them → image embeddings [B, 16, D]: eight for shapes, from left to
    right, each with its place and the way to it from the one before; and eight for the rows of the grid, each the mean
    of its patches."""

    def __init__(self):
        super().__init__()
        linear = lambda inner, outer: nn.Linear(inner, outer)
        self.shape_in, self.shape_out = linear(FEATURES + 5, 256), linear(256, HIDDEN)
        # Places on a way of their own, loud enough to be heard beside the features from the first step on.
        self.where = linear(9, HIDDEN)
        nn.init.normal_(self.where.weight, std=0.5)
        self.nothing = nn.Parameter(torch.randn(HIDDEN) * 0.5)
        self.row = linear(FEATURES, HIDDEN)

    def forward(self, features, patch):
        which, places, is_there = find(patch)
        chosen = features.flatten(2).transpose(1, 2).gather(1, which[..., None].expand(-1, -1, FEATURES))
        ways = places - torch.cat([places[:, :1], places[:, :-1]], 1)
        # More beside it or more above it? A pair is told by that.
        slant = ways[..., :1].abs() - ways[..., 1:].abs()
        where = torch.cat([places, ways, slant], 2) * PLACE_SCALE
        # The same towards the next one, for the words that follow a shape's own name; nothing behind the last.
        has_next = torch.cat([is_there[:, 1:], torch.zeros_like(is_there[:, :1])], 1)[..., None]
        onward = torch.cat([torch.cat([ways, slant], 2)[:, 1:, 1:], torch.zeros_like(ways[:, :1])], 1) * has_next
        signs = torch.tanh(torch.cat([ways[..., 1:], slant, onward], 2) * SIGN_SCALE)
        shapes = self.shape_out(F.relu(self.shape_in(torch.cat([chosen, where], 2))))
        shapes = shapes + self.where(torch.cat([where, signs], 2))
        shapes = torch.where(is_there[..., None], shapes, self.nothing)
        return torch.cat([shapes, self.row(features.mean(3).transpose(1, 2))], 1)


class RmsNorm(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(HIDDEN))

    def forward(self, x):
        return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + RMS_EPSILON) * self.weight


def rope_tables():
    """Cosines and sines [512, 16]."""
    speeds = ROPE_THETA ** (-torch.arange(0, HEAD_SIZE, 2).float() / HEAD_SIZE)
    angles = torch.arange(MAX_POSITIONS).float()[:, None] * speeds
    return angles.cos(), angles.sin()


def rotate(x, cos, sin):
    """x [B, heads, S, 32], cos and sin [B, 1, S, 16]; halves are rotated, not neighbours."""
    a, b = x.chunk(2, -1)
    return torch.cat([a * cos - b * sin, b * cos + a * sin], -1)


def lowered(x):
    """Under autocast: rounded once for all the products that take it."""
    return x.bfloat16() if torch.is_autocast_cpu_enabled() else x


class Layer(nn.Module):
    def __init__(self):
        super().__init__()
        linear = lambda inner, outer: nn.Linear(inner, outer, bias=False)
        self.ln1, self.ln2 = RmsNorm(), RmsNorm()
        self.q, self.o = linear(HIDDEN, HEADS * HEAD_SIZE), linear(HEADS * HEAD_SIZE, HIDDEN)
        self.k, self.v = linear(HIDDEN, KV_HEADS * HEAD_SIZE), linear(HIDDEN, KV_HEADS * HEAD_SIZE)
        self.gate, self.up = linear(HIDDEN, INTERMEDIATE), linear(HIDDEN, INTERMEDIATE)
        self.down = linear(INTERMEDIATE, HIDDEN)

    def attend(self, x, rope, mask):
        batch, length, _ = x.shape
        heads = lambda y: y.view(batch, length, -1, HEAD_SIZE).transpose(1, 2)
        q = rotate(heads(self.q(x)), *rope) / math.sqrt(HEAD_SIZE)
        k, v = rotate(heads(self.k(x)), *rope), heads(self.v(x))
        group = HEADS // KV_HEADS
        # Both query heads of a group against their one key head, without copying it.
        q = q.reshape(batch, KV_HEADS, group * length, HEAD_SIZE)
        weights = (q @ k.transpose(-1, -2)).view(batch, KV_HEADS, group, length, length) + mask[:, None, None]
        mixed = weights.softmax(-1).view(batch, KV_HEADS, group * length, length) @ v
        return self.o(mixed.view(batch, HEADS, length, HEAD_SIZE).transpose(1, 2).reshape(batch, length, -1))

    def forward(self, x, rope, mask, asked=None):
        """With `asked` [B, S]: only those tokens [N, D]."""
        x = x + self.attend(lowered(self.ln1(x)), rope, mask)
        if asked is not None:
            x = x[asked]
        y = lowered(self.ln2(x))
        return x + self.down(F.silu(self.gate(y).float()) * self.up(y))


class Decoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(VOCABULARY, HIDDEN)
        self.layers = nn.ModuleList(Layer() for _ in range(LAYERS))
        self.norm = RmsNorm()
        self.head = nn.Linear(HIDDEN, VOCABULARY, bias=False)
        for weight in self.parameters():
            if weight.dim() == 2:
                nn.init.normal_(weight, std=0.05)
        nn.init.normal_(self.embed.weight, std=0.5)
        cos, sin = rope_tables()
        self.register_buffer("cos", cos, persistent=False)
        self.register_buffer("sin", sin, persistent=False)

    def forward(self, embeddings, positions, mask, asked):
        """embeddings [B, S, D], positions [B, S], mask [B, S, S] of 0 and −1e9 → logits [N, 538] of the tokens asked."""
        rope = self.cos[positions][:, None], self.sin[positions][:, None]
        x = embeddings
        for layer in self.layers[:-1]:
            x = layer(x, rope, mask)
        return self.head(self.norm(self.layers[-1](x, rope, mask, asked)))


class ShapesVlm(nn.Module):
    def __init__(self):
        super().__init__()
        self.vision, self.detector = VisionEncoder(), Detector()
        self.connector, self.decoder = Connector(), Decoder()

    def look(self, pixels):
        """[B, 3, 128, 128] → image embeddings [B, 16, D]. What the first lesson taught stays as it is."""
        with torch.no_grad():
            features = self.vision(pixels).float()
            patch = self.detector.patch(features).float()
        return self.connector(features, patch)

    def embed(self, ids, image_tokens, image_id: int):
        """ids [B, S]; image tokens [B, 16, D] take the places of `image_id`, again from the first every 16."""
        embeddings = self.decoder.embed(ids)
        places = ids == image_id
        which = (places.cumsum(1) - 1).clamp(min=0) % image_tokens.shape[1]
        seen = image_tokens.gather(1, which[..., None].expand(-1, -1, HIDDEN))
        return torch.where(places[..., None], seen, embeddings)
