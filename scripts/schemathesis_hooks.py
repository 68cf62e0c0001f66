"""What scripts/schemathesis tells schemathesis beyond the document: who it is. Calls such as POST
/logout end the credential that they are made with, so it is tried before each call, and the same
user signs in again when it is gone."""

import json
import os
import threading
import urllib.error
import urllib.request

import schemathesis

BASE = os.environ["ADYTON_TEST_BASE"]
# Of no example in the document, so that the user is never deleted.
PERSON = {"name": "Somebody", "email": "somebody@example.com", "password": "a phrase that nobody guesses"}


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
    token, one_at_a_time = None, threading.Lock()

    def get(self, case, context):
        with self.one_at_a_time:
            return self.signed_in()

    def signed_in(self):
        if Somebody.token is None or call("GET", "/user", token=Somebody.token)[0] != 200:
            status, answer = call("POST", "/login", PERSON)
            if status == 401:
                status, answer = call("POST", "/register", PERSON)
            assert status in (200, 201), status
            Somebody.token = answer["token"]
        return Somebody.token

    def set(self, case, data, context):
        case.headers = case.headers or {}
        case.headers["Authorization"] = f"Bearer {data}"
