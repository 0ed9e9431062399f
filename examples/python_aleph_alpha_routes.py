"""What is not a chat, with aleph-alpha-client: a completion as it comes, vectors of many prompts.

pip install aleph-alpha-client==11.5.1
FOVEA_API_KEY=$(cat .fovea/api-key) python examples/python_aleph_alpha_routes.py complete <model> "Once upon"
FOVEA_API_KEY=$(cat .fovea/api-key) python examples/python_aleph_alpha_routes.py embed <model> "a text" "another"
"""

import asyncio
import os
import sys

from aleph_alpha_client import (
    AsyncClient,
    BatchSemanticEmbeddingRequest,
    CompletionRequest,
    Prompt,
    SemanticRepresentation,
)
from aleph_alpha_client.completion import StreamChunk


async def main() -> None:
    task, model, *inputs = sys.argv[1:]
    async with AsyncClient(
        token=os.environ["FOVEA_API_KEY"],
        host=os.environ.get("FOVEA_URL", "http://127.0.0.1:8080"),
    ) as client:
        if task == "complete":
            request = CompletionRequest(prompt=Prompt.from_text(inputs[0]), maximum_tokens=32)
            async for item in client.complete_with_streaming(request, model=model):
                if isinstance(item, StreamChunk):
                    print(item.completion, end="", flush=True)
            print()
        elif task == "embed":
            request = BatchSemanticEmbeddingRequest(
                prompts=[Prompt.from_text(text) for text in inputs],
                representation=SemanticRepresentation.Document,
            )
            for vector in (await client.batch_semantic_embed(request, model=model)).embeddings:
                print(len(vector), vector[:3])
        else:
            sys.exit(__doc__)


asyncio.run(main())
