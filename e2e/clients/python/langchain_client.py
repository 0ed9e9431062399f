"""What a user of LangChain's OpenAI models does; prints what came back, feature by feature."""

from langchain_core.messages import HumanMessage
from langchain_openai import ChatOpenAI, OpenAI, OpenAIEmbeddings
from openai import BadRequestError, NotFoundError
from told import MODELS, WORLD, feature, features, outcome, tell

WHERE = {"base_url": WORLD.url + "/v1", "api_key": WORLD.key, "max_retries": 0}
writer = ChatOpenAI(model=MODELS.writer, **WHERE)
describer = ChatOpenAI(model=MODELS.describer, temperature=0, stream_usage=True, **WHERE)
PICTURE = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + WORLD.picture}}
ABOUT_PICTURE = [HumanMessage(content=[{"type": "text", "text": WORLD.question}, PICTURE])]


@feature
def chat():
    answer = writer.invoke([("system", "Be brief."), ("human", "hello")])
    return {"text": answer.content, "finish": answer.response_metadata["finish_reason"]}


@feature
def images():
    return describer.invoke(ABOUT_PICTURE).content


@feature
def usage_in_stream():
    seen = {"pieces": 0, "text": "", "usage": None}
    for chunk in describer.stream(ABOUT_PICTURE):
        seen["pieces"] += chunk.content != ""
        seen["text"] += chunk.content
        seen["usage"] = chunk.usage_metadata["output_tokens"] if chunk.usage_metadata else seen["usage"]
    return seen


@feature
def tools():
    return writer.bind_tools([WORLD.weather_tool]).invoke("the weather?").tool_calls


@feature
def json_schema():
    schema = {"title": "place", **WORLD.place_schema}
    return writer.with_structured_output(schema, method="json_schema").invoke("where?")


@feature
def embeddings():
    """LangChain would count tokens with a vocabulary that it downloads, unless it is told not to."""
    model = OpenAIEmbeddings(model=MODELS.writer, check_embedding_ctx_length=False, **WHERE)
    return [len(vector) for vector in model.embed_documents(["a", "b"])]


@feature
def completion():
    return OpenAI(model=MODELS.writer, max_tokens=4, **WHERE).invoke("a b")


@feature
def completion_streaming():
    return [piece for piece in OpenAI(model=MODELS.writer, max_tokens=4, **WHERE).stream("a b") if piece]


@feature
def errors():
    seen = {}
    for model in (ChatOpenAI(model="no-such-model", **WHERE), ChatOpenAI(model=MODELS.writer, temperature=3, **WHERE)):
        try:
            model.invoke("hi")
        except (BadRequestError, NotFoundError) as error:
            seen[type(error).__name__] = [error.code, error.param]
    return seen


@feature
def nice():
    kind = ChatOpenAI(model=MODELS.writer, default_query={"nice": "true"}, **WHERE)
    return kind.invoke("hi").response_metadata["finish_reason"]


tell({name: outcome(function) for name, function in features.items()})
