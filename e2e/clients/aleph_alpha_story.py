"""What a Python user of aleph-alpha-client does; prints one JSON object with what came back."""

import asyncio
import io
import json
import os
import sys

from aleph_alpha_client import AsyncClient, Client
from aleph_alpha_client.chat import ChatRequest, Message, Role, StreamOptions, Usage
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
    picture = PILImage.open(io.BytesIO(sys.stdin.buffer.read()))
    client = Client(token=KEY, host=URL, total_retries=0)
    whole = client.chat(request(picture), model=MODEL)
    try:
        client.chat(request(picture), model="no-such-model")
        unknown = None
    except RuntimeError as error:
        unknown = str(error)
    result = {
        "models": [model["name"] for model in client.models()],
        "version": client.get_version(),
        "whole": {"text": whole.message.content, "finish": whole.finish_reason.value},
        "stream": asyncio.run(stream(picture)),
        "with_usage": asyncio.run(stream(picture, stream_options=StreamOptions(include_usage=True))),
        "unknown": unknown,
    }
    print(json.dumps(result))


main()
