"""A small language server for tests, run as a program: `python scripted_server.py SCRIPT`, a JSON object.

`log`: a file that gets every byte it reads. `name`: what it calls itself in answers. `capabilities`: what it announces.
`actions`: its code actions, or "never". `stubborn`: it ends neither on `exit` nor at the end of its input.
`starts`: a child that outlives it, in a process group of its own; its process id stands in that file.
`at_start`: "garbage", "deaf" (never reads), "hang" (reads, never answers), "noise" (on stderr, without end),
"deaf input" (closes its stdin), "exit" (with 3).

A notification `test/say` makes it write the bytes `raw` (latin-1), `test/die` ends it, `test/ask` or `sleepy/ask` makes
it ask the client. `initialized` is answered with `test/initialized`, `sleepy/diagnostics` with `test/heard`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any


def send(message: Any) -> None:
    body = json.dumps({"jsonrpc": "2.0", **message}).encode()
    write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))


def write(content: bytes) -> None:
    sys.stdout.buffer.write(content)
    sys.stdout.buffer.flush()


def messages(log: Path | None) -> Any:
    """Every message on stdin, its bytes appended to the log before it is looked at."""
    stream = sys.stdin.buffer
    while line := stream.readline():
        raw, length = line, 0
        while True:
            name, _, value = line.partition(b":")
            if name.strip().lower() == b"content-length":
                length = int(value)
            if not line.strip():
                break
            line = stream.readline()
            raw += line
        body = stream.read(length)
        if log is not None:
            with log.open("ab") as file:
                file.write(raw + body)
        yield json.loads(body)


def answer(script: dict[str, Any], message: dict[str, Any]) -> None:
    method, identifier = message.get("method"), message.get("id")
    if method == "initialize":
        send({"id": identifier, "result": {"capabilities": script.get("capabilities", {})}})
    elif method == "textDocument/codeAction":
        if script.get("actions") != "never":
            send({"id": identifier, "result": script.get("actions", [])})
    elif method == "shutdown":
        send({"id": identifier, "result": None})
    elif method == "test/never":
        pass
    elif identifier is not None and method is not None:
        send({"id": identifier, "result": {"by": script["name"], "method": method, "params": message.get("params")}})
    elif method == "test/say":
        write(message["params"]["raw"].encode("latin-1"))
    elif method in ("test/ask", "sleepy/ask"):
        send({"id": 1, "method": message["params"]["method"], "params": {"by": script["name"]}})
    elif method == "sleepy/diagnostics":
        send({"method": "test/heard", "params": message["params"]})
    elif method == "initialized":
        send({"method": "test/initialized", "params": {"by": script["name"]}})
    elif method == "test/die":
        os._exit(message["params"]["code"])
    elif method is None:
        send({"method": "test/answered", "params": {"by": script["name"], "answer": message}})


def main() -> None:
    script = json.loads(sys.argv[1])
    if "starts" in script:
        # A program that does nothing but wait for the end of an input that never ends.
        waiting = [sys.executable, "-c", "import signal; signal.pause()"]
        child = subprocess.Popen(waiting, process_group=0)
        Path(script["starts"]).write_text(f"{os.getpid()} {child.pid}")
    at_start = script.get("at_start")
    if at_start == "exit":
        sys.exit(3)
    if at_start == "garbage":
        write(b"this is no message\n" * 1000 + b"Content-Length: 5\r\n\r\n{bad}" + b"\xff\x00" * 50_000)
    if at_start == "noise":
        threading.Thread(target=lambda: [os.write(2, b"noise\n" * 1000) for _ in iter(int, 1)], daemon=True).start()
    if at_start == "deaf input":
        os.close(0)
    if at_start in ("deaf", "deaf input"):
        threading.Event().wait()
    for message in messages(Path(script["log"]) if "log" in script else None):
        if at_start == "hang" or not isinstance(message, dict):
            continue
        if message.get("method") == "exit" and not script.get("stubborn"):
            sys.exit(0)
        answer(script, message)
    if script.get("stubborn"):
        threading.Event().wait()


if __name__ == "__main__":
    main()
