"""What `sleepy doctor` says of the models: which is asked, whether it fits, whether its server runs.

None is needed: whatever is wrong here takes one source of fixes away, and the others go on. Nobody is asked over a
network, and no server is started.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from typing import Final

from sleepy_agent.cli.checks import Check, Machine, State
from sleepy_agent.cli.model_report import size_text
from sleepy_agent.config import NO_MODEL, Settings, load_settings
from sleepy_agent.errors import ModelError, SleepyError
from sleepy_agent.process import CancelToken
from sleepy_agent.serving.clients.lifecycle import connect
from sleepy_agent.serving.clients.model_choice import installed_files, model_in_use, name_and_file_in_use
from sleepy_agent.serving.manifest import adapter_files, check_base, read_snapshot
from sleepy_agent.serving.memory_need import available_bytes
from sleepy_agent.serving.models.installed import default_model, memory_of_file
from sleepy_agent.serving.models.shipped import SEED, SERVING, shipped_file
from sleepy_agent.serving.serve_folder import read_address, serve_folder_of

ASKING: Final = ("httpx",)
INSTALL: Final = "pip install 'sleepy-coder[serve]'"
ANSWER_SECONDS: Final = 2.0


def check_models(machine: Machine) -> Iterator[Check]:
    """A check for the model, one for its server and its adapters where there are any, one for the remote model."""
    try:
        settings = load_settings(machine.places)
    except SleepyError:
        # The check of the settings has told it.
        return
    if settings.model_endpoint:
        name = settings.model_name or "sleepy/base"
        yield check_endpoint("model", name, settings.model_endpoint, settings.model_key_variable, machine)
    else:
        yield from check_local(machine, settings)
    if settings.remote_endpoint:
        name, key = settings.remote_model, settings.remote_key_variable
        yield check_endpoint("remote model", name, settings.remote_endpoint, key, machine)


def check_endpoint(check: str, model: str, url: str, key_variable: str, machine: Machine) -> Check:
    """Somebody else's server, as far as can be told without asking it."""
    if not model:
        mend = "say with remote_model in the settings what that server calls the model"
        return Check(check, State.WARNING, f"{url}, without the name of a model", mend, essential=False)
    found = f"{model} at {url}"
    if missing := missing_packages(ASKING):
        return Check(check, State.WARNING, f"{found}, but {missing} is not installed", INSTALL, essential=False)
    if key_variable and not machine.environment.get(key_variable, "").strip():
        return Check(check, State.WARNING, f"{found}, but its key is missing", f"set {key_variable}", essential=False)
    return Check(check, State.OK, found, essential=False)


def check_local(machine: Machine, settings: Settings) -> Iterator[Check]:
    """The model in llama.cpp: is one chosen, does it fit, who answers for it."""
    places = machine.places
    is_chosen = bool(settings.model or installed_files(places))
    if settings.model == NO_MODEL:
        yield Check("model", State.OK, "none is asked: the settings say so", essential=False)
        return
    if not is_chosen and shipped_file(places) is not None and (missing := missing_packages(SERVING)):
        text = f"{SEED} comes with Sleepy, and is asked once {missing} is installed ({INSTALL})"
        yield Check("model", State.OK, text, essential=False)
        return
    if not is_chosen and shipped_file(places) is None:
        size = size_text(default_model().size_bytes)
        text = f"none; `sleepy model pull` fetches one ({size}), everything but the source `model` works without"
        yield Check("model", State.OK, text, essential=False)
        return
    try:
        name, file = name_and_file_in_use(places, settings)
    except ModelError as error:
        yield Check("model", State.WARNING, _words(error.message), error.remedy, essential=False)
        return
    needed, free = memory_of_file(file, settings), available_bytes()
    if needed is None:
        mend = f"`sleepy model info {name}` says why, `sleepy model pull` fetches one"
        yield Check("model", State.WARNING, f"{name}: its file cannot be used", mend, essential=False)
    elif missing := missing_packages(SERVING):
        yield Check("model", State.WARNING, f"{name}, but {missing} is not installed", INSTALL, essential=False)
    elif needed > free and read_address(serve_folder_of(places)) is None:
        mend = "close other programs, set context_tokens lower, or take a smaller model (`sleepy model list`)"
        found = f"{name} takes {size_text(needed)} of memory and {size_text(free)} are free"
        yield Check("model", State.WARNING, found, mend, essential=False)
    else:
        found = f"{name}, takes {size_text(needed)} of memory at most, {size_text(free)} are free"
        yield Check("model", State.OK, found, essential=False)
    yield check_server(machine)
    yield from check_adapters(machine, settings)


def check_server(machine: Machine) -> Check:
    """Whether `sleepy serve` runs, and whether it answers."""
    files = serve_folder_of(machine.places)
    address = read_address(files)
    if address is None:
        return Check("model server", State.OK, "not running; whatever needs it starts it", essential=False)
    mend = "`sleepy serve --stop` ends it, and the next request starts a new one"
    if missing_packages(ASKING):
        return Check("model server", State.OK, f"process {address.pid}", essential=False)
    try:
        found = connect(files, CancelToken(), ANSWER_SECONDS)
    except ModelError as error:
        return Check("model server", State.WARNING, _words(error.message), error.remedy, essential=False)
    if found is None:
        text = f"process {address.pid} does not answer"
        return Check("model server", State.WARNING, text, mend, essential=False)
    text = f"{found.model or 'a model'} at {address.base_url}/v1, {found.state}, process {address.pid}"
    return Check("model server", State.OK, text, essential=False)


def check_adapters(machine: Machine, settings: Settings) -> Iterator[Check]:
    """Whether the adapters that a night made can be used with the model."""
    manifest = machine.places.manifest_file
    try:
        snapshot = read_snapshot(manifest)
        if snapshot is None:
            return
        model = model_in_use(machine.places, settings)
        check_base(snapshot, model.name, model.sha256)
        names = ", ".join(one.name for one in adapter_files(snapshot, manifest)) or "none"
    except ModelError as error:
        yield Check("adapters", State.WARNING, _words(error.message), error.remedy, essential=False)
        return
    yield Check("adapters", State.OK, f"{names}, of snapshot {snapshot.snapshot_id}", essential=False)


def missing_packages(names: tuple[str, ...]) -> str:
    """Those that are not installed, as a text; empty where all are."""
    return ", ".join(name for name in names if find_spec(name) is None)


def _words(sentence: str) -> str:
    """A sentence as part of a line."""
    return f"{sentence[:1].lower()}{sentence[1:]}".rstrip(".")
