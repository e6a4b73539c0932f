"""`sleepy model`: fetch, choose, describe, remove and merge the local models."""

from __future__ import annotations

import argparse
import difflib
import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Final, NamedTuple

from sleepy_agent.cli import model_merge
from sleepy_agent.cli.console import console_for
from sleepy_agent.cli.model_report import (
    describe_model,
    file_in_use,
    list_as_json,
    listed_models,
    print_facts,
    print_list,
    size_text,
)
from sleepy_agent.cli.settings_file import write_setting
from sleepy_agent.cli.terminal import Terminal, terminal_of_process
from sleepy_agent.config import NO_MODEL, Places, Settings, find_places, load_settings
from sleepy_agent.errors import EXIT_GREEN, BadUsage, ModelError
from sleepy_agent.process import CancelToken
from sleepy_agent.serving.clients.lifecycle import stop_server
from sleepy_agent.serving.clients.model_choice import installed_files, model_in_use, name_and_file_in_use
from sleepy_agent.serving.files.gguf_header import validate_base
from sleepy_agent.serving.models.installed import (
    LIST,
    default_model,
    known_models,
    remove_model,
    stored_model,
    stored_models,
)
from sleepy_agent.serving.models.shipped import SEED, shipped_file

NEEDED_EXTRA: Final = "Install the extra that brings it: `pip install 'sleepy-coder[serve]'`."


class Action(NamedTuple):
    """One word after `sleepy model`."""

    name: str
    summary: str
    add_arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace, Terminal, Places, Settings], int]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The actions of `sleepy model`, each with its options."""
    parser.epilog = (
        "Models are fetched from Hugging Face, or from the mirror in HF_ENDPOINT; HF_TOKEN is told where it is set,\n"
        "and with HF_HUB_OFFLINE=1 nothing is fetched. What was broken off is gone on with by the same command, and\n"
        "only a file with the right checksum is kept."
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", title="actions", required=True)
    for action in ACTIONS:
        subparser = actions.add_parser(
            action.name,
            help=action.summary,
            description=f"{action.summary[:1].upper()}{action.summary[1:]}.",
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        action.add_arguments(subparser)
        subparser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
        subparser.set_defaults(run_action=action.run)


def run(arguments: argparse.Namespace) -> int:
    """Do what the action says."""
    terminal = terminal_of_process()
    return run_with(arguments, terminal, find_places(terminal.environment))


def run_with(arguments: argparse.Namespace, terminal: Terminal, places: Places) -> int:
    """Do what the action says, in these places."""
    try:
        code: int = arguments.run_action(arguments, terminal, places, load_settings(places))
    except ModuleNotFoundError as error:
        raise BadUsage(
            f"`sleepy model {arguments.action}` needs the Python package {error.name}, which is not installed.",
            NEEDED_EXTRA,
        ) from error
    return code


def add_pull_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `sleepy model pull`."""
    parser.add_argument(
        "model",
        nargs="?",
        metavar="MODEL",
        default=default_model().name,
        help="a name of `sleepy model list`, or OWNER/REPOSITORY/FILE.gguf (default: %(default)s)",
    )
    parser.add_argument("--name", metavar="NAME", help="what to call it here")
    parser.add_argument("--revision", metavar="REVISION", default="main", help="branch, tag or commit (default: main)")
    parser.add_argument("--use", action="store_true", help="use it from now on")


def pull(arguments: argparse.Namespace, terminal: Terminal, places: Places, settings: Settings) -> int:
    """Fetch a model."""
    from sleepy_agent.cli.pull_progress import shown_progress
    from sleepy_agent.serving.models.hub import wanted_model
    from sleepy_agent.serving.models.pull import pull_model

    wanted = wanted_model(arguments.model, arguments.name, arguments.revision)
    only = only_model(places, settings)
    with shown_progress(terminal, silent=arguments.json) as on_progress:
        pulled = pull_model(places, wanted, terminal.environment, on_progress, CancelToken())
    settings = choose(places, settings, pulled.name) if arguments.use else keep_in_use(places, settings, only)
    in_use = file_in_use(places, settings) == pulled.file
    if in_use and (pulled.is_new or arguments.use):
        stop_server(places)
    record = {
        "name": pulled.name,
        "file": str(pulled.file),
        "is_new": pulled.is_new,
        "fetched_bytes": pulled.fetched_bytes,
        "in_use": in_use,
        "record": asdict(pulled.record),
    }
    size = size_text(pulled.record.size_bytes)
    taken = f"fetched {size}" if pulled.fetched_bytes else f"{size} copied from the cache of huggingface_hub"
    what = taken if pulled.is_new else "was here already"
    licence = f", licence: {pulled.record.licence}" if pulled.record.licence else ""
    use = "in use" if in_use else f"`sleepy model use {pulled.name}` uses it"
    tell(terminal, arguments.json, record, f"{pulled.name}: {what}{licence}; {use}.{instead_of_it(settings)}")
    return EXIT_GREEN


def add_list_arguments(parser: argparse.ArgumentParser) -> None:
    """`sleepy model list` has no options of its own."""


def list_models(arguments: argparse.Namespace, terminal: Terminal, places: Places, settings: Settings) -> int:
    """Show what is here, and what can be fetched."""
    models = listed_models(places, settings)
    if arguments.json:
        terminal.output.write(json.dumps(list_as_json(models, settings)) + "\n")
    else:
        print_list(console_for(terminal, terminal.output), models, settings)
    return EXIT_GREEN


def add_use_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `sleepy model use`."""
    parser.add_argument(
        "model",
        metavar="MODEL",
        help="a model that is here, the path of a GGUF file, `seed` for the one that comes with Sleepy, or `none`",
    )


def use(arguments: argparse.Namespace, terminal: Terminal, places: Places, settings: Settings) -> int:
    """Use a model from now on, or none."""
    if arguments.model == NO_MODEL:
        return use_none(arguments, terminal, places, settings)
    name, file = named_model(arguments.model, places, settings)
    validate_base(file)
    was_in_use = file_in_use(places, settings) == file
    settings = choose(places, settings, name)
    was_running = not was_in_use and stop_server(places)
    record = {"name": name, "file": str(file), "server_ended": was_running, "endpoint": settings.model_endpoint or None}
    ended = " The server that ran with another one has ended." if was_running else ""
    tell(terminal, arguments.json, record, f"{name} is used from now on.{ended}{instead_of_it(settings)}")
    return EXIT_GREEN


def use_none(arguments: argparse.Namespace, terminal: Terminal, places: Places, settings: Settings) -> int:
    """Ask no local model from now on."""
    was_running = settings.model != NO_MODEL and stop_server(places)
    settings = choose(places, settings, NO_MODEL)
    record = {"name": None, "file": None, "server_ended": was_running, "endpoint": settings.model_endpoint or None}
    tell(terminal, arguments.json, record, "No local model is asked from now on; `sleepy model use seed` undoes it.")
    return EXIT_GREEN


def add_info_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `sleepy model info`."""
    parser.add_argument(
        "model", nargs="?", metavar="MODEL", help="a model, or the path of a GGUF file (default: the one in use)"
    )


def info(arguments: argparse.Namespace, terminal: Terminal, places: Places, settings: Settings) -> int:
    """Describe a model."""
    name, file = (
        name_and_file_in_use(places, settings)
        if arguments.model is None
        else named_model(arguments.model, places, settings)
    )
    facts = describe_model(name, file, places, settings)
    if arguments.json:
        terminal.output.write(json.dumps(facts) + "\n")
    else:
        print_facts(console_for(terminal, terminal.output), facts, settings)
    return EXIT_GREEN


def add_rm_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `sleepy model rm`."""
    parser.add_argument("model", metavar="MODEL", help="a model that is here, whole or half fetched")
    parser.add_argument("--force", action="store_true", help="also the one that is in use")


def remove(arguments: argparse.Namespace, terminal: Terminal, places: Places, settings: Settings) -> int:
    """Delete a model."""
    name = arguments.model
    model = stored_model(places, name)
    if model is None and name == SEED and shipped_file(places) is not None:
        raise ModelError(f"The model {SEED} is a part of Sleepy.", "`sleepy model use none` keeps it from being asked.")
    if model is None:
        raise unknown_model(name, places)
    in_use = model.file is not None and file_in_use(places, settings) == model.file
    if in_use and not arguments.force:
        raise ModelError(f"The model {name} is in use.", "Use another one first (`sleepy model use`), or give --force.")
    if in_use:
        # Its file would stay on the disk as long as the server has it in memory.
        stop_server(places)
    freed = remove_model(places, name)
    if settings.model == name:
        write_setting(places, "model", "")
    tell(terminal, arguments.json, {"name": name, "freed_bytes": freed}, f"{name} is gone: {size_text(freed)} freed.")
    return EXIT_GREEN


def merge(arguments: argparse.Namespace, terminal: Terminal, places: Places, settings: Settings) -> int:
    """Merge an adapter into a base."""
    only = only_model(places, settings) or (SEED if shipped_is_in_use(places, settings) else None)
    name = settings.model if arguments.base is None else named_model(arguments.base, places, settings)[0]
    base = model_in_use(places, replace(settings, model=name))
    code = model_merge.merge(arguments, base, terminal, places, settings)
    keep_in_use(places, settings, only)
    return code


def shipped_is_in_use(places: Places, settings: Settings) -> bool:
    """Whether nobody had to choose the model that comes with Sleepy."""
    shipped = shipped_file(places)
    return shipped is not None and not settings.model and file_in_use(places, settings) == shipped


def named_model(name: str, places: Places, settings: Settings) -> tuple[str, Path]:
    """Name and file of a model that can be used; a path is its own name, absolute. Raises ModelError."""
    if name.endswith(".gguf") or "/" in name:
        file = Path(name).expanduser().absolute()
        if not file.is_file():
            raise ModelError(f"There is no file {file}.", f"Check the path. {LIST}")
        return str(file), file
    model = stored_model(places, name)
    is_shipped = model is None and name == SEED and shipped_file(places) is not None
    if not is_shipped and (model is None or model.file is None):
        raise unknown_model(name, places)
    return name_and_file_in_use(places, replace(settings, model=name))


def unknown_model(name: str, places: Places) -> ModelError:
    """There is none of this name here: what may be meant."""
    if name in {model.name for model in known_models()}:
        return ModelError(f"The model {name} is not here yet.", f"`sleepy model pull {name}` fetches it.")
    names = [model.name for model in stored_models(places)] + [model.name for model in known_models()]
    close = difflib.get_close_matches(name, names, n=1)
    return ModelError(f"There is no model {name}.", f"Did you mean {close[0]}? {LIST}" if close else LIST)


def choose(places: Places, settings: Settings, name: str) -> Settings:
    """Write down which model is used from now on, and the settings as they are then. Raises CannotWrite."""
    if settings.model != name:
        write_setting(places, "model", name)
    return replace(settings, model=name)


def only_model(places: Places, settings: Settings) -> str | None:
    """The model that is in use because there is no other one, and nobody had to choose."""
    files = installed_files(places)
    return files[0].parent.name if len(files) == 1 and not settings.model else None


def keep_in_use(places: Places, settings: Settings, only: str | None) -> Settings:
    """Write down that the one that was alone is used, now that it is not alone any more: else none would be."""
    is_alone = len(installed_files(places)) == (0 if only == SEED else 1)
    return settings if only is None or is_alone else choose(places, settings, only)


def instead_of_it(settings: Settings) -> str:
    """Something that is worth knowing where no local model is asked at all."""
    if not settings.model_endpoint:
        return ""
    return f" But none is asked: the setting model_endpoint names {settings.model_endpoint}."


def tell(terminal: Terminal, as_json: bool, record: dict[str, Any], text: str) -> None:
    """One JSON object, or a sentence."""
    terminal.output.write((json.dumps(record) if as_json else text) + "\n")


ACTIONS: Final = (
    Action("pull", "fetch a model, or go on with one that was broken off", add_pull_arguments, pull),
    Action("list", "show the models that are here and those that can be fetched", add_list_arguments, list_models),
    Action("use", "use a model from now on", add_use_arguments, use),
    Action("info", "describe a model: its kind, its size, the memory it takes", add_info_arguments, info),
    Action("rm", "delete a model", add_rm_arguments, remove),
    Action("merge", model_merge.SUMMARY, model_merge.add_arguments, merge),
)
