"""Sends one file as the body of a chat request and prints what came back; how is the first argument."""

import asyncio
import json
import os
import sys

import aiohttp
import requests

how, path = sys.argv[1:]
url = os.environ["FOVEA_URL"] + "/v1/chat/completions"
headers = {"Authorization": "Bearer " + os.environ["FOVEA_API_KEY"], "Content-Type": "application/json"}


def pieces():
    with open(path, "rb") as file:
        while piece := file.read(65536):
            yield piece


async def async_pieces():
    for piece in pieces():
        yield piece


def with_requests(data):
    answer = requests.post(url, data=data, headers=headers, timeout=60)
    return {"status": answer.status_code, "body": answer.json()}


async def with_aiohttp(data):
    async with aiohttp.ClientSession() as session, session.post(url, data=data, headers=headers) as answer:
        return {"status": answer.status, "body": await answer.json()}


if how == "requests":
    with open(path, "rb") as body:
        result = with_requests(body)
elif how == "requests-chunked":
    result = with_requests(pieces())
elif how == "aiohttp":
    with open(path, "rb") as body:
        result = asyncio.run(with_aiohttp(body))
else:
    result = asyncio.run(with_aiohttp(async_pieces()))
print(json.dumps(result))
