"""`sleepy model merge`: an adapter made part of its base, as a model of its own."""

from __future__ import annotations

import argparse
import json
from contextlib import suppress
from pathlib import Path
from typing import Final

from sleepy_agent.cli.pull_progress import shown_steps
from sleepy_agent.cli.terminal import Terminal
from sleepy_agent.config import Places, Settings
from sleepy_agent.errors import EXIT_ERRORS_REMAIN, EXIT_GREEN, ModelError
from sleepy_agent.process import CancelToken, InterruptSignals
from sleepy_agent.serving.clients.model_choice import InstalledModel
from sleepy_agent.serving.manifest import check_base, read_snapshot
from sleepy_agent.serving.models.installed import alone_with, refuse_name

SUMMARY: Final = "make an adapter part of its base, as a model of its own"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `sleepy model merge`."""
    parser.epilog = (
        "The new model is kept only if at least 95 % of what the adapter changes in the answers survives being\n"
        "stored in so few bits. Exit codes: 0 merged, 1 not kept, 2 could not run."
    )
    parser.add_argument("adapter", metavar="ADAPTER", help="a family whose adapter is in use, or the path of one")
    parser.add_argument("--base", metavar="MODEL", help="a model, or the path of a GGUF file (default: the one in use)")
    parser.add_argument("--name", metavar="NAME", help="what to call the new model (default: BASE-ADAPTER)")
    parser.add_argument("--quantisation", metavar="TYPE", help="Q4_K_M, Q8_0, F16 or the like (default: as the base)")


def adapter_file(wanted: str, base: InstalledModel, places: Places) -> tuple[str, Path, float]:
    """Name, file and scale of the adapter that is meant. Raises ModelError."""
    if wanted.endswith(".gguf") or "/" in wanted:
        file = Path(wanted).expanduser().absolute()
        return file.stem, file, 1.0
    snapshot = read_snapshot(places.manifest_file)
    adapter = snapshot.adapter_for(wanted) if snapshot is not None else None
    if snapshot is None or adapter is None:
        known = ", ".join(one.name for one in snapshot.adapters) if snapshot is not None else ""
        raise ModelError(
            f"There is no adapter {wanted}.",
            f"The adapters are: {known}." if known else "Give the path of one, or wait until a night has made some.",
        )
    try:
        check_base(snapshot, base.name, base.sha256)
    except ModelError as error:
        raise ModelError(error.message, "Say with --base which model they belong to.") from error
    return adapter.name, places.manifest_file.parent / adapter.file, adapter.scale


def merge(
    arguments: argparse.Namespace, base: InstalledModel, terminal: Terminal, places: Places, settings: Settings
) -> int:
    """Merge, and say what became of it. Raises ModelError, CannotWrite."""
    from sleepy_agent.serving.files.merge import TooCoarse
    from sleepy_agent.serving.files.merge import merge as merge_files

    adapter, file, scale = adapter_file(arguments.adapter, base, places)
    name = arguments.name or f"{base.name}-{adapter}".lower()
    refuse_name(name)
    folder = places.models_folder / name
    cancel = CancelToken()
    with alone_with(places, name), shown_steps(terminal, silent=arguments.json) as on_step, InterruptSignals(cancel):
        if any(folder.glob("*.gguf")):
            raise ModelError(f"There is a model {name} already.", "Give the new one another --name.")
        try:
            merged = merge_files(
                base.file,
                file,
                folder / f"{name}.gguf",
                scale=scale,
                quantisation=arguments.quantisation,
                threads=settings.serve_threads,
                niceness=settings.niceness,
                progress=on_step,
                cancel=cancel,
            )
        finally:
            # Nothing stays of what was not kept; a folder with a model in it does.
            with suppress(OSError):
                folder.rmdir()
    if isinstance(merged, TooCoarse):
        record = {"merged": False, "share": merged.share, "reason": merged.reason, "remedy": merged.remedy}
        text = f"Not kept. {merged.reason}\n{merged.remedy}"
    else:
        record = {"merged": True, "name": name, "file": str(merged.file), "share": merged.share}
        text = f"{name}: {merged.share:.1%} of what {adapter} does survived; `sleepy model use {name}` uses it."
    terminal.output.write((json.dumps(record) if arguments.json else text) + "\n")
    return EXIT_ERRORS_REMAIN if isinstance(merged, TooCoarse) else EXIT_GREEN
