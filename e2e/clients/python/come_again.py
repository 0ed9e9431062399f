"""Asks a model whose worker is away, as often as the client tries on its own; prints the answer."""

import asyncio
import sys

from told import MODELS, WORLD, tell


def aleph_alpha_sync():
    from aleph_alpha_client import ChatRequest, Client, Message
    from aleph_alpha_client.chat import Role

    request = ChatRequest(model=MODELS.latecomer, messages=[Message(role=Role.User, content="hi")])
    return Client(token=WORLD.key, host=WORLD.url).chat(request, model=MODELS.latecomer).message.content


def aleph_alpha_async():
    from aleph_alpha_client import AsyncClient, ChatRequest, Message
    from aleph_alpha_client.chat import Role

    async def ask():
        request = ChatRequest(model=MODELS.latecomer, messages=[Message(role=Role.User, content="hi")])
        async with AsyncClient(token=WORLD.key, host=WORLD.url) as client:
            return (await client.chat(request, model=MODELS.latecomer)).message.content

    return asyncio.run(ask())


def openai():
    from openai import OpenAI

    client = OpenAI(base_url=WORLD.url + "/v1", api_key=WORLD.key, max_retries=20)
    messages = [{"role": "user", "content": "hi"}]
    answer = client.chat.completions.create(model=MODELS.latecomer, messages=messages)
    return answer.choices[0].message.content


def langchain():
    from langchain_openai import ChatOpenAI

    model = ChatOpenAI(model=MODELS.latecomer, base_url=WORLD.url + "/v1", api_key=WORLD.key, max_retries=20)
    return model.invoke("hi").content


tell({"text": {"aleph-alpha-sync": aleph_alpha_sync, "aleph-alpha-async": aleph_alpha_async, "openai": openai,
               "langchain": langchain}[sys.argv[1]]()})  # fmt: skip
