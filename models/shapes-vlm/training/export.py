"""Writes the three ONNX graphs and the configuration files of a checkpoint into the model's folder.

    python export.py CHECKPOINT.pt [FOLDER]

Names, axes and operators are those of the Hugging Face exports of Idefics3: `vision_encoder` keeps only tiles that are
not padding, `decoder_model_merged` is built on `com.microsoft.GroupQueryAttention`.
"""

import json
import sys
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch.nn.utils.fusion import fuse_conv_bn_eval

import network as n
from conversations import FOLDER, IMAGE_ID
from drawing import TILE

# What a reader of the configuration computes the number of image tokens from: (8 patches / 2)² = 16.
SCALE = 2
OPSETS = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
FLOAT, INT64, BOOL = TensorProto.FLOAT, TensorProto.INT64, TensorProto.BOOL


class Graph:
    """Collects nodes and weights; every node is named after its only result, or its first one."""

    def __init__(self):
        self.nodes, self.weights, self.count = [], [], 0

    def weight(self, name: str, value) -> str:
        array = value.detach().numpy() if isinstance(value, torch.Tensor) else np.asarray(value)
        self.weights.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def add(self, kind: str, *inputs: str, outputs: list[str] | None = None, domain: str = "", **attributes) -> str:
        self.count += 1
        outputs = outputs or [f"{kind}_{self.count}"]
        self.nodes.append(helper.make_node(kind, list(inputs), outputs, outputs[0], domain=domain, **attributes))
        return outputs[0]

    def save(self, path: Path, inputs, outputs) -> None:
        value = lambda one: helper.make_tensor_value_info(*one)
        graph = helper.make_graph(self.nodes, path.stem, [*map(value, inputs)], [*map(value, outputs)], self.weights)
        model = helper.make_model(graph, opset_imports=OPSETS, ir_version=8, producer_name="shapes-vlm")
        onnx.save(model, path)


def conv(graph: Graph, name: str, layer: n.ConvNorm, x: str) -> str:
    """A convolution with its batch normalisation folded in."""
    fused = fuse_conv_bn_eval(layer[0], layer[1])
    weight, bias = graph.weight(f"{name}.weight", fused.weight), graph.weight(f"{name}.bias", fused.bias)
    stride = list(fused.stride)
    return graph.add("Conv", x, weight, bias, kernel_shape=[3, 3], strides=stride, pads=[1, 1, 1, 1])


def residual(graph: Graph, name: str, block: n.Residual, x: str) -> str:
    inner = graph.add("Relu", conv(graph, f"{name}.first", block.first, x))
    return graph.add("Relu", graph.add("Add", x, conv(graph, f"{name}.second", block.second, inner)))


def real_tiles(graph: Graph) -> str:
    """[batch, images, 3, T, T] → [real tiles, 3, T, T]: a tile that is all zeros, or masked out, is padding."""
    tiles = graph.add("Reshape", "pixel_values", graph.weight("tile_shape", np.array([-1, 3, TILE, TILE])))
    highest = graph.add("ReduceMax", graph.add("Abs", tiles), axes=[1, 2, 3], keepdims=0)
    mask = graph.add("Reshape", "pixel_attention_mask", graph.weight("mask_shape", np.array([-1, TILE * TILE])))
    seen = graph.add("ReduceMax", graph.add("Cast", mask, to=FLOAT), axes=[1], keepdims=0)
    is_real = graph.add("Greater", graph.add("Mul", highest, seen), graph.weight("zero", np.float32(0)))
    return graph.add("Compress", tiles, is_real, axis=0)


def found(graph: Graph, patch: str) -> tuple[str, str, str]:
    """`network.find`: the patches [N, 8], their places [N, 8, 2], whether there is a shape [N, 8, 1]."""
    ints = lambda name, *values: graph.weight(name, np.array(values, np.int64))
    nowhere, first, cells = graph.weight("nowhere", np.float32(n.NOWHERE)), ints("axis_1", 1), n.GRID**2
    presence = graph.add("Slice", patch, ints("from_0", 0), ints("to_1", 1), first)
    around = graph.add("MaxPool", presence, kernel_shape=[3, 3], pads=[1, 1, 1, 1])
    threshold = graph.weight("present_from", np.float32(n.PRESENT_FROM))
    is_sure = graph.add("Greater", presence, threshold)
    is_peak = graph.add("And", graph.add("GreaterOrEqual", presence, around), is_sure)
    peaks = graph.add("Where", is_peak, presence, nowhere)
    peaks = graph.add("Reshape", peaks, ints("cells_shape", -1, cells))
    sure, which = "peak_values", "peak_cells"
    graph.add("TopK", peaks, ints("found", n.FOUND), outputs=[sure, which], axis=1)

    pair = lambda one, other: graph.add(
        "Concat", graph.add("Unsqueeze", one, first), graph.add("Unsqueeze", other, first), axis=1
    )
    offsets = graph.add("Slice", patch, ints("from_place", n.PLACE), ints("to_place", n.PLACE + 2), first)
    offsets = graph.add("Reshape", offsets, ints("offsets_shape", -1, 2, cells))
    offsets = graph.add("GatherElements", offsets, pair(which, which), axis=2)
    grid = graph.weight("grid", np.int64(n.GRID))
    corners = pair(graph.add("Mod", which, grid), graph.add("Div", which, grid))
    places = graph.add("Add", graph.add("Cast", corners, to=FLOAT), offsets)
    places = graph.add("Div", places, graph.weight("grid_size", np.float32(n.GRID)))

    across = graph.add("Slice", places, ints("from_x", 0), ints("to_x", 1), first)
    across = graph.add("Reshape", across, ints("found_shape", -1, n.FOUND))
    last = graph.weight("behind_all", np.float32(-n.NOWHERE))
    key = graph.add("Where", graph.add("Greater", sure, nowhere), across, last)
    graph.add("TopK", key, "found", outputs=["sorted_x", "from_left"], axis=1, largest=0)
    is_there = graph.add("Unsqueeze", graph.add("Less", "sorted_x", last), ints("axis_2", 2))
    places = graph.add("GatherElements", places, pair("from_left", "from_left"), axis=2)
    which = graph.add("GatherElements", which, "from_left", axis=1)
    return which, graph.add("Transpose", places, perm=[0, 2, 1]), is_there


def linear(graph: Graph, name: str, layer: torch.nn.Linear, x: str) -> str:
    product = graph.add("MatMul", x, graph.weight(f"{name}.weight", layer.weight.T))
    return graph.add("Add", product, graph.weight(f"{name}.bias", layer.bias))


def write_vision(model: n.ShapesVlm, path: Path) -> None:
    graph, vision, connector, detector = Graph(), model.vision, model.connector, model.detector.patch
    x = graph.add("Relu", conv(graph, "stem", vision.stem, real_tiles(graph)))
    for stage in ("4", "8", "16"):
        x = graph.add("Relu", conv(graph, f"down{stage}", getattr(vision, f"down{stage}"), x))
        block = getattr(vision, f"block{stage}")
        for at, one in enumerate([block] if isinstance(block, n.Residual) else block):
            x = residual(graph, f"block{stage}.{at}", one, x)
    weight, bias = graph.weight("detector.weight", detector.weight), graph.weight("detector.bias", detector.bias)
    which, places, is_there = found(graph, graph.add("Conv", x, weight, bias, kernel_shape=[1, 1]))

    cells = graph.add("Reshape", x, graph.weight("features_shape", np.array([-1, n.FEATURES, n.GRID**2])))
    cells = graph.add("Transpose", cells, perm=[0, 2, 1])
    chosen = graph.add("GatherND", cells, graph.add("Unsqueeze", which, "axis_2"), batch_dims=1)
    begin, one, end = "from_0", "to_1", graph.weight("last_one", np.array([-1]))
    graph.weight("two", np.array([2]))
    before = [graph.add("Slice", places, begin, stop, "axis_1") for stop in (one, end)]
    ways = graph.add("Sub", places, graph.add("Concat", *before, axis=1))
    far = graph.add("Abs", ways)
    far_x, far_y = graph.add("Slice", far, begin, one, "axis_2"), graph.add("Slice", far, one, "two", "axis_2")
    slant = graph.add("Sub", far_x, far_y)
    down = graph.add("Slice", ways, one, "two", "axis_2")
    shift = graph.weight("one_slot", np.array([0, 0, 0, 0, 1, 0])), graph.weight("no_value", np.float32(0))
    backward = graph.add("Concat", down, slant, axis=2)
    onward = graph.add("Pad", graph.add("Slice", backward, one, graph.weight("all_slots", np.array([n.FOUND])), "axis_1"), *shift)
    there = graph.add("Cast", is_there, to=FLOAT)
    has_next = graph.add("Pad", graph.add("Slice", there, one, "all_slots", "axis_1"), *shift)
    signs = graph.add("Concat", backward, graph.add("Mul", onward, has_next), axis=2)
    signs = graph.add("Mul", signs, graph.weight("sign_scale", np.float32(n.SIGN_SCALE)))
    where = graph.add("Concat", places, ways, slant, axis=2)
    where = graph.add("Mul", where, graph.weight("place_scale", np.float32(n.PLACE_SCALE)))
    hidden = linear(graph, "shape_in", connector.shape_in, graph.add("Concat", chosen, where, axis=2))
    shapes = linear(graph, "shape_out", connector.shape_out, graph.add("Relu", hidden))
    placed = linear(graph, "where", connector.where, graph.add("Concat", where, graph.add("Tanh", signs), axis=2))
    shapes = graph.add("Add", shapes, placed)
    shapes = graph.add("Where", is_there, shapes, graph.weight("nothing", connector.nothing))
    rows = graph.add("Transpose", graph.add("ReduceMean", x, axes=[3], keepdims=0), perm=[0, 2, 1])
    graph.add("Concat", shapes, linear(graph, "row", connector.row, rows), outputs=["image_features"], axis=1)

    pixels = ["batch_size", "num_images", 3, TILE, TILE]
    graph.save(
        path,
        [("pixel_values", FLOAT, pixels), ("pixel_attention_mask", BOOL, [*pixels[:2], TILE, TILE])],
        [("image_features", FLOAT, ["num_real_images", n.FOUND + n.GRID, n.HIDDEN])],
    )


def write_embeddings(model: n.ShapesVlm, path: Path) -> None:
    graph = Graph()
    graph.add("Gather", graph.weight("embed", model.decoder.embed.weight), "input_ids", outputs=["inputs_embeds"])
    axes = ["batch_size", "sequence_length"]
    graph.save(path, [("input_ids", INT64, axes)], [("inputs_embeds", FLOAT, [*axes, n.HIDDEN])])


def rms_norm(graph: Graph, name: str, layer: n.RmsNorm, x: str) -> str:
    weight = graph.weight(name, layer.weight)
    return graph.add("SimplifiedLayerNormalization", x, weight, axis=-1, epsilon=n.RMS_EPSILON, stash_type=1)


def write_layer(graph: Graph, at: int, layer: n.Layer, x: str, lengths: tuple[str, str]) -> str:
    linear = lambda name, y: graph.add("MatMul", y, graph.weight(f"l{at}.{name}", getattr(layer, name).weight.T))
    y = rms_norm(graph, f"l{at}.ln1", layer.ln1, x)
    attended = graph.add(
        "GroupQueryAttention",
        *(linear(name, y) for name in ("q", "k", "v")),
        f"past_key_values.{at}.key",
        f"past_key_values.{at}.value",
        *lengths,
        "cos_cache",
        "sin_cache",
        outputs=[f"attention_{at}", f"present.{at}.key", f"present.{at}.value"],
        domain="com.microsoft",
        num_heads=n.HEADS,
        kv_num_heads=n.KV_HEADS,
        do_rotary=1,
        rotary_interleaved=0,
    )
    x = graph.add("Add", x, linear("o", attended))
    y = rms_norm(graph, f"l{at}.ln2", layer.ln2, x)
    gate = linear("gate", y)
    gated = graph.add("Mul", graph.add("Mul", gate, graph.add("Sigmoid", gate)), linear("up", y))
    return graph.add("Add", x, linear("down", gated))


def write_decoder(model: n.ShapesVlm, path: Path) -> None:
    graph, decoder = Graph(), model.decoder
    cos, sin = n.rope_tables()
    graph.weight("cos_cache", cos)
    graph.weight("sin_cache", sin)
    one, last = graph.weight("one", np.int64(1)), graph.weight("last_axis", np.array([1]))
    tokens = graph.add("ReduceSum", "attention_mask", last, keepdims=0)
    seen = graph.add("Cast", graph.add("Sub", tokens, one), to=TensorProto.INT32)
    total = graph.add("Gather", graph.add("Shape", "attention_mask"), one)
    lengths = seen, graph.add("Cast", total, to=TensorProto.INT32)
    x = "inputs_embeds"
    for at, layer in enumerate(decoder.layers):
        x = write_layer(graph, at, layer, x, lengths)
    head = graph.weight("lm_head", decoder.head.weight.T)
    graph.add("MatMul", rms_norm(graph, "norm", decoder.norm, x), head, outputs=["logits"])
    axes = ["batch_size", "sequence_length"]
    cache = lambda name, length: [
        (f"{name}.{at}.{part}", FLOAT, ["batch_size", n.KV_HEADS, length, n.HEAD_SIZE])
        for at in range(n.LAYERS)
        for part in ("key", "value")
    ]
    graph.save(
        path,
        [
            ("inputs_embeds", FLOAT, [*axes, n.HIDDEN]),
            ("attention_mask", INT64, ["batch_size", "total_sequence_length"]),
            ("position_ids", INT64, axes),
            *cache("past_key_values", "past_sequence_length"),
        ],
        [("logits", FLOAT, [*axes, n.VOCABULARY]), *cache("present", "total_sequence_length")],
    )


def write_configuration(folder: Path) -> None:
    """The sizes in `config.json` and `preprocessor_config.json`; what else stands there stays."""
    path = folder / "config.json"
    config = json.loads(path.read_text())
    config |= {"image_token_id": IMAGE_ID, "scale_factor": SCALE, "vocab_size": n.VOCABULARY}
    config["vision_config"] = {
        "model_type": "idefics3_vision",
        "hidden_size": n.FEATURES,
        "image_size": TILE,
        "patch_size": TILE // n.GRID,
        "max_image_size": {"longest_edge": TILE},
        "size": {"longest_edge": TILE},
    }
    path.write_text(json.dumps(config, indent=1) + "\n")
    path = folder / "preprocessor_config.json"
    config = json.loads(path.read_text())
    config |= {"max_image_size": {"longest_edge": TILE}, "size": {"longest_edge": TILE}}
    path.write_text(json.dumps(config, indent=1) + "\n")


def main() -> None:
    folder = Path(sys.argv[2]) if len(sys.argv) > 2 else FOLDER
    model = n.ShapesVlm().eval()
    model.load_state_dict(torch.load(sys.argv[1])["model"])
    (folder / "onnx").mkdir(exist_ok=True)
    write_vision(model, folder / "onnx/vision_encoder.onnx")
    write_embeddings(model, folder / "onnx/embed_tokens.onnx")
    write_decoder(model, folder / "onnx/decoder_model_merged.onnx")
    write_configuration(folder)
    for path in sorted((folder / "onnx").iterdir()):
        print(f"{path.stat().st_size:>9} {path}")


if __name__ == "__main__":
    main()
