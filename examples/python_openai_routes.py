"""What is not a chat, with OpenAI's SDK: vectors, the text of a recording, a completion.

pip install openai
FOVEA_API_KEY=$(cat .fovea/api-key) python examples/python_openai_routes.py embed <model> "a text" "another"
FOVEA_API_KEY=$(cat .fovea/api-key) python examples/python_openai_routes.py transcribe commands-asr recording.wav
FOVEA_API_KEY=$(cat .fovea/api-key) python examples/python_openai_routes.py complete <model> "Once upon"
"""

import os
import sys

from openai import OpenAI

client = OpenAI(
    base_url=os.environ.get("FOVEA_URL", "http://127.0.0.1:8080") + "/v1",
    api_key=os.environ["FOVEA_API_KEY"],
)
task, model, *inputs = sys.argv[1:]

if task == "embed":
    for item in client.embeddings.create(model=model, input=inputs).data:
        print(len(item.embedding), item.embedding[:3])
elif task == "transcribe":
    with open(inputs[0], "rb") as recording:
        print(client.audio.transcriptions.create(model=model, file=recording).text)
elif task == "complete":
    for chunk in client.completions.create(model=model, prompt=inputs[0], max_tokens=32, stream=True):
        print(chunk.choices[0].text, end="", flush=True)
    print()
else:
    sys.exit(__doc__)
