"""A server with a scripted engine as a process of its own: `python serving_program.py MODE`, as `sleepy serve` is run.

Modes: `ok`; `slow`: loads until a file `go` lies in SLEEPY_HOME; `broken`: the model cannot be loaded; `crash`: dies as
native code does; `killed`: as where memory runs out; `mute`: takes lock and address and never answers.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from serving.scripted_engine import ScriptedEngine
from sleepy_agent import __version__
from sleepy_agent.config import Places, Settings, find_places
from sleepy_agent.errors import ModelError
from sleepy_agent.serving.engine import Engine
from sleepy_agent.serving.serve_folder import Address, make_folder, make_token, serve_folder_of, write_address
from sleepy_agent.serving.server.process import bound_socket, serve


def load(mode: str, on_share: Callable[[float], bool]) -> Engine:
    """What `load_llama` does, without a model."""
    if mode == "crash":
        sys.stderr.write("GGML_ASSERT(native) failed\n")
        sys.stderr.flush()
        os.abort()
    if mode == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    if mode == "broken":
        raise ModelError("The file is truncated.", "Pull it again.")
    pause = threading.Event()
    go = Path(os.environ["SLEEPY_HOME"]) / "go"
    while mode == "slow" and not go.exists():
        if not on_share(0.5):
            raise ModelError("Stopped.", "Start again.")
        pause.wait(0.01)
    return ScriptedEngine()


def be_mute(places: Places) -> None:
    """A server that hangs."""
    from filelock import FileLock

    files = serve_folder_of(places)
    make_folder(files)
    make_token(files)
    with FileLock(files.server_lock):
        listener = bound_socket(0)
        write_address(files, Address(os.getpid(), listener.getsockname()[1], __version__))
        threading.Event().wait()


def main() -> int:
    """Serve as the mode says."""
    mode = sys.argv[1]
    places = find_places()
    with (places.state / "starts.txt").open("a") as starts:
        starts.write(f"{os.getpid()}\n")
    logging.basicConfig(stream=sys.stderr, level=logging.INFO)
    if mode == "mute":
        be_mute(places)
    seconds = float(os.environ.get("SCRIPTED_IDLE_SECONDS", "600"))
    ended = serve(places, Settings(serve_idle_seconds=seconds), lambda on_share: load(mode, on_share))
    if ended.failure is not None:
        error = {"message": ended.failure.message, "remedy": ended.failure.remedy}
        sys.stdout.write(json.dumps({"error": error}) + "\n")
        return 2
    sys.stdout.write("already running\n" if ended.already_running else "ended\n")
    sys.stdout.flush()
    if ended.is_loading:
        os._exit(0)
    return 0


if __name__ == "__main__":
    sys.exit(main())
