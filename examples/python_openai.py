"""Asks about a picture with OpenAI's SDK, streamed.

pip install openai
FOVEA_API_KEY=$(cat .fovea/api-key) python examples/python_openai.py [picture] [model] [question]
"""

import base64
import os
import sys
from pathlib import Path

from openai import OpenAI

arguments = dict(enumerate(sys.argv))
picture = Path(arguments.get(1, Path(__file__).parent / "sample.png"))
model = arguments.get(2, "ocr")
question = arguments.get(3, "What does it say?")

client = OpenAI(
    base_url=os.environ.get("FOVEA_URL", "http://127.0.0.1:8080") + "/v1",
    api_key=os.environ["FOVEA_API_KEY"],
)

# The gateway looks at the bytes, so the declared type is right for JPEG, WebP and GIF, too.
data_url = "data:image/png;base64," + base64.b64encode(picture.read_bytes()).decode()
stream = client.chat.completions.create(
    model=model,
    messages=[
        {
            "role": "user",
            "content": [
                {"type": "image_url", "image_url": {"url": data_url}},
                {"type": "text", "text": question},
            ],
        }
    ],
    temperature=0,
    stream=True,
    stream_options={"include_usage": True},
)
for chunk in stream:
    for choice in chunk.choices:
        print(choice.delta.content or "", end="", flush=True)
    if chunk.usage is not None:
        print(f"\n({chunk.usage.prompt_tokens} + {chunk.usage.completion_tokens} tokens)")
