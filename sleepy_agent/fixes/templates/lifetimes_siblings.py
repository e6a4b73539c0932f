"""Lifetimes that the code around names: the one that stands at the same name beside it (E0106), those behind `for`."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from sleepy_agent.code.scopes import lifetimes_at
from sleepy_agent.code.syntax import ancestors, code_children
from sleepy_agent.fixes.templates.scene import Proposal, Scene

# rustc writes this where it cannot choose between the lifetimes that are declared.
ANY_LIFETIME = re.compile(r"'lifetime\b")


def lifetime_as_beside_it(scene: Scene) -> Iterator[Proposal]:
    """`V: Visitor` -> `V: Visitor<'de>` where several lifetimes are declared: as the methods beside it write it."""
    suggestion = next(
        (
            one
            for one in scene.diagnostic.suggestions
            if any(ANY_LIFETIME.search(edit.replacement) for edit in one.edits)
        ),
        None,
    )
    if suggestion is None or any(edit.file != scene.file for edit in suggestion.edits):
        return
    known = [name for name in dict.fromkeys(lifetimes_at(scene.node, scene.text)) if name != "'lifetime"]
    for number, lifetime in enumerate(likeliest_first(scene, known)[:3]):
        edits = tuple(
            replace(edit, replacement=ANY_LIFETIME.sub(lifetime, edit.replacement)) for edit in suggestion.edits
        )
        yield Proposal(edits, {"lifetime": f"`{lifetime}`"}, extra_cost=0.05 * number)


def likeliest_first(scene: Scene, known: list[str]) -> list[str]:
    """The declared lifetimes: those that stand at the same name nearby, then those of the trait, then the others."""
    name = re.match(r"&|\w+", scene.span.text)
    pattern = rf"{re.escape(name[0])}\s*<?\s*('\w+)" if name is not None else r"('\w+)"
    near, scores = scene.around("impl_item"), Counter[str]()
    for weight, code in ((10, scene.of(near) if near is not None else ""), (1, scene.text.decode(errors="replace"))):
        for found in re.findall(pattern, code):
            scores[found] += weight
    trait = near.child_by_field_name("trait") if near is not None else None
    if trait is not None:
        scores.update(re.findall(r"'\w+", scene.of(trait)))
    return sorted(known, key=lambda lifetime: -scores[lifetime])


def lifetimes_of_the_type(scene: Scene) -> Iterator[Proposal]:
    """`Pair<'a>` -> `Pair<'a, 'b>`: the lifetimes that the type declares, where they have the same names here; else
    those that are declared here, where they are as many."""
    said = re.search(r"takes (\d+) lifetime arguments but (\d+)", scene.problem.message)
    named = re.search(r"with \d+ lifetime parameters: ([^\n]+)", scene.said)
    around = scene.around("generic_type")
    arguments = around.child_by_field_name("type_arguments") if around is not None else None
    if said is None or named is None or arguments is None or scene.span.from_macro is not None:
        return
    given = [child for child in code_children(arguments) if child.type == "lifetime"]
    wanted = re.findall(r"'\w+", named[1])
    here = [name for name in dict.fromkeys(lifetimes_at(scene.node, scene.text)) if name in declared_around(scene)]
    if len(wanted) != int(said[1]) or len(given) != int(said[2]) or not given:
        return
    first, last = given[0].start_byte, given[-1].end_byte
    same_names = set(wanted) <= set(here)
    if same_names or len(here) == len(wanted):
        text = ", ".join(wanted if same_names else here)
        extra = 0.0 if same_names else 0.05
        yield Proposal((scene.replace_bytes(first, last, text),), {"lifetimes": f"`{text}`"}, extra_cost=extra)


def declared_around(scene: Scene) -> set[str]:
    """The lifetimes that the function and the implementation around declare."""
    around = [one for one in ancestors(scene.node) if one.type in {"function_item", "impl_item", "struct_item"}]
    lists = [one.child_by_field_name("type_parameters") for one in around]
    return {name for one in lists if one is not None for name in re.findall(r"'\w+", scene.of(one))}


def lifetimes_behind_for(scene: Scene) -> Iterator[Proposal]:
    """`dyn for Fn(&'a str) -> &'a str` -> `dyn for<'a> Fn(..)`: the lifetimes that nobody else declares."""
    start = scene.span.byte_start
    before = re.search(rb"\bfor\s*(<\s*>)?\s*$", scene.text[max(0, start - 40) : start])
    if before is None:
        return
    bound = bound_from(scene.code(start, min(len(scene.text), start + 600)))
    item = scene.text.rfind(b"\n\n", 0, start) + 1
    # The tree is broken here: what is declared in angle brackets in front of it counts as declared.
    declared = {
        name for found in re.findall(r"<[^<>]*>", scene.code(item, start)) for name in re.findall(r"'\w+", found)
    }
    wanted = [name for name in dict.fromkeys(re.findall(r"'\w+\b(?!')", bound)) if name not in {"'static", "'_"}]
    named = [name for name in wanted if name not in declared]
    if named:
        end = start - len(before[0]) + len("for")
        edit = scene.replace_bytes(end, start, f"<{', '.join(named)}> ")
        yield Proposal((edit,), {"lifetimes": ", ".join(f"`{name}`" for name in named)})


def bound_from(code: str) -> str:
    """The bound at the beginning of a text: up to what can only stand behind it."""
    depth = 0
    for place, letter in enumerate(code):
        if letter in "(<[":
            depth += 1
        elif letter in ")]" or (letter == ">" and code[place - 1] != "-"):
            depth -= 1
        if depth < 0 or (depth == 0 and letter in "+,{;="):
            return code[:place]
    return code
