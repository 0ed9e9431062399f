"""What a user of aleph-alpha-client's synchronous client does; prints what came back, feature by feature."""

import base64
import io

from aleph_alpha_client import (
    ChatRequest,
    Client,
    CompletionRequest,
    DetokenizationRequest,
    EmbeddingV2Request,
    EvaluationRequest,
    Image,
    Message,
    Prompt,
    RerankRequest,
    SemanticEmbeddingRequest,
    SemanticRepresentation,
    Text,
    TokenizationRequest,
)
from aleph_alpha_client.chat import Role
from aleph_alpha_client.structured_output import JSONSchema
from PIL import Image as PILImage
from told import MODELS, WORLD, feature, features, outcome, tell

PICTURE = base64.b64decode(WORLD.picture)
client = Client(token=WORLD.key, host=WORLD.url, total_retries=0)


def ask(content, model=MODELS.writer, **options):
    messages = [Message(role=Role.User, content=content)]
    return client.chat(ChatRequest(model=model, messages=messages, **options), model=model)


def raw_prompt(end=""):
    """What the chat template of the model makes of the question."""
    question = f"{WORLD.question}<end_of_utterance>\nAssistant:"
    items = [Text.from_text("<|im_start|>User:"), Image.from_bytes(PICTURE), Text.from_text(question + end)]
    return Prompt(items)


@feature
def chat():
    answer = ask("hello", maximum_tokens=40)
    return {"text": answer.message.content, "finish": answer.finish_reason.value}


@feature
def images():
    picture = PILImage.open(io.BytesIO(PICTURE))
    return ask([WORLD.question, picture], MODELS.describer, temperature=0).message.content


@feature
def tools():
    answer = ask("the weather?", tools=[WORLD.weather_tool])
    return {"finish": answer.finish_reason.value, "calls": [call.to_json() for call in answer.message.tool_calls]}


@feature
def json_schema():
    return ask("where?", response_format=JSONSchema(schema=WORLD.place_schema, name="place")).message.content


@feature
def embeddings():
    one = client.embeddings(EmbeddingV2Request(input=["a", "b"]), model=MODELS.writer)
    request = SemanticEmbeddingRequest(prompt=Prompt.from_text("a"), representation=SemanticRepresentation.Query)
    return {
        "openai": [len(item.embedding) for item in one.data],
        "semantic": len(client.semantic_embed(request, model=MODELS.writer).embedding),
    }


@feature
def completion():
    request = CompletionRequest(prompt=raw_prompt(end="\n"), maximum_tokens=24, tokens=True, log_probs=2)
    answer = client.complete(request, model=MODELS.describer)
    [first] = answer.completions
    return {
        "text": first.completion,
        "raw": first.raw_completion,
        "finish": first.finish_reason,
        "tokens": len(first.completion_tokens),
        "log_probs": len(first.log_probs),
        "optimized": [type(item).__name__ for item in answer.optimized_prompt.items],
        "generated": answer.num_tokens_generated,
    }


@feature
def evaluate():
    said = client.complete(CompletionRequest(prompt=raw_prompt(), maximum_tokens=8), model=MODELS.describer)
    expected = said.completions[0].completion
    request = EvaluationRequest(prompt=raw_prompt(), completion_expected=expected)
    return client.evaluate(request, model=MODELS.describer).result


@feature
def tokenize():
    apart = client.tokenize(TokenizationRequest("zwölf Boxkämpfer", tokens=True, token_ids=True), model=MODELS.writer)
    together = client.detokenize(DetokenizationRequest(apart.token_ids), model=MODELS.writer)
    return {"tokens": len(apart.tokens), "ids": len(apart.token_ids), "result": together.result}


@feature
def rerank():
    answer = client.rerank(RerankRequest(query="a", documents=["a", "b", "c"], top_n=2), model=MODELS.writer)
    return [result.relevance_score for result in answer.results]


@feature
def models():
    return {"names": [model["name"] for model in client.models()], "version": client.get_version()}


@feature
def errors():
    seen = {}
    for name, call in {
        "RuntimeError": lambda: ask("hi", "no-such-model"),
        "ValueError": lambda: ask("hi", MODELS.hearer),
        "PermissionError": lambda: Client(token="nobody", host=WORLD.url, total_retries=0).models(),
    }.items():
        try:
            call()
        except Exception as error:
            seen[type(error).__name__] = str(error)
    return seen


@feature
def nice():
    kind = Client(token=WORLD.key, host=WORLD.url, total_retries=0, nice=True, hosting="aleph-alpha", tags=["a"])
    request = ChatRequest(model=MODELS.writer, messages=[Message(role=Role.User, content="hi")])
    return kind.chat(request, model=MODELS.writer).finish_reason.value


tell({name: outcome(function) for name, function in features.items()})
