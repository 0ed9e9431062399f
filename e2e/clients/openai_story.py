"""What a Python user of the openai package does; prints one JSON object with what came back."""

import json
import os
import sys
from base64 import b64encode

from openai import NotFoundError, OpenAI

client = OpenAI(base_url=os.environ["FOVEA_URL"] + "/v1", api_key=os.environ["FOVEA_API_KEY"], max_retries=0)
url = "data:image/png;base64," + b64encode(sys.stdin.buffer.read()).decode()
messages = [
    {
        "role": "user",
        "content": [
            {"type": "text", "text": "Describe the following image. Answer in 20 words or less."},
            {"type": "image_url", "image_url": {"url": url}},
        ],
    }
]
whole = client.chat.completions.create(model="shapes-vlm", messages=messages)
pieces, usage = [], None
for chunk in client.chat.completions.create(
    model="shapes-vlm", messages=messages, stream=True, stream_options={"include_usage": True}
):
    if chunk.choices and chunk.choices[0].delta.content:
        pieces.append(chunk.choices[0].delta.content)
    usage = chunk.usage.completion_tokens if chunk.usage else usage
try:
    client.chat.completions.create(model="no-such-model", messages=messages)
    unknown = None
except NotFoundError as error:
    unknown = error.code
print(
    json.dumps(
        {
            "models": [model.id for model in client.models.list()],
            "whole": whole.choices[0].message.content,
            "pieces": len(pieces),
            "text": "".join(pieces),
            "usage": usage,
            "unknown": unknown,
        }
    )
)
