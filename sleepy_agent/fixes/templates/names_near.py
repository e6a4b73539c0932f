"""Which name was meant: shared by the templates that put a known name in the place of an unknown one."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from pathlib import Path

from tree_sitter import Node

from sleepy_agent.code.crate_items import CrateItems
from sleepy_agent.code.items import Item
from sleepy_agent.code.name_paths import is_visible
from sleepy_agent.code.names import similarity, words_of
from sleepy_agent.code.opposites import say_the_opposite
from sleepy_agent.code.syntax import code_children
from sleepy_agent.domain import Edit, Span
from sleepy_agent.fixes.templates.scene import Proposal, Scene

LEAST_SIMILARITY = 0.55
# Below this the names share something, but nobody would call it a slip.
WEAK_SIMILARITY = 0.7
COST_OF_A_WEAK_NAME = 0.1
COST_OF_DISSIMILARITY = 0.25
# A function is rarely meant where a type's name stands.
COST_OF_ANOTHER_CASE = 0.1
# Two names this near to each other in similarity are equally likely.
EQUALLY_NEAR = 0.06
# A name that is so much less near than the best is not worth a compile.
FAR_BEHIND = 0.25
# A name that says the opposite is never meant, one with another number hardly.
COST_OF_THE_OPPOSITE = 0.4
COST_OF_ANOTHER_NUMBER = 0.12
# What its authors want to be rid of is hardly what they renamed something to.
COST_OF_A_DEPRECATED_NAME = -0.2
# So many crates are looked through for a type that the compiler does not show.
MOST_CRATES = 12
# Names that mean the same in other words.
SAME_IN_OTHER_WORDS = 0.84
# So many names are worth a compile.
MOST_NAMES = 3


@dataclass(frozen=True, slots=True)
class KnownName:
    """A name that exists at the place in question."""

    name: str
    written: str = ""
    """What to write for it, where that is more than the name (`self.count`)."""
    fit: float = 0.0
    """Added to the similarity: above 0 where it fits the place, below where it does not."""
    more: tuple[Edit, ...] = ()
    """Edits elsewhere that come with it, an import say."""

    @property
    def code(self) -> str:
        return self.written or self.name


def rated_names(wanted: str, known: Iterable[KnownName], most: int = MOST_NAMES) -> list[tuple[KnownName, float]]:
    """The known names that are near the wanted one, best first, with how near they are (0 to 1)."""
    best: dict[str, tuple[KnownName, float]] = {}
    for one in known:
        near = nearness_of(wanted, one.name)
        if near < LEAST_SIMILARITY or one.code == wanted:
            continue
        case = 0.0 if case_of(one.name) == case_of(wanted) else COST_OF_ANOTHER_CASE
        rating = max(0.0, min(1.0, near + one.fit - case - cost_of_another_meaning(wanted, one.name)))
        if rating >= LEAST_SIMILARITY and (one.code not in best or best[one.code][1] < rating):
            best[one.code] = (one, rating)
    ordered = sorted(best.values(), key=lambda pair: (-pair[1], len(pair[0].code), pair[0].code))[:most]
    return [(one, rating) for one, rating in ordered if ordered[0][1] - rating <= FAR_BEHIND]


@lru_cache(maxsize=8192)
def nearness_of(wanted: str, name: str) -> float:
    """How near two names are, by letters, by words, and by words that mean the same (`fetch_all`, `get_all`)."""
    near = similarity(wanted, name)
    if near < SAME_IN_OTHER_WORDS and sorted(meanings_of(wanted)) == sorted(meanings_of(name)):
        return SAME_IN_OTHER_WORDS
    return near


def cost_of_another_meaning(wanted: str, name: str) -> float:
    """What it takes off that two names differ in a number (`Utf8`, `Utf16`) or say the opposite (`first`, `last`)."""
    if say_the_opposite(wanted, name):
        return COST_OF_THE_OPPOSITE
    words, others = set(words_of(wanted)), set(words_of(name))
    digits, other_digits = (sorted(re.findall(r"\d", one)) for one in (wanted, name))
    letters, other_letters = ({word for word in one if len(word) == 1} for one in (words - others, others - words))
    is_other_letter = bool(letters and other_letters and len(words) > 1)
    return COST_OF_ANOTHER_NUMBER if digits != other_digits or is_other_letter else 0.0


@lru_cache(maxsize=4096)
def meanings_of(name: str) -> tuple[str, ...]:
    """The words of a name, each by the first of those that mean the same."""
    table = synonyms()
    return tuple(table.get(word, word) for word in words_of(name))


@cache
def synonyms() -> Mapping[str, str]:
    """The words that mean the same in names of programs: each with the first of its line."""
    text = files("sleepy_agent.fixes.templates").joinpath("names_in_scope.toml").read_text(encoding="utf-8")
    lines = [line.split() for line in tomllib.loads(text)["synonyms"]["words"].strip().splitlines()]
    return {word: line[0] for line in lines for word in line}


def case_of(name: str) -> str:
    """`type`, `constant` or `value`: what a name stands for by the way it is written."""
    bare = name.lstrip("_")
    if len(bare) > 1 and bare.isupper():
        return "constant"
    return "type" if bare[:1].isupper() else "value"


def rename_proposals(
    scene: Scene, place: Node | Span, wanted: str, known: Iterable[KnownName], most: int = MOST_NAMES
) -> Iterator[Proposal]:
    """Proposals that put the nearest known names in the place of an unknown one. Names that are equally near are
    answers to one question."""
    rated = rated_names(wanted, known, most)
    if not rated:
        return
    highest = rated[0][1]
    equals = [one for one, rating in rated if highest - rating <= EQUALLY_NEAR]
    for one, rating in rated:
        extra = COST_OF_DISSIMILARITY * (1 - rating) + (COST_OF_A_WEAK_NAME if rating < WEAK_SIMILARITY else 0.0)
        yield Proposal(
            (scene.replace(place, one.code), *one.more),
            {"wanted": wanted, "found": one.code},
            # The step down from the best must show in the order, however small it is.
            extra_cost=round(extra + (0.0 if one in equals else COST_OF_A_WEAK_NAME), 4),
            question=f"which name is meant by `{wanted}`" if len(equals) > 1 and one in equals else None,
        )


def spelled(scene: Scene) -> str:
    """The code that the scene's span covers."""
    return scene.code(scene.span.byte_start, scene.span.byte_end)


def is_behind_path(scene: Scene) -> bool:
    """Whether the span stands behind `::`, so that nothing in scope can be meant by it."""
    return scene.text[: scene.span.byte_start].rstrip().endswith(b"::")


def argument_count(name: Node) -> int | None:
    """With how many arguments the function or method is called whose name this is; None where it is not called."""
    around = name.parent
    while around is not None and around.type in {"field_expression", "scoped_identifier", "generic_function"}:
        if name.start_byte < around.start_byte or name.end_byte > around.end_byte:
            return None
        if around.parent is not None and around.parent.type == "call_expression":
            break
        around = around.parent
    call = name.parent if name.parent is not None and name.parent.type == "call_expression" else None
    if around is not None and around.parent is not None and around.parent.type == "call_expression":
        call = around.parent
    if call is None:
        return None
    function, arguments = call.child_by_field_name("function"), call.child_by_field_name("arguments")
    if function is None or arguments is None or function.end_byte < name.end_byte:
        return None
    return len(code_children(arguments))


def called_with(name: Node) -> int | None:
    """The same, also inside of a macro call, where only tokens are known."""
    if name.parent is not None and name.parent.type == "token_tree":
        following = name.next_sibling
        if following is None or following.type != "token_tree" or following.start_byte != name.end_byte:
            return None
        inner = following.children[1:-1]
        return sum(child.type == "," for child in inner) + 1 if inner else 0
    return argument_count(name)


def fit_of_call(item: Item, count: int | None, *, as_method: bool) -> float:
    """How well a function fits a call with so many arguments."""
    if any("deprecated" in attribute for attribute in item.attributes):
        return COST_OF_A_DEPRECATED_NAME
    if count is None:
        return -0.05
    expected = len(item.parameters) + (1 if item.self_parameter is not None and not as_method else 0)
    return 0.05 if expected == count else -0.12


def is_nameable(scene: Scene, visibility: str, file: Path, module: tuple[str, ...]) -> bool:
    """Whether something declared in a module of a file can be named where the scene is."""
    viewers = scene.index.crates_of_file(scene.file)
    is_same_crate = any(file in crate.by_file for crate in viewers)
    viewer = scene.index.module_of(scene.file, scene.span.byte_start) if is_same_crate else None
    return is_visible(visibility, module, viewer)


def is_usable(scene: Scene, item: Item) -> bool:
    """Whether an item, or a member of one, is visible where the scene is. Members of traits are as visible as the
    trait."""
    if item.is_in_trait or item.of_trait is not None:
        return True
    return is_nameable(scene, item.visibility, item.file, item.module)


def crate_of_file(scene: Scene, file: Path) -> CrateItems | None:
    """The crate of the registry that a file belongs to."""
    for root in scene.index.roots:
        if not root.is_local and file.is_relative_to(root.root_file.parent):
            return scene.index.crate(root.name)
    return None


def mentioned_crates(scene: Scene) -> Iterator[CrateItems]:
    """The dependencies whose names the file says, then what those are made of."""
    names = [name for name in known_dependencies(scene) if re.search(rb"\b%s\b" % name.encode(), scene.text)]
    seen: set[str] = set()
    for name in names:
        crate = scene.index.crate(name)
        if crate is not None and not crate.is_local and name not in seen:
            seen.add(name)
            names += [inner for inner in crate.dependencies if inner not in names and len(names) < MOST_CRATES]
            yield crate


def known_dependencies(scene: Scene) -> tuple[str, ...]:
    """The crates that the scene's file may name."""
    return tuple(dict.fromkeys(name for crate in scene.index.crates_of_file(scene.file) for name in crate.dependencies))
