"""Asks about a picture with aleph-alpha-client: system message, text and a PIL image, streamed.

pip install aleph-alpha-client==11.5.1
FOVEA_API_KEY=$(cat .fovea/api-key) python examples/python_aleph_alpha.py [picture] [model] [question]
"""

import asyncio
import os
import sys
from pathlib import Path

from aleph_alpha_client import AsyncClient, ChatRequest, Message
from aleph_alpha_client.chat import ChatStreamChunk, Role
from PIL import Image


async def main() -> None:
    arguments = dict(enumerate(sys.argv))
    picture = Path(arguments.get(1, Path(__file__).parent / "shapes.png"))
    model = arguments.get(2, "shapes-vlm")
    question = arguments.get(3, "Describe the following image.")
    request = ChatRequest(
        model=model,
        messages=[
            Message(role=Role.System, content="You describe pictures in short sentences."),
            Message(role=Role.User, content=[question, Image.open(picture)]),
        ],
        maximum_tokens=64,
        temperature=0,
    )
    async with AsyncClient(
        token=os.environ["FOVEA_API_KEY"],
        host=os.environ.get("FOVEA_URL", "http://127.0.0.1:8080"),
    ) as client:
        async for item in client.chat_with_streaming(request, model=model):
            if isinstance(item, ChatStreamChunk):
                print(item.content, end="", flush=True)
    print()


asyncio.run(main())
