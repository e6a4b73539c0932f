"""What the client may choose when it starts the server: `initializationOptions` (docs/protocol.md describes them)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from sleepy_agent.config import Places, Settings, load_settings, settings_from
from sleepy_agent.errors import BadUsage


class Scope(StrEnum):
    """For which problems fixes are searched."""

    OPEN = "open"
    """Those of the documents that are open in the editor."""
    WORKSPACE = "workspace"
    """Those of all files of the cargo workspaces that a folder of the editor or an open document belongs to."""


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """The options as they are used: what the client did not say has its default."""

    trusted: bool = True
    """Whether the user trusts the folders. Compiling runs build scripts: elsewhere nothing is done."""
    scope: Scope = Scope.OPEN
    hints: bool = True
    """Whether hint diagnostics are shown where a fix is ready, to clients that cannot be told in another way."""
    settings: Settings = field(default_factory=Settings)


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """Options, and a sentence for the user about each value that could not be used."""

    options: ServerOptions
    complaints: tuple[str, ...] = ()


DEFAULTS = ServerOptions()
KNOWN_OPTIONS = ("trusted", "scope", "hints", "settings")


def read_options(raw: object, places: Places) -> ReadOptions:
    """The options that a client sent, over the user's config.toml, over the defaults.

    Never raises: a value that means nothing is left out and complained about, because an editor that cannot start its
    server over a typing error in its settings helps nobody. Options that are not ours are passed over in silence, as
    one configuration may serve several servers.
    """
    complaints: list[str] = []
    try:
        settings = load_settings(places)
    except BadUsage as error:
        settings = Settings()
        complaints.append(_sentence(error))
    if raw is None:
        values: Mapping[str, object] = {}
    elif isinstance(raw, Mapping):
        values = raw
    else:
        values = {}
        complaints.append("The initialization options are no object, so they are not used.")
    scope = DEFAULTS.scope
    asked = values.get("scope")
    if isinstance(asked, str) and asked in tuple(Scope):
        scope = Scope(asked)
    elif asked is not None:
        names = " or ".join(f'"{one}"' for one in Scope)
        complaints.append(f"The option `scope` is {asked!r}: give it {names}.")
    chosen = values.get("settings")
    if isinstance(chosen, Mapping):
        settings = _settings_one_by_one(chosen, settings, complaints)
    elif chosen is not None:
        complaints.append("The option `settings` is no object, so it is not used.")
    switches = {"trusted": DEFAULTS.trusted, "hints": settings.hints}
    for name in switches:
        value = values.get(name)
        if isinstance(value, bool):
            switches[name] = value
        elif value is not None:
            complaints.append(f"The option `{name}` is {value!r}: give it true or false.")
    options = ServerOptions(trusted=switches["trusted"], scope=scope, hints=switches["hints"], settings=settings)
    return ReadOptions(options, tuple(complaints))


def _settings_one_by_one(chosen: Mapping[object, object], base: Settings, complaints: list[str]) -> Settings:
    """One bad value must not take the good ones with it."""
    settings = base
    for key, value in chosen.items():
        try:
            settings = settings_from({str(key): value}, settings)
        except BadUsage as error:
            complaints.append(_sentence(error))
    return settings


def _sentence(error: BadUsage) -> str:
    return f"{error.message} {error.remedy}"
