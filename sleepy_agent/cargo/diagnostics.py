"""Read rustc's JSON messages into records, with the user's paths.

The format: https://doc.rust-lang.org/rustc/json.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from sleepy_agent.domain import Applicability, Diagnostic, Edit, Level, Span, Suggestion

PathOf = Callable[[str], Path]

# The last lines of every failing run ("aborting due to 2 previous errors") are no problems.
SUMMARY = re.compile(
    r"aborting due to|could not compile|\d+ (errors?|warnings?) emitted|For more information about|Some errors have"
)


def parse_diagnostics(lines: Iterable[bytes], path_of: PathOf) -> list[Diagnostic]:
    """Diagnostics from the output of rustc (bare messages) or of cargo (`compiler-message`), in order.

    `path_of` turns a file name as rustc prints it into the user's absolute path. Lines that are not JSON
    messages are passed over.
    """
    found = []
    for line in lines:
        if not line.startswith(b"{"):
            continue
        try:
            message: dict[str, Any] = json.loads(line)
        except ValueError:
            continue
        message = message.get("message", message) if message.get("reason") == "compiler-message" else message
        if message.get("$message_type", "diagnostic") != "diagnostic" or "level" not in message:
            continue
        if not SUMMARY.match(message["message"]):
            found.append(diagnostic_from_json(message, path_of))
    return found


def diagnostic_from_json(message: dict[str, Any], path_of: PathOf) -> Diagnostic:
    """One message and its children. Unknown levels (`failure-note`) count as notes."""
    children = tuple(diagnostic_from_json(child, path_of) for child in message["children"])
    suggestions = [
        *suggestions_from_json(message, path_of),
        *(suggestion for child in message["children"] for suggestion in suggestions_from_json(child, path_of)),
    ]
    level = message["level"]
    return Diagnostic(
        level=Level(level) if level in set(Level) else Level.NOTE,
        code=(message.get("code") or {}).get("code"),
        message=message["message"],
        spans=tuple(
            span_from_json(span, path_of) for span in message["spans"] if span["suggested_replacement"] is None
        ),
        children=children,
        suggestions=tuple(dict.fromkeys(suggestions)),
        rendered=message.get("rendered") or "",
    )


def span_from_json(span: dict[str, Any], path_of: PathOf) -> Span:
    """A span; one inside a macro's expansion is followed out to the call in the user's text."""
    from_macro = None
    while span.get("expansion"):
        expansion = span["expansion"]
        from_macro = expansion["macro_decl_name"]
        if not is_foreign(span["file_name"]):
            break
        outer = expansion["span"]
        span = {**outer, "is_primary": span["is_primary"], "label": span["label"]}
    return Span(
        file=path_of(span["file_name"]),
        byte_start=span["byte_start"],
        byte_end=span["byte_end"],
        line_start=span["line_start"],
        column_start=span["column_start"],
        line_end=span["line_end"],
        column_end=span["column_end"],
        is_primary=span["is_primary"],
        label=span["label"],
        from_macro=from_macro,
        text="\n".join(line["text"][line["highlight_start"] - 1 : line["highlight_end"] - 1] for line in span["text"]),
    )


def is_foreign(file_name: str) -> bool:
    """Whether a file is the standard library's, a registry crate's or none at all (`<some macros>`)."""
    return file_name.startswith(("/rustc/", "<")) or "/registry/src/" in file_name or "/rustlib/src/" in file_name


def suggestions_from_json(message: dict[str, Any], path_of: PathOf) -> list[Suggestion]:
    """The ways one child proposes to change the text.

    rustc writes the parts of all alternatives one after the other. Parts of one alternative are sorted and
    never overlap, so an alternative begins where a part does not lie behind the one before it. Where every
    part could stand alone as well as belong together, both readings are given: the compiler will judge.
    """
    parts = [span for span in message["spans"] if span["suggested_replacement"] is not None]
    if not parts:
        return []
    alternatives: list[list[dict[str, Any]]] = []
    for part in parts:
        last = alternatives[-1][-1] if alternatives else None
        begins = last is None or (
            part["file_name"] == last["file_name"]
            and (part["byte_start"] < last["byte_end"] or part["byte_start"] <= last["byte_start"])
        )
        if begins:
            alternatives.append([part])
        else:
            alternatives[-1].append(part)
    readings = list(alternatives)
    if len(alternatives) == 1 and len(parts) > 1:
        readings += [[part] for part in parts]
    return [
        Suggestion(
            message=message["message"],
            applicability=applicability_of(reading),
            edits=tuple(
                Edit(path_of(part["file_name"]), part["byte_start"], part["byte_end"], part["suggested_replacement"])
                for part in reading
            ),
            is_one_of_several=len(alternatives) > 1,
        )
        for reading in readings
    ]


def applicability_of(parts: list[dict[str, Any]]) -> Applicability:
    """The least sure of the parts' applicabilities."""
    order = list(Applicability)
    names = [part["suggestion_applicability"] or Applicability.UNSPECIFIED.value for part in parts]
    return max((Applicability(name) for name in names), key=order.index)


def all_texts(diagnostic: Diagnostic) -> Iterator[str]:
    """The message, its labels, and those of all notes below it."""
    yield diagnostic.message
    yield from (span.label for span in diagnostic.spans if span.label)
    for child in diagnostic.children:
        yield from all_texts(child)
