"""Which of several lifetimes is left out: the one that stands at the same name beside it (E0106)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from sleepy_agent.code.scopes import lifetimes_at
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
