"""An OpenAI-compatible server on loopback that behaves as servers do on bad days. It is no mock: it speaks HTTP."""

import json
import threading
import time
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import MappingProxyType
from typing import Any, NamedTuple


class Said(NamedTuple):
    """A reply: status, body, and what differs of its headers."""

    status: int
    text: str
    headers: Mapping[str, str] = MappingProxyType({})
    type: str = "application/json"


class Hang(NamedTuple):
    """Nothing for so many seconds, then an end of the connection."""

    seconds: float


def reply(text: Any, finish: str | None = "stop", logprobs: Any = None, *, usage: Any = None, **message: Any) -> Said:
    """Return a chat completion; what else is given stands in its message."""
    choice = {"index": 0, "message": {"role": "assistant", "content": text, **message}, "finish_reason": finish}
    counts = {"prompt_tokens": 11, "completion_tokens": 5, "total_tokens": 16} | (usage or {})
    body = {"id": "1", "object": "chat.completion", "created": 0, "model": "some-model", "usage": counts}
    return Said(200, json.dumps(body | {"choices": [choice | ({"logprobs": logprobs} if logprobs else {})]}))


def failure(status: int, message: str = "no", code: str | None = None, **more: Any) -> Said:
    """Return an error as OpenAI writes it; `headers` may be among what else is given."""
    headers = more.pop("headers", {})
    return Said(status, json.dumps({"error": {"message": message, "type": "x", "code": code, **more}}), headers)


def written(*tokens: Any) -> dict[str, Any]:
    """Return the log-probabilities of several tokens, each with its alternatives."""
    content = []
    for tops in tokens:
        given = [{"token": token, "logprob": log, "bytes": None} for token, log in tops]
        content.append(given[0] | {"top_logprobs": given})
    return {"content": content}


class Server(ThreadingHTTPServer):
    """Gives the replies of `script`, one a request, then the last one for ever; a function is given the request."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.script: list[Any] = []
        self.models: Any = None
        """What `/v1/models` says; null: HTTP 404."""
        self.seen: list[dict[str, Any]] = []
        self.at: list[float] = []
        self.headers: list[dict[str, str]] = []
        self.under_way = self.most = 0
        self.lock = threading.Lock()
        self.address = f"http://127.0.0.1:{self.server_port}/v1"

    def start(self) -> "Server":
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def handle_error(self, *_: object) -> None:
        """A client that hung up is part of the test."""


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        models = self.server.models
        self._send(Said(404, "{}") if models is None else Said(200, json.dumps(models)))

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        server = self.server
        with server.lock:
            server.seen.append(body)
            server.at.append(time.monotonic())
            server.headers.append({name.lower(): value for name, value in self.headers.items()})
            said = server.script.pop(0) if len(server.script) > 1 else server.script[0]
            server.under_way += 1
            server.most = max(server.most, server.under_way)
        if callable(said):
            said = said(body)
        with server.lock:
            server.under_way -= 1
        if isinstance(said, Hang):
            time.sleep(said.seconds)
            return
        self._send(said)

    def _send(self, said: Said) -> None:
        self.send_response(said.status)
        headers = {"Content-Type": said.type, "Content-Length": str(len(said.text.encode())), "Retry-After": "0.05"}
        for name, value in (headers | dict(said.headers)).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(said.text.encode())

    def log_message(self, *_: object) -> None:
        pass
