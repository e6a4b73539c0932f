"""`sleepy lsp`: the language server on standard input and output, alone or around rust-analyzer."""

from __future__ import annotations

import argparse
import gc

EPILOG = """\
An editor starts it; docs/protocol.md says what it speaks. It never compiles itself and never writes a file.

With --wrap it stands between the editor and rust-analyzer and adds its own code actions to rust-analyzer's; all else
passes unchanged. Everything after --wrap is the command of rust-analyzer, as in `sleepy lsp --wrap rust-analyzer`."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `sleepy lsp`."""
    parser.epilog = EPILOG
    parser.add_argument("--stdio", action="store_true", help="speak on standard input and output (always so)")
    parser.add_argument("--verbose", action="store_true", help="write what happens to standard error")
    parser.add_argument(
        "--wrap",
        nargs=argparse.REMAINDER,
        metavar="PROGRAM",
        help="run this language server as well and speak for both (with its arguments; comes last)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Run the server until its client is gone."""
    from sleepy_agent.heap import use_one_heap

    use_one_heap()
    if arguments.wrap is not None:
        return run_wrapped(arguments)
    from sleepy_agent.config import find_places

    # What is imported now stays for good, so looking for garbage often only takes time: a tenth of the start. Not
    # looking at all would take 10 MB.
    thresholds = gc.get_threshold()
    gc.set_threshold(5000, 20, 20)
    from sleepy_lsp.server.language_server import run_server

    gc.freeze()
    gc.set_threshold(*thresholds)
    return run_server(find_places(), verbose=arguments.verbose)


def run_wrapped(arguments: argparse.Namespace) -> int:
    """Run the proxy around another server. Raises BadUsage where no program is named."""
    from sleepy_agent.errors import BadUsage
    from sleepy_agent.process import own_command
    from sleepy_lsp.proxy.main import run_proxy

    if not arguments.wrap:
        raise BadUsage("--wrap names no program.", "Name the language server: `sleepy lsp --wrap rust-analyzer`.")
    sleepy_command = [*own_command("sleepy_agent.cli", "lsp")]
    sleepy_command += ["--verbose"] if arguments.verbose else []
    return run_proxy(arguments.wrap, sleepy_command, shows_sleepy_log=arguments.verbose)
