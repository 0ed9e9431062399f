"""What a Python user of aleph-alpha-client does; prints one JSON object with what came back."""

import asyncio
import io
import json
import os
import sys

from aleph_alpha_client import AsyncClient, Client, CompletionRequest, EvaluationRequest, Image, Prompt, Text
from aleph_alpha_client.chat import ChatRequest, Message, Role, StreamOptions, Usage
from aleph_alpha_client.completion import CompletionSummary, StreamChunk, StreamSummary
from PIL import Image as PILImage

URL = os.environ["FOVEA_URL"]
KEY = os.environ["FOVEA_API_KEY"]
MODEL = "shapes-vlm"
QUESTION = "Describe the following image. Answer in 20 words or less."


def request(picture, **options):
    return ChatRequest(
        model=MODEL,
        messages=[
            Message(role=Role.System, content="You are a helpful assistant."),
            Message(role=Role.User, content=[QUESTION, picture]),
        ],
        maximum_tokens=40,
        **options,
    )


def raw_prompt(data, end=""):
    """What the chat template of the model makes of the question."""
    question = f"{QUESTION}<end_of_utterance>\nAssistant:"
    return Prompt([Text.from_text("<|im_start|>User:"), Image.from_bytes(data), Text.from_text(question + end)])


def complete(client, data):
    request = CompletionRequest(prompt=raw_prompt(data, end="\n"), maximum_tokens=24, tokens=True, log_probs=2)
    answer = client.complete(request, model=MODEL)
    [completion] = answer.completions
    return {
        "text": completion.completion,
        "raw": completion.raw_completion,
        "finish": completion.finish_reason,
        "tokens": len(completion.completion_tokens),
        "log_probs": len(completion.log_probs),
        "optimized": [type(item).__name__ for item in answer.optimized_prompt.items],
        "generated": answer.num_tokens_generated,
    }


async def stream_completion(data):
    texts, finish, generated = [], None, None
    async with AsyncClient(token=KEY, host=URL, total_retries=0) as client:
        request = CompletionRequest(prompt=raw_prompt(data), maximum_tokens=24)
        async for item in client.complete_with_streaming(request, model=MODEL):
            if isinstance(item, StreamChunk):
                texts.append(item.completion)
            elif isinstance(item, StreamSummary):
                finish = item.finish_reason
            elif isinstance(item, CompletionSummary):
                generated = item.num_tokens_generated
    return {"pieces": len(texts), "text": "".join(texts), "finish": finish, "generated": generated}


def evaluate(client, data, expected):
    request = EvaluationRequest(prompt=raw_prompt(data), completion_expected=expected)
    return client.evaluate(request, model=MODEL).result


async def stream(picture, **options):
    texts, finish, usage = [], None, None
    async with AsyncClient(token=KEY, host=URL, total_retries=0) as client:
        async for item in client.chat_with_streaming(request(picture, **options), model=MODEL):
            if isinstance(item, Usage):
                usage = item.completion_tokens
            elif getattr(item, "content", None) is not None:
                texts.append(item.content)
            else:
                finish = getattr(item, "value", finish)
    return {"pieces": len([t for t in texts if t]), "text": "".join(texts), "usage": usage, "finish": str(finish)}


def main():
    data = sys.stdin.buffer.read()
    picture = PILImage.open(io.BytesIO(data))
    client = Client(token=KEY, host=URL, total_retries=0)
    whole = client.chat(request(picture), model=MODEL)
    try:
        client.chat(request(picture), model="no-such-model")
        unknown = None
    except RuntimeError as error:
        unknown = str(error)
    streamed = asyncio.run(stream_completion(data))
    result = {
        "complete": complete(client, data),
        "complete_stream": streamed,
        "evaluate": evaluate(client, data, streamed["text"]),
        "models": [model["name"] for model in client.models()],
        "version": client.get_version(),
        "whole": {"text": whole.message.content, "finish": whole.finish_reason.value},
        "stream": asyncio.run(stream(picture)),
        "with_usage": asyncio.run(stream(picture, stream_options=StreamOptions(include_usage=True))),
        "unknown": unknown,
    }
    print(json.dumps(result))


main()
