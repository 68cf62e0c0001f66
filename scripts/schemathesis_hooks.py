"""What scripts/schemathesis tells schemathesis beyond the document: who it is. Calls such as POST
/logout or DELETE /user end the credential that they are made with, so it is asked for before each
call, and somebody new signs up when it is gone."""

import itertools
import json
import os
import urllib.error
import urllib.request

import schemathesis

BASE = os.environ["ADYTON_TEST_BASE"]
numbers = itertools.count()


def call(method, path, body=None, token=None):
    headers = {"Content-Type": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(BASE + path, data, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, None


@schemathesis.auth(cache_by_key=None, refresh_interval=None)
class Somebody:
    token = None

    def get(self, case, context):
        if Somebody.token is None or call("GET", "/user", token=Somebody.token)[0] != 200:
            person = {"name": "Somebody", "email": f"somebody{next(numbers)}@example.com",
                      "password": "a long phrase of mine"}
            status, answer = call("POST", "/register", person)
            assert status == 201, status
            Somebody.token = answer["token"]
        return Somebody.token

    def set(self, case, data, context):
        case.headers = case.headers or {}
        case.headers["Authorization"] = f"Bearer {data}"
