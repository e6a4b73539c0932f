"""Names that are misspelt where they are declared: everything that uses them is right."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sleepy_agent.code.items import Field, Variant
from sleepy_agent.code.names import edit_distance, similarity, words_of
from sleepy_agent.code.scopes import format_uses_of, locals_at, uses_of
from sleepy_agent.domain import Edit
from sleepy_agent.fixes.templates.names_near import case_of, cost_of_another_meaning, nearness_of
from sleepy_agent.fixes.templates.scene import Proposal, Scene

# A slip of the pen: so many letters at most, and not in the shortest names.
MOST_SLIPS = 2
SHORTEST_NAME = 4
# Other words in another order are meant, too.
SAME_WORDS = 0.86
# A local that nobody uses may have lost a word.
SAME_WORDS_IN_PART = 0.66
# A word that is written so often is no slip.
OFTEN = 3


@dataclass(frozen=True, slots=True)
class Declared:
    """A name where it is declared."""

    name: str
    file: Path
    start: int
    is_unused: bool | None = None
    """Whether nobody says it; None where that is still to be seen."""


def misspelt_declaration(scene: Scene) -> Iterator[Proposal]:
    """`let totl = 3; total + total` -> `let total = 3; total + total`, where nobody says `totl`."""
    wanted = scene.values["wanted"]
    if len(wanted) < SHORTEST_NAME or scene.span.from_macro is not None:
        return
    for declared in declared_names(scene, wanted):
        is_unused = occurrences(scene, declared.name) == 1 if declared.is_unused is None else declared.is_unused
        if not scene.context.is_editable(declared.file) or not is_unused:
            continue
        is_likely = mentions_here(scene, wanted) > 1 or has_known_words(scene, wanted, declared.name)
        yield Proposal(
            (Edit(declared.file, declared.start, declared.start + len(declared.name.encode()), wanted),),
            {"wanted": wanted, "found": declared.name},
            extra_cost=0.0 if is_likely else 0.15,
        )
        return


def declared_names(scene: Scene, wanted: str) -> Iterator[Declared]:
    """Everything that is declared under nearly that name: locals first, then items, fields and variants."""
    for local in locals_at(scene.root, scene.text, scene.span.byte_start):
        is_alike = is_slip(local.name, wanted) or (
            nearness_of(local.name, wanted) >= SAME_WORDS_IN_PART and not cost_of_another_meaning(wanted, local.name)
        )
        if is_alike and not uses_of(scene.root, scene.text, local):
            is_unused = not format_uses_of(scene.root, scene.text, local)
            yield Declared(local.name, scene.file, local.byte_start, is_unused)
    for item in scene.index.items:
        if is_slip(item.name, wanted):
            yield Declared(item.name, item.file, item.name_start)
        parts: list[Field | Variant] = [*item.fields, *item.variants]
        parts += [field for variant in item.variants for field in variant.fields]
        for part in parts:
            if is_slip(part.name, wanted):
                text = scene.context.read(item.file)
                found = re.compile(rb"\b%s\b" % re.escape(part.name.encode())).search(text, part.byte_start)
                if found:
                    yield Declared(part.name, item.file, found.start())


def is_slip(name: str, wanted: str) -> bool:
    """Whether a name is the wanted one with a slip of the pen."""
    if name == wanted or abs(len(name) - len(wanted)) > MOST_SLIPS or len(name) < SHORTEST_NAME - 1:
        return False
    if "_" in name and "_" in wanted and similarity(name, wanted) >= SAME_WORDS:
        return True
    if cost_of_another_meaning(wanted, name):
        return False
    if name[0] != wanted[0] and name[-1] != wanted[-1]:
        return False
    most = 1 if len(wanted) < 2 * SHORTEST_NAME else MOST_SLIPS
    return case_of(name) == case_of(wanted) and edit_distance(name, wanted, most) <= most


def occurrences(scene: Scene, name: str) -> int:
    """How often the local crates say a name."""
    pattern = re.compile(rb"\b%s\b" % re.escape(name.encode()))
    return sum(len(pattern.findall(text)) for text in texts_of(scene) if name.encode() in text)


def mentions_here(scene: Scene, name: str) -> int:
    """How often the function around says a name; the whole workspace, outside of functions and for longer ways."""
    function = scene.function()
    here = scene.of(function) if function is not None else ""
    return max(len(re.findall(rf"\b{re.escape(name)}\b", here)), occurrences(scene, name) if len(name) > 5 else 0)


def texts_of(scene: Scene) -> list[bytes]:
    return list({file.file: file.text for crate in scene.index.crates for file in crate.files}.values())


def has_known_words(scene: Scene, wanted: str, declared: str) -> bool:
    """Whether the file knows the words of the wanted name, and not those of the declared one."""
    own, other = set(words_of(wanted)), set(words_of(declared))
    if own == other:
        return False
    texts = [text.lower() for text in texts_of(scene)]

    def count(word: str) -> int:
        return sum(text.count(word.encode()) for text in texts)

    return all(count(word) >= OFTEN for word in own - other) and all(count(word) <= 1 for word in other - own)
