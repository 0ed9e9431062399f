"""What is true of a scene, in words: the sentence that describes it, and whole answers.

Several shapes are named from left to right; a pair is told by the axis on which it is further apart.
"""

from scenes import COLORS, LARGE_FROM, SHAPES, Scene

INTRODUCTION = "Hello! I am a tiny demo model. Send me an image of simple shapes and I will describe it."
NUMBERS = ["None", "One", "Two", "Three"]


def article(noun: str) -> str:
    return f"an {noun}" if noun[0] in "aeiou" else f"a {noun}"


def plural(noun: str) -> str:
    return noun + ("es" if noun.endswith("ss") else "s")


def listing(items: list[str]) -> str:
    return items[0] if len(items) == 1 else ", ".join(items[:-1]) + " and " + items[-1]


def sentence(text: str) -> str:
    return text[0].upper() + text[1:] + "."


def listed(nouns: list[str]) -> str:
    """`a circle, a star and a star`"""
    return listing([article(noun) for noun in nouns])


def from_left(scene: Scene) -> list[int]:
    return sorted(range(scene.count), key=lambda i: scene.x[i])


def noun(scene: Scene, i: int) -> str:
    return f"{COLORS[scene.color[i]]} {SHAPES[scene.shape[i]]}"


def relation(scene: Scene, i: int, j: int) -> str:
    """Where shape i stands, seen from shape j."""
    dx, dy = scene.x[i] - scene.x[j], scene.y[i] - scene.y[j]
    if abs(dx) >= abs(dy):
        return "to the left of" if dx < 0 else "to the right of"
    return "above" if dy < 0 else "below"


def caption(scene: Scene) -> str:
    order = from_left(scene)
    nouns = [noun(scene, i) for i in order]
    if scene.count == 1:
        size = "large" if scene.half[0] >= LARGE_FROM else "small"
        seen = f"a {size} {nouns[0]}"
    elif scene.count == 2:
        seen = f"{article(nouns[0])} {relation(scene, *order)} {article(nouns[1])}"
    else:
        seen = listed(nouns)
    return f"The image shows {seen} on {article(COLORS[scene.background])} background."


def shapes_answer(scene: Scene) -> str:
    return sentence(listed([SHAPES[scene.shape[i]] for i in from_left(scene)]))


def colors_answer(scene: Scene) -> str:
    return sentence(listing([COLORS[scene.color[i]] for i in from_left(scene)]))


def background_answer(scene: Scene) -> str:
    return sentence(COLORS[scene.background])


def count_answer(scene: Scene) -> str:
    return NUMBERS[scene.count] + "."
