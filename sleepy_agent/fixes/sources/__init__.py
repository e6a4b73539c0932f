"""Who proposes candidates. A source is a name and a function from a problem to candidates, cheapest first.

Adding one: a module here, and a line in `available_sources`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from sleepy_agent.config import NO_MODEL as NO_MODEL_WANTED
from sleepy_agent.config import Places, Settings
from sleepy_agent.domain import Candidate, Problem
from sleepy_agent.errors import BadUsage
from sleepy_agent.fixes.sources.context import SourceContext

__all__ = ["MODEL_SOURCES", "Source", "SourceContext", "available_sources", "choose_sources", "missing_models"]

MODEL_SOURCES = ("model", "remote")
"""Those that are slow, and asked beside the search (`consulting.py`)."""


class Source(Protocol):
    """Something that proposes edits."""

    @property
    def name(self) -> str:
        """The name users and episodes know it by: compiler, memory, template, model, remote."""

    def candidates(self, problem: Problem, context: SourceContext) -> Iterator[Candidate]:
        """Candidates for one problem, cheapest first, made when asked for. Never raises for a strange problem."""


def available_sources(places: Places | None = None, settings: Settings | None = None) -> Mapping[str, Source]:
    """Every source that is available here, in the order in which they are asked. Models only where `places` and
    `settings` say that there are any."""
    from sleepy_agent.fixes.sources.compiler import CompilerSource
    from sleepy_agent.fixes.sources.template import TemplateSource

    found: list[Source] = [CompilerSource(), TemplateSource()]
    if places is not None and settings is not None:
        found += [one for one in model_sources(places, settings).values() if not isinstance(one, Missing)]
    return {source.name: source for source in found}


def model_sources(places: Places, settings: Settings) -> Mapping[str, Source | Missing]:
    """The models that could be asked, each with what keeps it from being a source here."""
    # Without a model nothing of this is imported.
    is_set_up = settings.model not in ("", NO_MODEL_WANTED) or settings.model_endpoint or settings.remote_endpoint
    if not (is_set_up or any_model(places)):
        return {"model": no_model(places, settings), "remote": Missing(NO_REMOTE, SET_REMOTE)}
    from sleepy_agent.fixes.sources.model import local_source, remote_source
    from sleepy_agent.serving.chat import ModelUnavailable

    absent = {"model": no_model(places, settings), "remote": Missing(NO_REMOTE, SET_REMOTE)}
    found = {"model": local_source(places, settings), "remote": remote_source(settings)}
    missing = {
        name: Missing(one.reason, one.remedy, is_set_up=True)
        for name, one in found.items()
        if isinstance(one, ModelUnavailable)
    }
    there = {name: one for name, one in found.items() if one is not None and not isinstance(one, ModelUnavailable)}
    return absent | missing | there


def missing_models(places: Places, settings: Settings) -> Mapping[str, Missing]:
    """The models that somebody has set up and that cannot be asked: worth telling, where nobody has chosen sources."""
    return {
        name: one for name, one in model_sources(places, settings).items() if isinstance(one, Missing) and one.is_set_up
    }


def any_model(places: Places) -> bool:
    """Whether a model was fetched, or comes with Sleepy and can be asked."""
    if next(places.models_folder.glob("*/*.gguf"), None) is not None:
        return True
    if places.shipped_model is None:
        return False
    from sleepy_agent.serving.models.shipped import shipped_is_usable

    return shipped_is_usable(places)


@dataclass(frozen=True, slots=True)
class Missing:
    """Why a source is not available here, and what to do. `is_set_up`: the settings want it, or it was fetched."""

    reason: str
    remedy: str
    is_set_up: bool = False


def no_model(places: Places, settings: Settings) -> Missing:
    """Why no model is asked where nothing is wrong."""
    if settings.model == NO_MODEL_WANTED:
        return Missing('The settings say model = "none".', "`sleepy model use NAME` chooses one.")
    if places.shipped_model is not None and places.shipped_model.is_file():
        return Missing(NOT_SERVED, SERVE_IT)
    return Missing(NO_MODEL, GET_A_MODEL)


NO_MODEL = "There is no model here for the source `model`."
GET_A_MODEL = "Fetch one with `sleepy model pull`, or set model_endpoint in the settings."
NOT_SERVED = "The model that comes with Sleepy needs Python packages that are not installed."
SERVE_IT = "`pip install 'sleepy-coder[serve]'` installs them."
NO_REMOTE = "There is no endpoint for the source `remote`."
SET_REMOTE = "Set remote_endpoint and remote_model in the settings."


def choose_sources(
    names: tuple[str, ...] | None, places: Places | None = None, settings: Settings | None = None
) -> tuple[Source, ...]:
    """The sources of an exact allow-list, or all that are available. Raises BadUsage for an unknown name, and for a
    model that is not there."""
    available = available_sources(places, settings)
    if names is None:
        return tuple(available.values())
    unknown = [name for name in names if name not in available]
    if unknown and places is not None and settings is not None:
        missing = model_sources(places, settings).get(unknown[0])
        if isinstance(missing, Missing):
            raise BadUsage(missing.reason, missing.remedy)
    if unknown:
        known = ", ".join(available)
        raise BadUsage(f"There is no source {unknown[0]!r} here.", f"The sources available here are: {known}.")
    return tuple(available[name] for name in names)
