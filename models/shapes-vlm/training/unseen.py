"""How the torch model does on pictures of the other renderer (`draw-unseen.mjs`): the whole answer has to be right."""

import json
from pathlib import Path

import numpy as np
import torch
from PIL import Image

import sentences
from conversations import END_ID, IMAGE_ID, decode, prompt
from drawing import to_tile
from scenes import COLORS, SHAPES, Scene
from see import as_seen

LONGEST_ANSWER = 32
QUESTIONS = {
    "background": ("What color is the background?", sentences.background_answer),
    "count": ("How many shapes are there?", sentences.count_answer),
    "color": ("What color are the shapes?", sentences.colors_answer),
    "shape": ("What shapes are there?", sentences.shapes_answer),
    "caption": ("Describe the following image. Answer in 20 words or less.", sentences.caption),
}


def read_scene(entry: dict) -> Scene:
    values = lambda name: [shape[name] for shape in entry["shapes"]]
    kinds, colors = [SHAPES.index(k) for k in values("kind")], [COLORS.index(c) for c in values("color")]
    return Scene(COLORS.index(entry["background"]), kinds, colors, values("x"), values("y"), values("half"))


@torch.no_grad()
def greedy(model, image_tokens, ids: list[int]) -> list[str]:
    """The answers to one prompt about many pictures [B, 16, D]."""
    tokens = torch.tensor(ids).expand(len(image_tokens), -1)
    ended = torch.zeros(len(tokens), dtype=torch.bool)
    for _ in range(LONGEST_ANSWER):
        length = tokens.shape[1]
        mask = torch.full((1, length, length), -1e9).triu(1)
        embeddings = model.embed(tokens, image_tokens, IMAGE_ID)
        last = torch.zeros(tokens.shape, dtype=torch.bool)
        last[:, -1] = True
        positions = torch.arange(length).expand(len(tokens), -1)
        following = model.decoder(embeddings, positions, mask, last).argmax(1)
        following[ended] = END_ID
        ended |= following == END_ID
        tokens = torch.cat([tokens, following[:, None]], 1)
        if ended.all():
            break
    return [decode(row[len(ids) :]).strip() for row in tokens.tolist()]


class Unseen:
    def __init__(self, folder: str):
        entries = json.loads((Path(folder) / "scenes.json").read_text())
        self.scenes = [read_scene(entry) for entry in entries]
        self.pixels = np.stack([to_tile(Image.open(Path(folder) / entry["file"])) for entry in entries])

    @torch.no_grad()
    def examine(self, model) -> str:
        image_tokens = model.look(as_seen(self.pixels))
        parts = []
        for kind, (question, expected) in QUESTIONS.items():
            answers = greedy(model, image_tokens, prompt(question))
            right = np.array([answer == expected(scene) for answer, scene in zip(answers, self.scenes)])
            by_count = [right[[scene.count == n for scene in self.scenes]].mean() for n in (1, 2, 3)]
            parts.append(f"{kind} {right.mean():.3f} ({'/'.join(f'{part:.2f}' for part in by_count)})")
        return ", ".join(parts)
