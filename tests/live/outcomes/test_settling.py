"""An edit is found again in a later text, and what the developer made of it has the right name."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sleepy_agent.code.edits import unified_diff
from sleepy_agent.domain import Edit, Outcome
from sleepy_agent.live.outcomes.alignment import common_anchors
from sleepy_agent.live.outcomes.settling import (
    MOST_SETTLED_LINES,
    follow_diff,
    follow_edits,
    hashes_only,
    line_marks,
    outcome_of,
    outcome_of_region,
    without_layout,
)

FILE = Path("/project/src/lib.rs")
OTHER = Path("/project/src/other.rs")
BEFORE = b"""use std::fmt;

fn sum(values: &[u32]) -> u32 {
    let total = 0;
    for value in values {
        total += value;
    }
    total
}
"""


def replacing(text: bytes, old: str, new: str, path: Path = FILE) -> Edit:
    start = text.index(old.encode())
    return Edit(path, start, start + len(old.encode()), new)


MUT = replacing(BEFORE, "let total", "let mut total")
MADE = BEFORE.replace(b"let total", b"let mut total")


@pytest.mark.parametrize(
    ("final", "expected", "settled_text"),
    [
        (MADE, Outcome.SETTLED, "    let mut total = 0;"),
        (BEFORE, Outcome.UNDONE, "    let total = 0;"),
        # Something else was written elsewhere, above and below.
        (b"// one\n// two\n" + MADE + b"// end\n", Outcome.SETTLED, "    let mut total = 0;"),
        (b"// one\n// two\n" + BEFORE + b"// end\n", Outcome.UNDONE, "    let total = 0;"),
        # The same line, but not what the fix changed.
        (MADE.replace(b"= 0;", b"= 1; // begin"), Outcome.SETTLED, "    let mut total = 1; // begin"),
        (BEFORE.replace(b"= 0;", b"= 1; // begin"), Outcome.UNDONE, "    let total = 1; // begin"),
        (MADE.replace(b"mut total", b"mut all"), Outcome.SETTLED, "    let mut all = 0;"),
        # What the fix changed.
        (
            MADE.replace(b"let mut total = 0;", b"let all = Cell::new(0);"),
            Outcome.EDITED,
            "    let all = Cell::new(0);",
        ),
        (MADE.replace(b"    let mut total = 0;\n", b""), Outcome.EDITED, ""),
        # Layout is no change.
        (MADE.replace(b"    ", b"\t"), Outcome.SETTLED, "\tlet mut total = 0;"),
        (MADE.replace(b"let mut total = 0", b"let mut total =\n        0"), Outcome.SETTLED, None),
        (b"", Outcome.EDITED, None),
        (None, Outcome.EDITED, ""),
    ],
)
def test_what_became_of_one_place(final: bytes | None, expected: Outcome, settled_text: str | None) -> None:
    files = follow_edits([MUT], {FILE: BEFORE})
    outcome, text = outcome_of(files, {FILE: final}.__getitem__)
    assert outcome == expected
    assert settled_text is None or text == settled_text


@pytest.mark.parametrize(
    ("made", "former", "final", "expected"),
    [
        ("f(&&a)", "f(&a)", "f(&&a) // x", Outcome.SETTLED),
        ("f(&&a)", "f(&a)", "f(&a) // x", Outcome.UNDONE),
        ("f(&&a)", "f(&a)", "f(&&&a)", Outcome.SETTLED),
        ("f(a.clone())", "f(a)", "f(a.clone().len())", Outcome.SETTLED),
        ("f(a.clone())", "f(a)", "f(b)", Outcome.EDITED),
        ("f(a)", "f(&a)", "f(a); g(a)", Outcome.SETTLED),
        ("f(a)", "f(&a)", "f(&a); g(a)", Outcome.UNDONE),
        ("let x: u8 = 1;", "let x = 1;", "let x: u16 = 1;", Outcome.EDITED),
        ("use a::B;\nuse c::D;", "use c::D;", "use a::B;\nuse c::E;", Outcome.SETTLED),
        ("use a::B;\nuse c::D;", "use c::D;", "use a::B2;\nuse c::D;", Outcome.EDITED),
        ("f(\n    a,\n)", "f()", "f(a)", Outcome.SETTLED),
        ("x", "x", "x", Outcome.EDITED),
    ],
)
def test_what_became_of_lines(made: str, former: str, final: str, expected: Outcome) -> None:
    assert outcome_of_region(made, former, final) == expected


IMPORT = Edit(FILE, 0, 0, "use std::rc::Rc;\n")


@pytest.mark.parametrize(
    ("final", "expected"),
    [
        (b"use std::rc::Rc;\n" + MADE, Outcome.SETTLED),
        (b"// new\nuse std::rc::Rc;\n" + MADE, Outcome.SETTLED),
        (BEFORE, Outcome.UNDONE),
        (b"// new\n" + BEFORE, Outcome.UNDONE),
        # One half kept, one half taken back.
        (MADE, Outcome.EDITED),
        (b"use std::rc::Rc;\n" + BEFORE, Outcome.EDITED),
    ],
)
def test_several_places_are_kept_or_undone_together(final: bytes, expected: Outcome) -> None:
    outcome, text = outcome_of(follow_edits([IMPORT, MUT], {FILE: BEFORE}), {FILE: final}.__getitem__)
    assert outcome == expected
    assert text.count("@@ lib.rs:") == 2


@pytest.mark.parametrize(
    ("final", "other_final", "expected"),
    [
        (MADE, b"pub fn f() {}\n", Outcome.SETTLED),
        (BEFORE, b"fn f() {}\n", Outcome.UNDONE),
        (MADE, b"fn f() {}\n", Outcome.EDITED),
        (MADE, None, Outcome.EDITED),
    ],
)
def test_several_files_count_together(final: bytes, other_final: bytes | None, expected: Outcome) -> None:
    edits = [MUT, Edit(OTHER, 0, 0, "pub ")]
    files = follow_edits(edits, {FILE: BEFORE, OTHER: b"fn f() {}\n"})
    assert outcome_of(files, {FILE: final, OTHER: other_final}.__getitem__)[0] == expected


def test_each_offer_of_a_bundle_has_its_own_outcome() -> None:
    files = follow_edits([MUT], {FILE: BEFORE}, together_with=[IMPORT, MUT])
    only_the_import_was_undone = MADE
    assert [region.first_line for region in files[0].regions] == [4]
    assert outcome_of(files, {FILE: only_the_import_was_undone}.__getitem__)[0] == Outcome.SETTLED


def test_edits_of_one_line_are_one_place() -> None:
    edits = [replacing(BEFORE, "values: &[u32]", "values: &mut [u32]"), replacing(BEFORE, "-> u32", "-> u64")]
    (file,) = follow_edits(edits, {FILE: BEFORE})
    assert [(region.former, region.made) for region in file.regions] == [
        ("fn sum(values: &[u32]) -> u32 {", "fn sum(values: &mut [u32]) -> u64 {")
    ]


def test_edits_that_cannot_be_made_are_not_followed() -> None:
    overlapping = [Edit(FILE, 0, 5, "a"), Edit(FILE, 3, 8, "b")]
    assert follow_edits(overlapping, {FILE: BEFORE}) == hashes_only(overlapping, {FILE: BEFORE}) == ()


def test_hashes_alone_tell_only_what_is_exactly_there() -> None:
    files = hashes_only([MUT], {FILE: BEFORE})
    finals = {MADE: Outcome.SETTLED, BEFORE: Outcome.UNDONE, MADE + b"\n": Outcome.EDITED}
    assert {final: outcome_of(files, {FILE: final}.__getitem__)[0] for final in finals} == finals


def test_secrets_are_compared_as_they_are_stored() -> None:
    before = b'fn f() {\n    let password = "hunter2hunter2";\n}\n'
    edit = replacing(before, "let password", "let mut password")
    (file,) = follow_edits([edit], {FILE: before})
    stored = replace(
        file,
        regions=tuple(
            replace(
                region,
                made='    let mut password = "[redacted:assigned-secret]";',
                former='    let password = "[redacted:assigned-secret]";',
            )
            for region in file.regions
        ),
    )
    final = b"// more\n" + before.replace(b"let password", b"let mut password")
    answers = {outcome_of([one], {FILE: final}.__getitem__) for one in (file, stored)}
    assert answers == {(Outcome.SETTLED, '    let mut password = "[redacted:assigned-secret]";')}


def test_a_diff_is_followed_in_the_text_it_led_to() -> None:
    made = b"// head\n" + MADE.replace(b"use std::fmt;\n", b"")
    file = follow_diff(FILE, unified_diff({FILE: BEFORE}, {FILE: made}, Path("/project")), made)
    assert file is not None
    assert [(region.former, region.made) for region in file.regions] == [
        ("use std::fmt;", "// head"),
        ("    let total = 0;", "    let mut total = 0;"),
    ]
    assert outcome_of([file], {FILE: made}.__getitem__)[0] == Outcome.SETTLED
    assert outcome_of([file], {FILE: BEFORE}.__getitem__)[0] == Outcome.UNDONE
    assert outcome_of([file], {FILE: made + b"// more\n"}.__getitem__)[0] == Outcome.SETTLED


@pytest.mark.parametrize("text", [BEFORE, b"", b"// something else\n" + MADE])
def test_a_diff_of_another_text_is_not_followed(text: bytes) -> None:
    assert follow_diff(FILE, unified_diff({FILE: BEFORE}, {FILE: MADE}, Path("/project")), text) is None


def test_marks_do_not_see_white_space() -> None:
    assert line_marks([b"  a b\t", b"c"]) == line_marks([b"ab", b"c \r"])
    assert line_marks([b"a"]) != line_marks([b"b"])
    assert line_marks([b"}", b"", b" ])"]) == bytes(12)


LONG = b"".join(b"fn f%d() {\n    g(%d);\n}\n" % (number, number) for number in range(4000))


@pytest.mark.parametrize("far", [b"", b"fn far() {}\n"])
def test_a_place_is_found_in_a_long_file_that_changed_far_away(far: bytes) -> None:
    before = LONG[: len(LONG) // 2] + BEFORE + LONG[len(LONG) // 2 :]
    edit = replacing(before, "let total", "let mut total")
    made = before.replace(b"let total", b"let mut total")
    files = follow_edits([edit], {FILE: before})
    for text, expected in ((made, Outcome.SETTLED), (before, Outcome.UNDONE)):
        final = far + text.replace(b"= 0;", b"= 0; // here, too") + far
        assert outcome_of(files, {FILE: final}.__getitem__)[0] == expected


def test_a_place_that_cannot_be_found_keeps_a_text_of_some_lines() -> None:
    files = follow_edits([MUT], {FILE: BEFORE})
    outcome, text = outcome_of(files, {FILE: LONG}.__getitem__)
    assert (outcome, text.count("\n")) == (Outcome.EDITED, MOST_SETTLED_LINES - 1)


@settings(max_examples=100, deadline=None)
@given(st.permutations(range(12)))
def test_anchors_are_in_the_same_order_in_both(order: list[int]) -> None:
    anchors = common_anchors(["twice", *range(12), "twice"], [*order, 99])
    assert [place for place, _ in anchors] == sorted({place for place, _ in anchors})
    assert [place for _, place in anchors] == sorted({place for _, place in anchors})
    assert all(order[new_place] == place - 1 for place, new_place in anchors)
    longest = max(len(rising(order[start:])) for start in range(12))
    assert len(anchors) >= longest


def rising(numbers: list[int]) -> list[int]:
    """The numbers, beginning with the first, each greater than the one before."""
    row: list[int] = []
    for number in numbers:
        if not row or number > row[-1]:
            row.append(number)
    return row


# ---- properties ------------------------------------------------------------------------------------------

WORDS = st.sampled_from(["a", "b", "&", "mut", "(", ")", ",", ";", " ", "\n", "\r\n", "ü"])
TEXTS = st.lists(WORDS, max_size=30).map("".join)
AROUND = st.lists(st.sampled_from(["x", "y", "{", "}", "=", " ", "\n"]), max_size=20).map("".join)


@st.composite
def edited_texts(draw: st.DrawFn) -> tuple[bytes, tuple[Edit, ...], bytes]:
    """A text, edits of it that do not meet, and a final text made of pieces of both."""
    text = draw(TEXTS)
    count = draw(st.integers(1, 3))
    places = sorted(draw(st.lists(st.integers(0, len(text)), min_size=2 * count, max_size=2 * count)))
    edits = []
    for start, end in zip(places[::2], places[1::2], strict=True):
        first, last = len(text[:start].encode()), len(text[:end].encode())
        edits.append(Edit(FILE, first, last, draw(TEXTS)))
    final = draw(st.one_of(TEXTS, st.tuples(TEXTS, st.just(text), TEXTS).map("".join)))
    return text.encode(), tuple(edits), final.encode()


@settings(max_examples=300, deadline=None)
@given(edited_texts(), st.sampled_from(["before", "made", "other"]))
def test_kept_means_that_it_is_there_and_undone_that_the_former_is(
    example: tuple[bytes, tuple[Edit, ...], bytes], which: str
) -> None:
    before, edits, other = example
    files = follow_edits(edits, {FILE: before})
    made_text = _made(before, edits)
    final = {"before": before, "made": made_text, "other": other}[which]
    outcome, _ = outcome_of(files, {FILE: final}.__getitem__)
    if made_text == final:
        assert outcome == Outcome.SETTLED
    elif before == final:
        assert outcome == Outcome.UNDONE
    if outcome in {Outcome.SETTLED, Outcome.UNDONE}:
        for region in files[0].regions:
            wanted = region.made if outcome == Outcome.SETTLED else region.former
            assert _has_what_is_special(wanted, region.made, region.former, final.decode())


@settings(max_examples=200, deadline=None)
@given(
    count=st.integers(1, 12),
    changed=st.integers(0, 11),
    new=st.sampled_from(["let mut v", "w", "// gone\n    let v", "let v", ""]),
    above=AROUND,
    below=AROUND,
)
def test_lines_around_it_change_nothing(count: int, changed: int, new: str, above: str, below: str) -> None:
    lines = [f"    let v{number} = {number};\n" for number in range(count)]
    before = "".join(lines).encode()
    edit = replacing(before, f"let v{changed % count} ", f"{new}{changed} ")
    files = follow_edits([edit], {FILE: before})
    made_text = _made(before, (edit,))
    around = [f"{above}\n//first\n".encode(), f"\n//last\n{below}".encode()]
    same = made_text == before
    for text, expected in ((made_text, Outcome.SETTLED), (before, Outcome.UNDONE)):
        outcome = outcome_of(files, {FILE: around[0] + text + around[1]}.__getitem__)[0]
        assert outcome == (Outcome.EDITED if same else expected)


def _made(before: bytes, edits: tuple[Edit, ...]) -> bytes:
    from sleepy_agent.code.edits import EditConflict, apply_edits

    made = apply_edits(edits, {FILE: before}.__getitem__)
    assert not isinstance(made, EditConflict)
    return made[FILE]


def _has_what_is_special(wanted: str, made: str, former: str, final: str) -> bool:
    """Whether every word that only the wanted text has (more often than the other) is in the final text so often."""
    other = former if wanted == made else made
    squeezed = without_layout(final)
    return all(
        squeezed.count(word) >= 1
        for word in ("a", "b", "&", "mut", "(", ")", ";", "ü")
        if wanted.count(word) > other.count(word)
    )
