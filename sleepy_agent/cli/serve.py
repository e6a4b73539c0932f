"""`sleepy serve`: the model server of this user, in the foreground; and what can be asked of a running one."""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
from collections.abc import Callable
from functools import partial

from sleepy_agent.cli.terminal import Terminal, terminal_of_process
from sleepy_agent.config import Places, Settings, find_places, load_settings
from sleepy_agent.errors import EXIT_COULD_NOT_RUN, EXIT_GREEN, BadUsage, SleepyError
from sleepy_agent.process import CancelToken
from sleepy_agent.serving.clients.lifecycle import connect, stop_server
from sleepy_agent.serving.clients.model_choice import InstalledModel, model_in_use
from sleepy_agent.serving.engine import Engine
from sleepy_agent.serving.serve_folder import Address, serve_folder_of

HIGHEST_PORT = 65_535


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `sleepy serve`."""
    parser.epilog = (
        "Nobody has to start it: whatever needs the model does, and it ends by itself (setting serve_idle_seconds).\n"
        "It speaks OpenAI's API on this computer only. Other programs need its address and its token: see --status."
    )
    parser.add_argument("--status", action="store_true", help="say whether it runs, where, and where its token stands")
    parser.add_argument("--stop", action="store_true", help="end the one that runs")
    parser.add_argument("--port", type=int, default=0, metavar="N", help="listen there if it is free (default: any)")
    parser.add_argument("--json", action="store_true", help="print JSON and nothing else")


def run(arguments: argparse.Namespace) -> int:
    """Serve, or speak of the server."""
    terminal = terminal_of_process()
    return run_with(arguments, terminal, find_places(terminal.environment))


def run_with(arguments: argparse.Namespace, terminal: Terminal, places: Places) -> int:
    """Do what the options say."""
    if arguments.status and arguments.stop:
        raise BadUsage("--status and --stop do not go together.", "Give one of them.")
    if not 0 <= arguments.port <= HIGHEST_PORT:
        raise BadUsage(f"--port {arguments.port} is no port.", f"Give a number from 1 to {HIGHEST_PORT}.")
    if arguments.stop:
        was_running = stop_server(places)
        tell(terminal, arguments.json, {"stopped": was_running}, "Ended." if was_running else "No server was running.")
        return EXIT_GREEN
    if arguments.status:
        return tell_status(terminal, places, as_json=arguments.json)
    return serve_until_ended(terminal, places, load_settings(places), arguments.port, as_json=arguments.json)


def serve_until_ended(terminal: Terminal, places: Places, settings: Settings, port: int, *, as_json: bool) -> int:
    """Be the server. A model that is missing is told before anybody waits for it."""
    model = model_in_use(places, settings)
    try:
        from sleepy_agent.serving.server.process import serve
    except ModuleNotFoundError as error:
        raise needs_extra(error) from error
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    for name in ("httpx", "httpcore", "asyncio"):
        logging.getLogger(name).setLevel(logging.WARNING)

    def on_listening(address: Address, _stop: object) -> None:
        record = {"listening": True, "base_url": f"{address.base_url}/v1", "pid": address.pid}
        tell(terminal, as_json, record, f"{model.name} at {address.base_url}/v1. Ctrl-C ends it.")

    ended = serve(places, settings, partial(load_llama, model, settings), port=port, on_listening=on_listening)
    if ended.already_running:
        tell(terminal, as_json, {"already_running": True}, "It runs already; `sleepy serve --status` says where.")
        return EXIT_GREEN
    if ended.failure is not None:
        raise ended.failure
    if ended.is_loading:
        # A thread that reads gigabytes cannot be stopped, and would keep this process until it is done.
        terminal.output.flush()
        os._exit(EXIT_GREEN)
    return EXIT_GREEN


def load_llama(model: InstalledModel, settings: Settings, on_share: Callable[[float], bool]) -> Engine:
    """The model in llama.cpp. Raises ModelError, BadUsage."""
    from sleepy_agent.serving.llama.llama_engine import EngineSettings, load_engine

    try:
        import llama_cpp  # noqa: F401
    except ModuleNotFoundError as error:
        raise needs_extra(error) from error
    return load_engine(
        EngineSettings(
            file=model.file,
            name=model.name,
            sha256=model.sha256,
            context_tokens=settings.context_tokens,
            threads=settings.serve_threads,
            cache_bytes=settings.prefix_cache_megabytes << 20,
        ),
        on_share,
    )


def needs_extra(error: ModuleNotFoundError) -> BadUsage:
    """A package that only the extra `serve` brings is missing."""
    return BadUsage(
        f"`sleepy serve` needs the Python package {error.name}, which is not installed.",
        "Install the extra that brings it: `pip install 'sleepy-coder[serve]'`.",
    )


def tell_status(terminal: Terminal, places: Places, *, as_json: bool) -> int:
    """Whether a server runs, and how to ask it."""
    files = serve_folder_of(places)
    try:
        found, problem = connect(files, CancelToken()), None
    except SleepyError as error:
        found, problem = None, f"{error.message} {error.remedy}"
    record: dict[str, object] = {"running": found is not None, "problem": problem}
    text = problem or "No server is running; whatever needs the model starts one."
    if found is not None:
        base_url = f"{found.address.base_url}/v1"
        # One that was started in a terminal tells everything there.
        log = f", the log in {files.log_file}" if files.log_file.exists() else ""
        record |= {
            "base_url": base_url,
            "pid": found.address.pid,
            "state": found.state,
            "model": found.model,
            "token_file": str(files.token_file),
            "log_file": str(files.log_file),
        }
        text = (
            f"{found.model or 'A model'} at {base_url}, {found.state}, process {found.address.pid}.\n"
            f"The token stands in {files.token_file}{log}."
        )
    tell(terminal, as_json, record, text)
    return EXIT_COULD_NOT_RUN if problem else EXIT_GREEN


def tell(terminal: Terminal, as_json: bool, record: dict[str, object], text: str) -> None:
    """One JSON object, or a sentence."""
    terminal.output.write((json.dumps(record) if as_json else text) + "\n")
    terminal.output.flush()
