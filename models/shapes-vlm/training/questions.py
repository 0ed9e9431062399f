"""Questions about a scene as people type them, drawn at random, each with its answer."""

import numpy as np

from scenes import COLORS, LARGE_FROM, SHAPES, Scene
from sentences import (
    INTRODUCTION,
    NUMBERS,
    article,
    background_answer,
    caption,
    colors_answer,
    count_answer,
    from_left,
    listed,
    listing,
    noun,
    plural,
    relation,
    sentence,
    shapes_answer,
)

ASK = {
    "caption": [
        "Describe the following image. Answer in 20 words or less.", "Describe the following image.",
        "Describe this image.", "Describe the image.", "Describe the image in detail.", "Describe this picture briefly.",
        "What is in this image?", "What is in the image?", "What is in this picture?", "What do you see?",
        "What does the image show?", "What is this?", "What can you see in this photo?", "Tell me what you see.",
        "Caption:", "Write a caption.", "Caption this image.", "Please describe the picture in one sentence.",
        "Can you describe this image?", "Give a short description.", "List the objects.", "",
    ],
    "background": [
        "What color is the background?", "What colour is the background?", "What is the background color?",
        "What is the color of the background?", "Which color is the background?", "Which color does the background have?",
        "Background color?",
    ],
    "count": [
        "How many shapes are there?", "How many objects are there?", "How many shapes are in the image?",
        "How many shapes do you see?", "How many things are there?", "How many shapes does the image show?",
        "Count the shapes.", "How many shapes?",
    ],
    "shape": [
        "What shape is it?", "What shape is this?", "Which shape is this?", "What shapes are there?",
        "Which shapes are there?", "Which shapes do you see?", "What shape is in the image?", "What shape do you see?",
        "What is the shape?",
    ],
    "color": [
        "What color is it?", "What color is the shape?", "What colour is the shape?", "What color is the object?",
        "What color are the shapes?", "What colors do the shapes have?", "What is the color of the shape?",
        "Which color is the shape?",
    ],
    "color_of": ["What color is the {}?", "What colour is the {}?", "What is the color of the {}?", "Which color is the {}?"],
    "shape_of": ["What shape is the {} one?", "Which shape is {}?", "What is {}?", "What is the {} shape?",
                 "What shape is the {} object?"],
    "number_of": ["How many {} are there?", "How many {} do you see?", "How many {} are in the image?", "Count the {}."],
    "exists": ["Is there {}?", "Do you see {}?", "Can you see {}?", "Is there {} in the image?"],
    "ground": ["Is the background {}?", "Is it on a {} background?"],
    "size": ["Is it large or small?", "How large is it?", "What size is it?", "How big is the {}?", "Is the {} large or small?",
             "How large is the {}?"],
    "side": ["What is {}?", "What shape is {}?", "Which shape is {}?", "What do you see {}?"],
    "where": ["Where is the {}?", "Where is the {} in the image?"],
    "introduction": ["Who are you?", "What are you?", "Hello", "Hello!", "Hi", "Hi there!", "What can you do?",
                     "Tell me about you.", "Are you a model?", "What is your name?", "Help"],
}
WEIGHTS = {
    "caption": 0.3, "background": 0.07, "count": 0.09, "shape": 0.1, "color": 0.07, "color_of": 0.08, "shape_of": 0.06,
    "number_of": 0.04, "exists": 0.06, "ground": 0.02, "size": 0.02, "side": 0.04, "where": 0.1, "unknown": 0.04,
    "introduction": 0.01,
}
UNKNOWN = ["Write a poem about the sea.", "Tell me a joke.", "What is the capital of France?", "Translate this to French.",
           "Answer briefly.", "What is the weather like?", "What time is it?", "Is this art?", "Why?", "Go on.", "test"]
WORDS = ("a about after all also and any are as at be because but by can come could day do even find first for from get "
         "give go good have he her here him his I if in into just know like look make me most my new no not now of on only "
         "or other our out people say she so some take than that the their them then these they think this time to up use "
         "very want was way we well went were what when who will with work would year you your house water music number "
         "city dog cat car tree phone price table please explain story write read name").split()
SYSTEM = ["You are a helpful assistant.", "You are a helpful vision model.", "Answer briefly.", "Be brief.",
          "Answer in one sentence.", "You describe images.", "Be precise and polite."]
SUFFIXES = [" Answer in 20 words or less.", " Answer briefly.", " Answer in one word.", " Please answer.", " Be brief."]
SIDES = {"left": "on the left", "right": "on the right", "top": "at the top", "bottom": "at the bottom"}


def _pick(rng, items):
    return items[int(rng.integers(len(items)))]


def _any_shape(rng, scene):
    """A shape of the picture two times in three, else any."""
    return int(_pick(rng, scene.shape)) if rng.random() < 0.67 else int(rng.integers(len(SHAPES)))


def _any_color(rng, scene):
    return int(_pick(rng, scene.color)) if rng.random() < 0.67 else int(rng.integers(len(COLORS)))


def _color_of(rng, scene):
    shape = _any_shape(rng, scene)
    colors = [COLORS[scene.color[i]] for i in from_left(scene) if scene.shape[i] == shape]
    return SHAPES[shape], sentence(listing(colors)) if colors else f"There is no {SHAPES[shape]}."


def _shape_of(rng, scene):
    color = _any_color(rng, scene)
    shapes = [SHAPES[scene.shape[i]] for i in from_left(scene) if scene.color[i] == color]
    return COLORS[color], sentence(listed(shapes)) if shapes else f"Nothing is {COLORS[color]}."


def _number_of(rng, scene):
    if rng.random() < 0.6:
        shape = _any_shape(rng, scene)
        return plural(SHAPES[shape]), NUMBERS[scene.shape.count(shape)] + "."
    color = _any_color(rng, scene)
    return f"{COLORS[color]} shapes", NUMBERS[scene.color.count(color)] + "."


def _exists(rng, scene):
    kind = rng.random()
    if kind < 0.4:
        shape = _any_shape(rng, scene) if rng.random() < 0.6 else int(rng.integers(len(SHAPES)))
        return article(SHAPES[shape]), "Yes." if shape in scene.shape else "No."
    if kind < 0.6:
        color = _any_color(rng, scene) if rng.random() < 0.6 else int(rng.integers(len(COLORS)))
        return f"anything {COLORS[color]}", "Yes." if color in scene.color else "No."
    i = int(rng.integers(scene.count))
    shape, color = scene.shape[i], scene.color[i]
    if rng.random() < 0.5:
        shape, color = (_any_shape(rng, scene), color) if rng.random() < 0.5 else (shape, _any_color(rng, scene))
    is_there = (shape, color) in zip(scene.shape, scene.color)
    return article(f"{COLORS[color]} {SHAPES[shape]}"), "Yes." if is_there else "No."


def _ground(rng, scene):
    color = scene.background if rng.random() < 0.5 else _any_color(rng, scene)
    return COLORS[color], "Yes." if color == scene.background else "No."


def _size(rng, scene):
    if scene.count != 1:
        return None
    return SHAPES[scene.shape[0]], "Large." if scene.half[0] >= LARGE_FROM else "Small."


def _side(rng, scene):
    side = _pick(rng, list(SIDES))
    values = np.array(scene.x if side in ("left", "right") else scene.y)
    order = np.argsort(values if side in ("left", "top") else -values)
    if scene.count < 2 or abs(values[order[0]] - values[order[1]]) < 0.12:
        return None
    return SIDES[side], sentence(article(noun(scene, int(order[0]))))


def _third(value: float, words: tuple[str, str, str]):
    if value < 0.36:
        return words[0]
    return words[2] if value > 0.64 else words[1] if 0.42 < value < 0.58 else None


def _where(rng, scene):
    i = int(rng.integers(scene.count))
    asked = SHAPES[scene.shape[i]]
    if scene.count == 2 and scene.shape[0] != scene.shape[1]:
        return asked, sentence(f"{relation(scene, i, 1 - i)} the {noun(scene, 1 - i)}")
    column = _third(scene.x[i], ("left", "middle", "right"))
    row = _third(scene.y[i], ("top", "middle", "bottom"))
    if scene.count != 1 or row is None or column is None:
        return None
    if row == column:
        return asked, "In the middle."
    if row == "middle":
        return asked, f"On the {column}."
    return asked, f"At the {row}." if column == "middle" else f"At the {row} {column}."


FILLED = {"color_of": _color_of, "shape_of": _shape_of, "number_of": _number_of, "exists": _exists, "ground": _ground,
          "size": _size, "side": _side, "where": _where}
PLAIN = {"caption": caption, "unknown": caption, "background": background_answer, "count": count_answer,
         "shape": shapes_answer, "color": colors_answer, "introduction": lambda scene: INTRODUCTION}
KINDS, CHANCES = list(WEIGHTS), np.array(list(WEIGHTS.values())) / sum(WEIGHTS.values())


def chatter(rng) -> str:
    """A text that asks for nothing the model knows."""
    if rng.random() < 0.4:
        return _pick(rng, UNKNOWN)
    words = [_pick(rng, WORDS) for _ in range(int(rng.integers(1, 9)))]
    return " ".join(words).capitalize() + _pick(rng, ["?", ".", "", "!"])


def _rough(rng, question: str) -> str:
    """As people type it."""
    if question and rng.random() < 0.08:
        question = question[0].lower() + question[1:]
    if rng.random() < 0.06:
        question = question.rstrip("?.")
    return question + _pick(rng, SUFFIXES) if rng.random() < 0.12 else question


def question_and_answer(rng: np.random.Generator, scene: Scene) -> tuple[str, str]:
    while True:
        kind = KINDS[int(rng.choice(len(KINDS), p=CHANCES))]
        if kind == "unknown":
            return chatter(rng), caption(scene)
        question = _pick(rng, ASK[kind])
        if kind in PLAIN:
            return _rough(rng, question), PLAIN[kind](scene)
        filled = FILLED[kind](rng, scene)
        if filled is not None:
            return _rough(rng, question.format(filled[0])), filled[1]


def question_without_image(rng: np.random.Generator, scene: Scene) -> str:
    kind = rng.random()
    if kind < 0.4:
        return _rough(rng, _pick(rng, ASK["introduction"]))
    return chatter(rng) if kind < 0.7 else question_and_answer(rng, scene)[0]
