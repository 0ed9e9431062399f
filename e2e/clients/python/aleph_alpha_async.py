"""What a user of aleph-alpha-client's asynchronous client does; prints what came back, feature by feature."""

import asyncio
import base64
import io
import traceback

from aleph_alpha_client import (
    AsyncClient,
    BatchSemanticEmbeddingRequest,
    ChatRequest,
    CompletionRequest,
    EvaluationRequest,
    Image,
    Message,
    Prompt,
    SemanticRepresentation,
    Text,
    TokenizationRequest,
)
from aleph_alpha_client.chat import ChatStreamChunk, FinishReason, Role, StreamOptions, ToolCall, Usage
from aleph_alpha_client.completion import CompletionSummary, StreamChunk, StreamSummary
from aleph_alpha_client.structured_output import JSONSchema
from PIL import Image as PILImage
from told import MODELS, WORLD, feature, features, tell

PICTURE = base64.b64decode(WORLD.picture)


def request(content, model=MODELS.writer, **options):
    return ChatRequest(model=model, messages=[Message(role=Role.User, content=content)], **options)


def about_picture(**options):
    content = [WORLD.question, PILImage.open(io.BytesIO(PICTURE))]
    messages = [Message(role=Role.System, content="You are helpful."), Message(role=Role.User, content=content)]
    return ChatRequest(model=MODELS.describer, messages=messages, maximum_tokens=40, temperature=0, **options)


def raw_prompt():
    question = f"{WORLD.question}<end_of_utterance>\nAssistant:"
    return Prompt([Text.from_text("<|im_start|>User:"), Image.from_bytes(PICTURE), Text.from_text(question)])


async def streamed(client, chat_request):
    seen = {"pieces": 0, "text": "", "usage": None, "finish": None, "calls": []}
    async for item in client.chat_with_streaming(chat_request, model=chat_request.model):
        if isinstance(item, ChatStreamChunk):
            seen["pieces"] += item.content != ""
            seen["text"] += item.content
        elif isinstance(item, Usage):
            seen["usage"] = item.completion_tokens
        elif isinstance(item, FinishReason):
            seen["finish"] = item.value
        elif isinstance(item, ToolCall):
            seen["calls"].append(item.to_json())
    return seen


@feature
async def chat(client):
    answer = await client.chat(request("hello"), model=MODELS.writer)
    return {"text": answer.message.content, "finish": answer.finish_reason.value}


@feature
async def images(client):
    return (await client.chat(about_picture(), model=MODELS.describer)).message.content


@feature
async def streaming(client):
    return await streamed(client, about_picture())


@feature
async def usage_in_stream(client):
    return await streamed(client, about_picture(stream_options=StreamOptions(include_usage=True)))


@feature
async def tools(client):
    return await streamed(client, request("the weather?", tools=[WORLD.weather_tool]))


@feature
async def json_schema(client):
    schema = JSONSchema(schema=WORLD.place_schema, name="place")
    return (await client.chat(request("where?", response_format=schema), model=MODELS.writer)).message.content


@feature
async def embeddings(client):
    prompts = [Prompt.from_text(f"prompt number {at}") for at in range(100)]
    batch = BatchSemanticEmbeddingRequest(prompts=prompts, representation=SemanticRepresentation.Document)
    alone = BatchSemanticEmbeddingRequest(prompts=prompts[42:43], representation=SemanticRepresentation.Document)
    many = await client.batch_semantic_embed(batch, model=MODELS.writer)
    one = await client.batch_semantic_embed(alone, model=MODELS.writer)
    return {"count": len(many.embeddings), "in_order": many.embeddings[42] == one.embeddings[0]}


@feature
async def completion(client):
    answer = await client.complete(CompletionRequest(prompt=raw_prompt(), maximum_tokens=24), model=MODELS.describer)
    return {"text": answer.completions[0].completion, "finish": answer.completions[0].finish_reason}


@feature
async def completion_streaming(client):
    seen = {"pieces": 0, "text": "", "finish": None, "generated": None}
    stream = client.complete_with_streaming(
        CompletionRequest(prompt=raw_prompt(), maximum_tokens=24), model=MODELS.describer
    )
    async for item in stream:
        if isinstance(item, StreamChunk):
            seen["pieces"] += 1
            seen["text"] += item.completion
        elif isinstance(item, StreamSummary):
            seen["finish"] = item.finish_reason
        elif isinstance(item, CompletionSummary):
            seen["generated"] = item.num_tokens_generated
    return seen


@feature
async def evaluate(client):
    expected = EvaluationRequest(prompt=raw_prompt(), completion_expected=" Nothing of the kind")
    return (await client.evaluate(expected, model=MODELS.describer)).result


@feature
async def tokenize(client):
    answer = await client.tokenize(TokenizationRequest("a b", tokens=True, token_ids=True), model=MODELS.writer)
    return {"tokens": len(answer.tokens), "ids": len(answer.token_ids)}


@feature
async def models(client):
    return [model["name"] for model in await client.models()]


@feature
async def errors(client):
    try:
        await client.chat(request("hi", "no-such-model"), model="no-such-model")
    except RuntimeError as error:
        return str(error)


@feature
async def nice(client):
    async with AsyncClient(token=WORLD.key, host=WORLD.url, total_retries=0, nice=True) as kind:
        return (await kind.chat(request("hi"), model=MODELS.writer)).finish_reason.value


async def main():
    results = {}
    async with AsyncClient(token=WORLD.key, host=WORLD.url, total_retries=0) as client:
        for name, function in features.items():
            try:
                results[name] = await function(client)
            except Exception:
                results[name] = {"failed": traceback.format_exc()}
    tell(results)


asyncio.run(main())
