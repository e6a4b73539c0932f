"""An OpenAI-compatible endpoint that answers as it is told, and remembers what it was asked."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

Reply = tuple[int, Any]
"""Status and body; bytes are sent as they are, anything else as JSON."""


@dataclass
class FakeEndpoint:
    """`reply` says what is answered to a path and a body."""

    reply: Callable[[str, Any], Reply]
    asked: list[tuple[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    reply_headers: dict[str, str] = field(default_factory=dict)
    port: int = 0

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


def completions(*texts: str, **more: object) -> Reply:
    """A good answer, for chats and raw prompts."""
    choices = [
        {"index": index, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
        for index, text in enumerate(texts)
    ]
    return 200, {"choices": choices, "usage": {"prompt_tokens": 11, "completion_tokens": 5}, **more}


@contextmanager
def answering(reply: Callable[[str, Any], Reply]) -> Iterator[FakeEndpoint]:
    """Run it until the end of the block."""
    endpoint = FakeEndpoint(reply)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.answer(None)

        def do_POST(self) -> None:
            self.answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

        def answer(self, body: Any) -> None:
            endpoint.asked.append((self.path, body))
            endpoint.headers.append({name.lower(): value for name, value in self.headers.items()})
            status, content = endpoint.reply(self.path, body)
            raw = content if isinstance(content, bytes) else json.dumps(content).encode()
            self.send_response(status)
            for name, value in {"Content-Length": str(len(raw)), **endpoint.reply_headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listener:
        endpoint.port = listener.server_port
        thread = threading.Thread(target=listener.serve_forever)
        thread.start()
        try:
            yield endpoint
        finally:
            listener.shutdown()
            thread.join()
