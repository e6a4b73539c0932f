"""A model server of a run's own, for a model that is not the user's choice: theirs goes on undisturbed."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sleepy_agent.config import HOME_VARIABLE, Places, Settings, find_places

if TYPE_CHECKING:
    from sleepy_agent.fixes.sources.model import ModelSource

IDLE_SECONDS: Final = 120.0
"""Where nobody could end it (a crash, a pulled plug) it ends by itself after this time."""
SERVER_SETTINGS: Final = ("context_tokens", "prefix_cache_megabytes", "serve_threads")
# The server finds everything below its home, which only it is to see.
_PROGRAM: Final = (
    f"import os, sys; os.environ[{HOME_VARIABLE!r}] = sys.argv.pop(1);"
    " from sleepy_agent.cli.main import main; sys.exit(main())"
)


@contextmanager
def own_model(folder: Path, places: Places, settings: Settings) -> Iterator[ModelSource]:
    """The source `model` with the model that `settings` names, served from a home below `folder`; models and snapshots
    are the user's. Raises ModelError where there is no such model."""
    from sleepy_agent.fixes.sources.model import ModelSource
    from sleepy_agent.serving.clients.lifecycle import stop_server
    from sleepy_agent.serving.clients.model_choice import model_in_use
    from sleepy_agent.serving.clients.served_model import ServedModel

    model = model_in_use(places, settings)
    home = find_places({HOME_VARIABLE: str(folder / "home")})
    for theirs, ours in (
        (places.models_folder, home.models_folder),
        (places.manifest_file.parent, home.manifest_file.parent),
    ):
        ours.parent.mkdir(parents=True, exist_ok=True)
        # Where links are not allowed the model is still found by its file.
        with suppress(OSError):
            ours.symlink_to(theirs, target_is_directory=True)
    known_by_name = (home.models_folder / model.name).is_dir()
    wanted = replace(settings, model=model.name if known_by_name else str(model.file.absolute()))
    wanted = replace(wanted, serve_idle_seconds=IDLE_SECONDS)
    values = asdict(wanted)
    said = {name: values[name] for name in ("model", "serve_idle_seconds", *SERVER_SETTINGS)}
    home.config.mkdir(parents=True)
    # Texts and numbers are written alike in JSON and TOML.
    lines = [f"{name} = {json.dumps(value)}\n" for name, value in said.items()]
    home.settings_file.write_text("".join(lines), encoding="utf-8")
    command = (sys.executable, "-P", "-c", _PROGRAM, str(folder / "home"), "serve", "--json")
    try:
        yield ModelSource(
            "model",
            ServedModel(home, wanted, model.model_id, command=command),
            settings.model_samples,
            settings.model_rounds,
            settings.model_seconds,
        )
    finally:
        stop_server(home)
