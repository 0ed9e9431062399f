"""What a Python user of the openai package does; prints what came back, feature by feature."""

from openai import AuthenticationError, BadRequestError, NotFoundError, OpenAI
from told import MODELS, WORLD, feature, features, outcome, tell

client = OpenAI(base_url=WORLD.url + "/v1", api_key=WORLD.key, max_retries=0)
PICTURE = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + WORLD.picture}}
ABOUT_PICTURE = [{"role": "user", "content": [{"type": "text", "text": WORLD.question}, PICTURE]}]


def says(text):
    return [{"role": "user", "content": text}]


@feature
def chat():
    answer = client.chat.completions.create(model=MODELS.writer, messages=says("hello"))
    return {"text": answer.choices[0].message.content, "finish": answer.choices[0].finish_reason}


@feature
def images():
    answer = client.chat.completions.create(model=MODELS.describer, messages=ABOUT_PICTURE, temperature=0)
    return answer.choices[0].message.content


@feature
def usage_in_stream():
    seen = {"pieces": 0, "text": "", "usage": None}
    for chunk in client.chat.completions.create(
        model=MODELS.describer,
        messages=ABOUT_PICTURE,
        temperature=0,
        stream=True,
        stream_options={"include_usage": True},
    ):
        if chunk.choices and chunk.choices[0].delta.content:
            seen["pieces"] += 1
            seen["text"] += chunk.choices[0].delta.content
        seen["usage"] = chunk.usage.completion_tokens if chunk.usage else seen["usage"]
    return seen


@feature
def tools():
    answer = client.chat.completions.create(
        model=MODELS.writer, messages=says("the weather?"), tools=[WORLD.weather_tool]
    )
    return [call.function.model_dump() for call in answer.choices[0].message.tool_calls]


@feature
def json_schema():
    form = {"type": "json_schema", "json_schema": {"name": "place", "schema": WORLD.place_schema, "strict": True}}
    answer = client.chat.completions.create(model=MODELS.writer, messages=says("where?"), response_format=form)
    return answer.choices[0].message.content


@feature
def embeddings():
    """The client asks for base64 unless it is told otherwise, and gives numbers all the same."""
    default = client.embeddings.create(model=MODELS.writer, input=["a", "b"])
    numbers = client.embeddings.create(model=MODELS.writer, input="b", encoding_format="float")
    pairs = zip(default.data[1].embedding, numbers.data[0].embedding, strict=True)
    return {"count": len(default.data), "furthest": max(abs(one - other) for one, other in pairs)}


@feature
def completion():
    answer = client.completions.create(model=MODELS.writer, prompt=["a b", "d"], max_tokens=4)
    return [choice.text for choice in answer.choices]


@feature
def completion_streaming():
    chunks = client.completions.create(model=MODELS.writer, prompt="a b", max_tokens=4, stream=True)
    return [chunk.choices[0].text for chunk in chunks if chunk.choices]


@feature
def transcription():
    with open(WORLD.recording, "rb") as file:
        heard = client.audio.transcriptions.create(model=MODELS.hearer, file=file)
    with open(WORLD.recording, "rb") as file:
        words = client.audio.transcriptions.create(model=MODELS.hearer, file=file, response_format="verbose_json")
    return {"text": heard.text, "segments": [segment.text for segment in words.segments]}


@feature
def models():
    return [model.id for model in client.models.list()]


@feature
def errors():
    seen = {}
    stranger = OpenAI(base_url=WORLD.url + "/v1", api_key="nobody", max_retries=0)
    for call in (
        lambda: client.chat.completions.create(model="no-such-model", messages=says("hi")),
        lambda: client.chat.completions.create(model=MODELS.writer, messages=says("hi"), temperature=3),
        lambda: stranger.models.list(),
    ):
        try:
            call()
        except (AuthenticationError, BadRequestError, NotFoundError) as error:
            seen[type(error).__name__] = [error.code, error.param]
    return seen


@feature
def nice():
    answer = client.chat.completions.create(model=MODELS.writer, messages=says("hi"), extra_query={"nice": "true"})
    return answer.choices[0].finish_reason


tell({name: outcome(function) for name, function in features.items()})
