"""Writes the graphs, the tokenizer and the configuration of a checkpoint into the model's folder.

    python export.py CHECKPOINT.pt [FOLDER]

Names, axes and the two branches of `decoder_model_merged` (with and without a cache) are those of the Hugging Face exports
of Whisper.
"""

import json
import math
import sys
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper

import features as f
import network as n
import tokens as t

FOLDER = Path(__file__).resolve().parent.parent
OPSETS = [helper.make_opsetid("", 17)]
FLOAT, INT64, BOOL = TensorProto.FLOAT, TensorProto.INT64, TensorProto.BOOL
CACHES = ["decoder.key", "decoder.value", "encoder.key", "encoder.value"]


class Graph:
    """Collects nodes; weights go to the outermost graph, which branches share."""

    def __init__(self, name: str, outer: "Graph | None" = None):
        self.name, self.nodes, self.weights = name, [], outer.weights if outer else {}

    def weight(self, name: str, value) -> str:
        array = value.detach().numpy() if isinstance(value, torch.Tensor) else np.asarray(value)
        self.weights[name] = numpy_helper.from_array(np.array(array, order="C"), name)
        return name

    def ints(self, *values: int) -> str:
        return self.weight(f"int_{'_'.join(map(str, values))}", np.array(values, np.int64))

    def whole(self, value: int) -> str:
        return self.weight(f"whole_{value}", np.int64(value))

    def float(self, value: float) -> str:
        return self.weight(f"float_{value:.6g}", np.float32(value))

    def add(self, kind: str, *inputs: str, outputs: list[str] | None = None, **attributes) -> str:
        outputs = outputs or [f"{self.name}_{kind}_{len(self.nodes)}"]
        self.nodes.append(helper.make_node(kind, list(inputs), outputs, outputs[0], **attributes))
        return outputs[0]

    def build(self, inputs, outputs, is_branch: bool = False):
        value = lambda one: helper.make_tensor_value_info(*one)
        weights = [] if is_branch else list(self.weights.values())
        return helper.make_graph(self.nodes, self.name, [*map(value, inputs)], [*map(value, outputs)], weights)


def save(graph: onnx.GraphProto, path: Path) -> None:
    model = helper.make_model(graph, opset_imports=OPSETS, ir_version=8, producer_name="commands-asr")
    onnx.checker.check_model(model)
    onnx.save(model, path)


def linear(graph: Graph, name: str, layer: torch.nn.Linear, x: str) -> str:
    product = graph.add("MatMul", x, graph.weight(f"{name}.weight", layer.weight.T))
    return product if layer.bias is None else graph.add("Add", product, graph.weight(f"{name}.bias", layer.bias))


def layer_norm(graph: Graph, name: str, layer: torch.nn.LayerNorm, x: str) -> str:
    weight, bias = graph.weight(f"{name}.weight", layer.weight), graph.weight(f"{name}.bias", layer.bias)
    return graph.add("LayerNormalization", x, weight, bias, axis=-1, epsilon=layer.eps)


def gelu(graph: Graph, x: str) -> str:
    erf = graph.add("Erf", graph.add("Div", x, graph.float(math.sqrt(2))))
    half = graph.add("Mul", x, graph.float(0.5))
    return graph.add("Mul", half, graph.add("Add", erf, graph.float(1)))


def heads(graph: Graph, name: str, layer: torch.nn.Linear, x: str) -> str:
    """[B, S, D] → [B, heads, S, size]"""
    parted = graph.add("Reshape", linear(graph, name, layer, x), graph.ints(0, 0, n.HEADS, n.HEAD_SIZE))
    return graph.add("Transpose", parted, perm=[0, 2, 1, 3])


def attend(graph: Graph, name: str, layer: n.Attention, x: str, key: str, value: str, mask: str | None = None) -> str:
    query = heads(graph, f"{name}.q_proj", layer.q_proj, x)
    scores = graph.add("MatMul", query, graph.add("Transpose", key, perm=[0, 1, 3, 2]))
    scores = graph.add("Mul", scores, graph.float(1 / math.sqrt(n.HEAD_SIZE)))
    if mask is not None:
        scores = graph.add("Add", scores, mask)
    mixed = graph.add("MatMul", graph.add("Softmax", scores, axis=-1), value)
    joined = graph.add("Transpose", mixed, perm=[0, 2, 1, 3])
    return linear(graph, f"{name}.out_proj", layer.out_proj, graph.add("Reshape", joined, graph.ints(0, 0, n.WIDTH)))


def keys_and_values(graph: Graph, name: str, layer: n.Attention, x: str) -> tuple[str, str]:
    return heads(graph, f"{name}.k_proj", layer.k_proj, x), heads(graph, f"{name}.v_proj", layer.v_proj, x)


def feed_forward(graph: Graph, name: str, layer: n.Layer, x: str) -> str:
    before = layer_norm(graph, f"{name}.final_layer_norm", layer.final_layer_norm, x)
    active = gelu(graph, linear(graph, f"{name}.fc1", layer.fc1, before))
    return graph.add("Add", x, linear(graph, f"{name}.fc2", layer.fc2, active))


def write_encoder(encoder: n.Encoder, path: Path) -> None:
    graph = Graph("encoder_model")

    def convolve(name: str, layer: torch.nn.Conv1d, x: str) -> str:
        weights = graph.weight(f"{name}.weight", layer.weight), graph.weight(f"{name}.bias", layer.bias)
        return gelu(graph, graph.add("Conv", x, *weights, kernel_shape=[3], pads=[1, 1], strides=list(layer.stride)))

    x = convolve("conv2", encoder.conv2, convolve("conv1", encoder.conv1, "input_features"))
    x = graph.add("Transpose", x, perm=[0, 2, 1])
    x = graph.add("Add", x, graph.weight("embed_positions", encoder.embed_positions))
    for at, layer in enumerate(encoder.layers):
        name = f"layers.{at}"
        before = layer_norm(graph, f"{name}.self_attn_layer_norm", layer.self_attn_layer_norm, x)
        own = keys_and_values(graph, f"{name}.self_attn", layer.self_attn, before)
        x = graph.add("Add", x, attend(graph, f"{name}.self_attn", layer.self_attn, before, *own))
        x = feed_forward(graph, name, layer, x)
    graph.add("Identity", layer_norm(graph, "layer_norm", encoder.layer_norm, x), outputs=["last_hidden_state"])
    inputs = [("input_features", FLOAT, ["batch_size", f.MELS, f.FRAMES])]
    save(graph.build(inputs, [("last_hidden_state", FLOAT, ["batch_size", f.FRAMES // 2, n.WIDTH])]), path)


def causal_mask(graph: Graph, length: str) -> str:
    side = graph.add("Unsqueeze", length, graph.ints(0))
    every = graph.add("Expand", graph.float(n.NEVER), graph.add("Concat", side, side, axis=0))
    return graph.add("Trilu", every, graph.whole(1), upper=1)


def branch(outer: Graph, decoder: n.Decoder, is_cached: bool) -> onnx.GraphProto:
    """The first run makes keys and values of the sound, later ones are given them."""
    graph = Graph("with_past" if is_cached else "without_past", outer)
    length = graph.add("Gather", graph.add("Shape", "input_ids"), graph.whole(1))
    past = graph.add("Gather", graph.add("Shape", "past_key_values.0.decoder.key"), graph.whole(2))
    first = past if is_cached else graph.whole(0)
    places = graph.add("Range", first, graph.add("Add", first, length), graph.whole(1))
    x = graph.add("Gather", graph.weight("embed_tokens", decoder.embed_tokens.weight), "input_ids")
    x = graph.add("Add", x, graph.add("Gather", graph.weight("decoder_positions", decoder.embed_positions), places))
    mask = None if is_cached else causal_mask(graph, length)
    presents = []
    for at, layer in enumerate(decoder.layers):
        name, given = f"decoder.{at}", [f"past_key_values.{at}.{cache}" for cache in CACHES]
        before = layer_norm(graph, f"{name}.self_attn_layer_norm", layer.self_attn_layer_norm, x)
        own = keys_and_values(graph, f"{name}.self_attn", layer.self_attn, before)
        if is_cached:
            own = [graph.add("Concat", old, new, axis=2) for old, new in zip(given[:2], own)]
        x = graph.add("Add", x, attend(graph, f"{name}.self_attn", layer.self_attn, before, *own, mask))
        before = layer_norm(graph, f"{name}.encoder_attn_layer_norm", layer.encoder_attn_layer_norm, x)
        if is_cached:
            heard = [graph.add("Identity", one) for one in given[2:]]
        else:
            heard = keys_and_values(graph, f"{name}.encoder_attn", layer.encoder_attn, "encoder_hidden_states")
        x = graph.add("Add", x, attend(graph, f"{name}.encoder_attn", layer.encoder_attn, before, *heard))
        x = feed_forward(graph, name, layer, x)
        presents += [*own, *heard]
    x = layer_norm(graph, "decoder.layer_norm", decoder.layer_norm, x)
    logits = graph.add("MatMul", x, graph.add("Transpose", "embed_tokens", perm=[1, 0]))
    cache = lambda name: (name, FLOAT, ["batch_size", n.HEADS, f"{name}_length", n.HEAD_SIZE])
    outputs = [(logits, FLOAT, ["batch_size", "length", t.VOCABULARY]), *map(cache, presents)]
    return graph.build([], outputs, is_branch=True)


def write_decoder(decoder: n.Decoder, path: Path) -> None:
    graph = Graph("decoder_model_merged")
    names = [f"{at}.{cache}" for at in range(n.DECODER_LAYERS) for cache in CACHES]
    branches = {"then_branch": branch(graph, decoder, True), "else_branch": branch(graph, decoder, False)}
    graph.add("If", "use_cache_branch", outputs=["logits", *(f"present.{name}" for name in names)], **branches)

    def cache(start: str, name: str, suffix: str):
        length = "past_decoder_sequence_length" if "decoder" in name else "encoder_sequence_length_out"
        return f"{start}.{name}", FLOAT, ["batch_size", n.HEADS, length + suffix, n.HEAD_SIZE]

    inputs = [
        ("input_ids", INT64, ["batch_size", "decoder_sequence_length"]),
        ("encoder_hidden_states", FLOAT, ["batch_size", "encoder_sequence_length", n.WIDTH]),
        *(cache("past_key_values", name, "") for name in names),
        ("use_cache_branch", BOOL, [1]),
    ]
    outputs = [
        ("logits", FLOAT, ["batch_size", "decoder_sequence_length", t.VOCABULARY]),
        *(cache("present", name, "_next") for name in names),
    ]
    save(graph.build(inputs, outputs), path)


def configuration() -> dict[str, dict]:
    special = {"bos_token_id": t.END, "eos_token_id": t.END, "pad_token_id": t.END, "decoder_start_token_id": t.START}
    words = set(t.encode(" ".join(t.WORDS)))
    model = {
        "architectures": ["WhisperForConditionalGeneration"],
        "model_type": "whisper",
        "is_encoder_decoder": True,
        "activation_function": "gelu",
        "d_model": n.WIDTH,
        "encoder_layers": n.ENCODER_LAYERS,
        "encoder_attention_heads": n.HEADS,
        "encoder_ffn_dim": n.INNER,
        "decoder_layers": n.DECODER_LAYERS,
        "decoder_attention_heads": n.HEADS,
        "decoder_ffn_dim": n.INNER,
        "num_hidden_layers": n.ENCODER_LAYERS,
        "num_mel_bins": f.MELS,
        "max_source_positions": n.SOURCE_POSITIONS,
        "max_target_positions": n.TARGET_POSITIONS,
        "vocab_size": t.VOCABULARY,
        **special,
        "transformers.js_config": {"dtype": "fp32"},
    }
    generation = {
        **special,
        "no_timestamps_token_id": t.NO_TIMES,
        # A window of nothing but silence has no text: the end may be the first token.
        "begin_suppress_tokens": [],
        # Whole words only: the vocabulary is closed, and at a high temperature bytes would be drawn, too.
        "suppress_tokens": [*(at for at in range(t.END) if at not in words), t.START, t.NO_SPEECH, t.NO_TIMES],
        "is_multilingual": False,
        "max_length": n.TARGET_POSITIONS,
        "return_timestamps": False,
    }
    preprocessor = {
        "feature_extractor_type": "WhisperFeatureExtractor",
        "processor_class": "WhisperProcessor",
        "chunk_length": f.WINDOW_S,
        "feature_size": f.MELS,
        "hop_length": f.HOP,
        "n_fft": f.FRAME,
        "n_samples": f.WINDOW,
        "nb_max_frames": f.FRAMES,
        "padding_side": "right",
        "padding_value": 0.0,
        "sampling_rate": f.RATE,
    }
    tokenizer = {
        "tokenizer_class": "WhisperTokenizer",
        "processor_class": "WhisperProcessor",
        "bos_token": "<|endoftext|>",
        "eos_token": "<|endoftext|>",
        "pad_token": "<|endoftext|>",
        "unk_token": "<|endoftext|>",
        "add_prefix_space": False,
        "clean_up_tokenization_spaces": False,
        "model_max_length": n.TARGET_POSITIONS,
    }
    return {
        "config.json": model,
        "generation_config.json": generation,
        "preprocessor_config.json": preprocessor,
        "tokenizer_config.json": tokenizer,
    }


def tokenizer_file() -> dict:
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False}
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    steering = lambda token: {"id": t.IDS[token], "content": token, **flags, "special": token in t.STEERING}
    added = [steering(token) for token in [*t.STEERING, *t.TIMES]]
    model = {
        "type": "BPE",
        **{"dropout": None, "unk_token": None, "continuing_subword_prefix": "", "end_of_word_suffix": "", "fuse_unk": False},
        "vocab": {token: t.IDS[token] for token in t.TEXT_TOKENS},
        "merges": [f"{left} {right}" for left, right in t.MERGES],
    }
    return {
        **{"version": "1.0", "truncation": None, "padding": None, "added_tokens": added, "normalizer": None},
        **{"pre_tokenizer": byte_level, "post_processor": None, "decoder": byte_level, "model": model},
    }


def main() -> None:
    folder = Path(sys.argv[2]) if len(sys.argv) > 2 else FOLDER
    model = n.CommandsAsr().eval()
    model.load_state_dict(torch.load(sys.argv[1])["model"])
    (folder / "onnx").mkdir(parents=True, exist_ok=True)
    write_encoder(model.encoder, folder / "onnx/encoder_model.onnx")
    write_decoder(model.decoder, folder / "onnx/decoder_model_merged.onnx")
    for name, content in configuration().items():
        (folder / name).write_text(json.dumps(content, indent=1) + "\n")
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer_file(), ensure_ascii=False, indent=1) + "\n")
    for path in sorted(path for path in folder.rglob("*.*") if path.suffix in (".json", ".onnx")):
        print(f"{path.stat().st_size:>9} {path.relative_to(folder)}")


if __name__ == "__main__":
    main()
