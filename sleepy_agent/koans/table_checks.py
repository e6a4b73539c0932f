"""What can be said of the koans without a compiler: pure functions from the set to complaints."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Final

from sleepy_agent.checksums import sha256_of_text
from sleepy_agent.code.name_abstraction import tokens_of
from sleepy_agent.koans.alike import fingerprints, likeness
from sleepy_agent.koans.complaints import Complaint
from sleepy_agent.koans.records import EXERCISES, LOCK_FILE, NO_CODE, SOLUTIONS, Koan, KoanSet
from sleepy_agent.koans.texts import code_of, line_count, tests_of

FEWEST_LINES, MOST_LINES = 10, 40
TOTAL: Final = 80
FROZEN: Final[Mapping[str, int]] = {"borrow_checker": 10, "trait_bounds": 10, "result_handling": 10}
HARD_SHAPES: Final = (
    "mutable borrow while shared",
    "two mutable borrows",
    "reference to a local",
    "missing Clone",
    "missing Hash",
    "missing Ord",
    "Option to Result",
)
LEAST_OF_A_SHAPE: Final = 2
MOST_LIKENESS: Final = 0.2
"""Of two exercises. Small programs share turns of phrase, which lie well below; a koan told twice lies above."""

_CODE: Final = re.compile(r"E\d{4}")
# A koan says the same on every machine and every day, and touches nothing.
_FORBIDDEN: Final = (
    ("unsafe", re.compile(r"\bunsafe\b")),
    ("the clock", re.compile(r"\b(?:Instant|SystemTime)\b")),
    ("input or output", re.compile(r"\b(?:std|core)::(?:io|fs|net|env|process)\b|\be?print(?:ln)?!")),
    ("work left undone", re.compile(r"\b(?:todo|unimplemented)!")),
)


def table_complaints(koans: KoanSet, families: Sequence[str], only: frozenset[str] | None = None) -> list[Complaint]:
    """All that is wrong with the table and the texts. `only`: of these koans, and then nothing of the whole set."""
    chosen = [koan for koan in koans.koans if only is None or koan.name in only]
    found = [complaint for koan in chosen for complaint in (*entry_complaints(koan, families), *text_complaints(koan))]
    found += likeness_complaints(koans.koans, only)
    found += lock_complaints(koans, only)
    return found if only is not None else [*found, *set_complaints(koans)]


def entry_complaints(koan: Koan, families: Sequence[str]) -> Iterator[Complaint]:
    """What its entry in the table says."""
    if koan.family not in families:
        yield Complaint(koan.name, f"there is no family {koan.family}: name one of {', '.join(families)}.")
    if koan.code != NO_CODE and not _CODE.fullmatch(koan.code):
        yield Complaint(koan.name, f'the code {koan.code} is none of rustc\'s: write it as "E0502", or "{NO_CODE}".')
    if koan.shape is not None and koan.shape not in HARD_SHAPES:
        yield Complaint(koan.name, f"there is no shape {koan.shape!r}: name one of {', '.join(HARD_SHAPES)}.")
    if not koan.hint.rstrip().endswith((".", "?", "!")):
        yield Complaint(koan.name, "the hint is no sentence: write one or two plain ones.")


def text_complaints(koan: Koan) -> Iterator[Complaint]:
    """What its two texts are."""
    code = code_of(koan.exercise)
    lines = line_count(code)
    if not FEWEST_LINES <= lines <= MOST_LINES:
        yield Complaint(
            koan.name, f"the exercise has {lines} lines without its tests: make it {FEWEST_LINES} to {MOST_LINES}."
        )
    tests = tests_of(koan.exercise)
    if "#[test]" not in tests or "assert" not in tests:
        yield Complaint(
            koan.name, "it has no test that asserts something: end the file with `#[cfg(test)]` and `mod tests {`."
        )
    if tests != tests_of(koan.solution):
        yield Complaint(koan.name, "the tests of exercise and solution differ: make them the same to the byte.")
    if code == code_of(koan.solution):
        yield Complaint(koan.name, "exercise and solution are the same: break the exercise.")
    spoken = (
        " ".join(
            token.text
            for text in (koan.exercise, koan.solution)
            for token in tokens_of(text)
            if token.kind not in {"comment", "string", "space"}
        )
        .replace(" :: ", "::")
        .replace(" : : ", "::")
        .replace(" !", "!")
    )
    for what, pattern in _FORBIDDEN:
        if pattern.search(spoken):
            yield Complaint(koan.name, f"it has {what} in it: do without.")


def likeness_complaints(koans: Sequence[Koan], only: frozenset[str] | None) -> Iterator[Complaint]:
    """Pairs that are one koan told twice, each named once."""
    prints = {koan.name: fingerprints(code_of(koan.exercise)) for koan in koans}
    for first, second in combinations(prints, 2):
        if only is not None and first not in only and second not in only:
            continue
        alike = likeness(prints[first], prints[second])
        if alike > MOST_LIKENESS:
            yield Complaint(
                second,
                f"with the names taken out it is like {first} ({alike:.0%}, at most {MOST_LIKENESS:.0%} may be): write"
                " one of the two anew.",
            )


def lock_complaints(koans: KoanSet, only: frozenset[str] | None) -> Iterator[Complaint]:
    """Frozen koans that are not what they were."""
    wanted = set()
    for koan in koans.koans:
        for folder, text in ((EXERCISES, koan.exercise), (SOLUTIONS, koan.solution)) if koan.frozen else ():
            file = f"{folder}/{koan.name}.rs"
            wanted.add(file)
            if only is not None and koan.name not in only:
                continue
            if file not in koans.locked:
                yield Complaint(
                    koan.name,
                    f"{LOCK_FILE} has no checksum of {file}: add the line that `sha256sum {file}` says, in the koans'"
                    " folder.",
                )
            elif koans.locked[file] != sha256_of_text(text.encode()):
                yield Complaint(
                    koan.name,
                    f"{file} is not the text that was frozen: take the change back, frozen koans never change.",
                )
    if only is None:
        for file in sorted(koans.locked.keys() - wanted):
            yield Complaint("", f"{LOCK_FILE} speaks of {file}, which is no frozen koan: bring that koan back.")


def set_complaints(koans: KoanSet) -> Iterator[Complaint]:
    """What the whole must be: how many, how many frozen of which family, each hard shape several times."""
    for file in koans.strays:
        yield Complaint("", f"no koan of the table has {file}: add an entry for it, or delete it.")
    if len(koans.koans) != TOTAL:
        yield Complaint("", f"there are {len(koans.koans)} koans: make them {TOTAL}.")
    frozen = Counter(koan.family for koan in koans.koans if koan.frozen)
    if frozen != FROZEN:
        told = ", ".join(f"{count} {family}" for family, count in sorted(frozen.items())) or "none"
        wanted = ", ".join(f"{count} {family}" for family, count in sorted(FROZEN.items()))
        yield Complaint("", f"frozen are {told}: they must be {wanted}.")
    shapes = Counter(koan.shape for koan in koans.koans)
    for shape in HARD_SHAPES:
        if shapes[shape] < LEAST_OF_A_SHAPE:
            yield Complaint(
                "", f"the shape {shape!r} is there {shapes[shape]} times: write {LEAST_OF_A_SHAPE} koans of it."
            )
