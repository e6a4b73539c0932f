"""A model hub on this machine: what huggingface_hub asks of one, with small files and every way to fail."""

from __future__ import annotations

import hashlib
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

REPOSITORY = "someone/tiny-models"
COMMIT = "0123456789abcdef0123456789abcdef01234567"
TOKEN = "hf_only_for_the_hub"


@dataclass
class FakeHub:
    """`files`: content by path in the one repository. What goes wrong is set between requests.

    `breaks_after`: for each GET in turn, after how many bytes of the body the connection ends (None: not at all).
    `sent`: what is sent instead of the file's content. `error`: status and X-Error-Code of every answer.
    """

    files: dict[str, bytes]
    with_ranges: bool = True
    with_checksum: bool = True
    is_hub: bool = True
    breaks_after: list[int | None] = field(default_factory=list)
    sent: bytes | None = None
    error: tuple[int, str | None] | None = None
    storage_url: str | None = None
    requests: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    url: str = ""

    @property
    def ranges(self) -> list[str | None]:
        """What each GET for a file's bytes asked for, in order."""
        return [headers.get("range") for method, _, headers in self.requests if method == "GET"]


class QuietServer(ThreadingHTTPServer):
    """A client that goes away in the middle is a part of the test."""

    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


@contextmanager
def serving(hub: FakeHub, host: str = "127.0.0.1") -> Iterator[FakeHub]:
    """The hub, answering."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_arguments: object) -> None:
            pass

        def do_HEAD(self) -> None:
            self.answer(with_body=False)

        def do_GET(self) -> None:
            self.answer(with_body=True)

        def answer(self, *, with_body: bool) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            hub.requests.append((self.command, self.path, headers))
            if hub.error is not None:
                status, code = hub.error
                self.finish_headers(status, {"X-Error-Code": code} if code else {}, 0)
                return
            content = next((content for path, content in hub.files.items() if self.path.endswith(f"/{path}")), None)
            if content is None:
                self.finish_headers(404, {"X-Error-Code": "EntryNotFound"}, 0)
                return
            about = {"X-Repo-Commit": COMMIT} if hub.is_hub else {}
            if hub.with_checksum:
                about |= {"X-Linked-Etag": f'"{hashlib.sha256(content).hexdigest()}"'}
            about |= {"ETag": '"not-a-checksum"', "X-Linked-Size": str(len(content)), "Accept-Ranges": "bytes"}
            if hub.storage_url is not None:
                about["Location"] = f"{hub.storage_url}{self.path}"
                self.finish_headers(302, about, 0)
                return
            body = content if hub.sent is None else hub.sent
            asked = headers.get("range")
            status = 200
            if asked and hub.with_ranges and with_body:
                start = int(asked.removeprefix("bytes=").rstrip("-"))
                about["Content-Range"] = f"bytes {start}-{len(body) - 1}/{len(body)}"
                body, status = body[start:], 206
            self.finish_headers(status, about, len(body))
            if with_body:
                length = hub.breaks_after.pop(0) if hub.breaks_after else None
                self.wfile.write(body[:length])
                if length is not None:
                    self.close_connection = True

        def finish_headers(self, status: int, headers: dict[str, str], length: int) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(length))
            self.end_headers()

    server = QuietServer((host, 0), Handler)
    hub.url = f"http://{host}:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
