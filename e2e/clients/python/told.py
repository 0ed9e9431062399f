"""What the test told on standard input, and how a script answers it."""

import json
import sys
import traceback
from types import SimpleNamespace

WORLD = SimpleNamespace(**json.load(sys.stdin))
MODELS = SimpleNamespace(**WORLD.models)

features = {}


def feature(function):
    """Runs one feature after the other, so that one that fails does not hide the others."""
    features[function.__name__] = function
    return function


def outcome(function, *args):
    try:
        return function(*args)
    except Exception:
        return {"failed": traceback.format_exc()}


def tell(results):
    json.dump(results, sys.stdout)
