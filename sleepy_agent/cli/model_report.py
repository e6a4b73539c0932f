"""What `sleepy model list` and `sleepy model info` say: as records for programs, as text for people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sleepy_agent.config import NO_MODEL, Places, Settings
from sleepy_agent.errors import ModelError
from sleepy_agent.serving.clients.model_choice import name_and_file_in_use
from sleepy_agent.serving.files.gguf_header import read_header
from sleepy_agent.serving.memory_need import available_bytes
from sleepy_agent.serving.models.installed import (
    KnownModel,
    ModelRecord,
    StoredModel,
    cache_bytes_per_token,
    known_models,
    memory_bytes,
    memory_of_file,
    read_record,
    stored_models,
)
from sleepy_agent.serving.models.shipped import SEED, card_of, card_text_of, shipped_file

if TYPE_CHECKING:
    from rich.console import Console


class ModelState(StrEnum):
    """Whether a model can be used."""

    READY = "ready"
    PARTIAL = "partial"
    AVAILABLE = "available"


@dataclass(frozen=True, slots=True)
class ListedModel:
    """A line of the list. `stored_bytes`: what lies here of it. `memory_bytes`: what the server takes with it at most,
    None where its file cannot be used."""

    name: str
    state: ModelState
    in_use: bool
    is_default: bool
    size_bytes: int | None
    stored_bytes: int
    memory_bytes: int | None
    quantisation: str | None
    licence: str | None
    repository: str | None
    says: str | None
    file: str | None
    is_shipped: bool = False
    """Whether it is a part of Sleepy."""


def file_in_use(places: Places, settings: Settings) -> Path | None:
    """The file of the local model that is asked; None where there is none, or none is chosen among several."""
    try:
        return name_and_file_in_use(places, settings)[1]
    except ModelError:
        return None


def listed_models(places: Places, settings: Settings) -> tuple[ListedModel, ...]:
    """Those that are here, then those that can be fetched."""
    known = {model.name: model for model in known_models()}
    stored = stored_models(places)
    used = file_in_use(places, settings)
    here = [_stored_line(model, known.get(model.name), settings, used) for model in stored]
    shipped = shipped_file(places)
    if shipped is not None and all(model.name != SEED for model in stored):
        here.insert(0, _shipped_line(shipped, settings, used))
    if used is not None and used != shipped and all(model.file != used for model in stored):
        # A file of the user's own, wherever it lies.
        size = used.stat().st_size
        here.append(
            ListedModel(
                name=str(used),
                state=ModelState.READY,
                in_use=True,
                is_default=False,
                size_bytes=size,
                stored_bytes=size,
                memory_bytes=memory_of_file(used, settings),
                quantisation=None,
                licence=None,
                repository=None,
                says=None,
                file=str(used),
            )
        )
    there = [_known_line(model, settings) for name, model in known.items() if name not in {one.name for one in stored}]
    return (*here, *there)


def _stored_line(model: StoredModel, known: KnownModel | None, settings: Settings, used: Path | None) -> ListedModel:
    record = model.record
    of_catalogue = known if known is not None and (record is None or record.repository == known.repository) else None
    size = of_catalogue.size_bytes if of_catalogue else None
    memory = _known_memory(of_catalogue, settings) if of_catalogue else None
    if model.file is not None:
        size, memory = model.file.stat().st_size, memory_of_file(model.file, settings)
    return ListedModel(
        name=model.name,
        state=ModelState.READY if model.file is not None else ModelState.PARTIAL,
        in_use=model.file is not None and model.file == used,
        is_default=bool(of_catalogue and of_catalogue.default),
        size_bytes=size,
        stored_bytes=model.stored_bytes,
        memory_bytes=memory,
        quantisation=of_catalogue.quantisation if of_catalogue else None,
        licence=record.licence if record else of_catalogue.licence if of_catalogue else None,
        repository=record.repository if record else of_catalogue.repository if of_catalogue else None,
        says=of_catalogue.says if of_catalogue else None,
        file=None if model.file is None else str(model.file),
    )


def _shipped_line(file: Path, settings: Settings, used: Path | None) -> ListedModel:
    card, size = card_of(file), file.stat().st_size
    quantisation, licence = card.get("quantisation"), card.get("licence")
    return ListedModel(
        name=SEED,
        state=ModelState.READY,
        in_use=file == used,
        is_default=False,
        size_bytes=size,
        stored_bytes=size,
        memory_bytes=memory_of_file(file, settings),
        quantisation=quantisation if isinstance(quantisation, str) else None,
        licence=licence if isinstance(licence, str) else None,
        repository=None,
        says=None,
        file=str(file),
        is_shipped=True,
    )


def _known_line(model: KnownModel, settings: Settings) -> ListedModel:
    return ListedModel(
        name=model.name,
        state=ModelState.AVAILABLE,
        in_use=False,
        is_default=model.default,
        size_bytes=model.size_bytes,
        stored_bytes=0,
        memory_bytes=_known_memory(model, settings),
        quantisation=model.quantisation,
        licence=model.licence,
        repository=model.repository,
        says=model.says,
        file=None,
    )


def _known_memory(model: KnownModel, settings: Settings) -> int:
    return memory_bytes(model.size_bytes, model.cache_bytes_per_token, settings)


def list_as_json(models: Sequence[ListedModel], settings: Settings) -> dict[str, Any]:
    """The list for programs. `endpoint`: what is asked instead of any local model, null where nothing is."""
    return {
        "models": [asdict(model) for model in models],
        "available_memory_bytes": available_bytes(),
        "context_tokens": settings.context_tokens,
        "endpoint": settings.model_endpoint or None,
    }


def print_list(console: Console, models: Sequence[ListedModel], settings: Settings) -> None:
    """A line for each model, what it takes, and what can be done with it."""
    from rich.text import Text

    free = available_bytes()
    width = max(len(model.name) for model in models)
    for title, states in (("Here:", (ModelState.READY, ModelState.PARTIAL)), ("To fetch:", (ModelState.AVAILABLE,))):
        shown = [model for model in models if model.state in states]
        if shown or ModelState.READY in states:
            console.print(Text(title, "bold"))
        if not shown and ModelState.READY in states:
            console.print(Text("  none; `sleepy model pull` fetches the default one"))
        for model in shown:
            facts = "   ".join(_facts_of(model))
            mark, style = ("*", "bold green") if model.in_use else (" ", "")
            console.print(Text.assemble((f"{mark} {model.name:<{width}}", style), f"   {facts}"))
            note = _note_of(model, free)
            if note:
                console.print(Text(f"  {' ' * width}   {note}", "dim"))
    console.print(
        Text(
            f"Memory is what the server takes with {settings.context_tokens} tokens of context; {_size(free)} are free."
        )
    )
    ready = [model for model in models if model.state is ModelState.READY]
    if settings.model_endpoint:
        console.print(
            Text(f"None of them is asked: the setting model_endpoint names {settings.model_endpoint}.", "bold")
        )
    elif settings.model == NO_MODEL:
        console.print(Text("None of them is asked: `sleepy model use NAME` changes that.", "bold"))
    elif ready and not any(model.in_use for model in ready):
        console.print(Text("None is in use: `sleepy model use NAME` chooses one.", "bold"))


def _facts_of(model: ListedModel) -> list[str]:
    state = {
        ModelState.READY: "in use" if model.in_use else "ready",
        ModelState.PARTIAL: f"{_size(model.stored_bytes)} fetched so far",
        ModelState.AVAILABLE: "default" if model.is_default else "",
    }[model.state]
    return [
        _size(model.size_bytes),
        f"memory {_size(model.memory_bytes)}",
        *(fact for fact in (model.quantisation, model.licence, "shipped" if model.is_shipped else "", state) if fact),
    ]


def _note_of(model: ListedModel, free: int) -> str:
    notes = [model.says] if model.says and model.state is ModelState.AVAILABLE else []
    if model.state is ModelState.PARTIAL:
        notes.append("`sleepy model pull` with its name goes on, `sleepy model rm` gives it up")
    if model.state is ModelState.READY and model.memory_bytes is None:
        notes.append(f"its file cannot be used: `sleepy model info {model.name}` says why")
    if not model.in_use and model.memory_bytes is not None and model.memory_bytes > free:
        notes.append("takes more memory than is free now")
    return "; ".join(notes)


def describe_model(name: str, file: Path, places: Places, settings: Settings) -> dict[str, Any]:
    """All that there is to say of a GGUF file; docs/cli.md names no more than this. Reads it all for its checksum.

    Raises ModelError for a file that is damaged or none of ours.
    """
    from sleepy_agent.serving.files.gguf_files import describe

    found = asdict(describe(file))
    header = read_header(file)
    licence = header.values.get("general.license")
    record = read_record(file.parent) if file.parent.parent == places.models_folder else None
    per_token = None if header.is_adapter else cache_bytes_per_token(header)
    return {
        "name": name,
        "file": str(file),
        "in_use": file == file_in_use(places, settings),
        "memory_bytes": None if header.is_adapter else memory_bytes(found["file_bytes"], per_token, settings),
        "licence": record.licence if record else licence if isinstance(licence, str) else None,
        "record": None if record is None else asdict(record),
        "is_as_fetched": None if record is None else record.sha256 == found["sha256"],
        "card": card_of(file) or None if file == places.shipped_model else None,
        "model": found,
    }


def print_facts(console: Console, facts: dict[str, Any], settings: Settings) -> None:
    """What `describe_model` found."""
    from rich.text import Text

    used = "   in use" if facts["in_use"] else ""
    console.print(Text.assemble((facts["name"], "bold"), (used, "green")))
    for label, value in _lines_of(facts, settings):
        if value is not None:
            console.print(Text.assemble((f"  {label:<15}", "dim"), value))
    if facts["is_as_fetched"] is False:
        console.print(
            Text("  It is not the file that was fetched: `sleepy model rm` it and fetch it again.", "bold red")
        )
    text = card_text_of(Path(facts["file"])) if facts["card"] else None
    if text:
        from rich.markdown import Markdown

        console.print()
        console.print(Markdown(text))


def _lines_of(facts: dict[str, Any], settings: Settings) -> list[tuple[str, str | None]]:
    model, record = facts["model"], facts["record"]
    kind = "an adapter for " if model["is_adapter"] else ""
    template = model["chat_template"]
    own = "none of its own: ChatML is used" if template is None else f"its own, {len(template)} characters"
    from_hub = None if record is None else ModelRecord(**record)
    return [
        ("file", facts["file"]),
        ("called", model["name"]),
        (
            "kind",
            ", ".join(
                part
                for part in (
                    f"{kind}{model['architecture']}",
                    _count(model["parameters"]) + " parameters",
                    model["quantisation"],
                )
                if part
            ),
        ),
        ("size", _size(model["file_bytes"])),
        (
            "memory",
            None
            if facts["memory_bytes"] is None
            else f"{_size(facts['memory_bytes'])} at most, with {settings.context_tokens} tokens of context;"
            f" {_size(available_bytes())} are free",
        ),
        ("layers", _text(model["layers"])),
        ("rank", _text(model["rank"])),
        ("trained for", _text(model["context_length"], " tokens")),
        ("vocabulary", _text(model["vocabulary_size"], " tokens")),
        ("chat template", None if model["is_adapter"] else own),
        ("licence", facts["licence"] or "not stated"),
        (
            "from",
            None
            if from_hub is None
            else f"{from_hub.repository}/{from_hub.file} at {from_hub.revision[:12]}, fetched {from_hub.fetched[:10]}",
        ),
        ("sha256", model["sha256"]),
    ]


def _text(value: object, unit: str = "") -> str | None:
    return None if value is None else f"{value}{unit}"


def _count(number: int) -> str:
    """`1.5 billion`, `4 million`, `812`."""
    for size, word in ((10**9, "billion"), (10**6, "million"), (10**3, "thousand")):
        if number >= size:
            return f"{number / size:.3g} {word}"
    return str(number)


def _size(number: int | None) -> str:
    return "?" if number is None else size_text(number)


def size_text(number: int) -> str:
    """`1.1 GB`, `340 MB`, `12 kB`: decimal units, as file servers and disks count."""
    for size, unit in ((10**9, "GB"), (10**6, "MB"), (10**3, "kB")):
        if number >= size:
            return f"{number / size:.1f} {unit}" if size == 10**9 else f"{number / size:.0f} {unit}"
    return f"{number} B"
