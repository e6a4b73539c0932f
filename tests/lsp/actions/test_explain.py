"""What the Markdown about a problem says."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from lsp.offers import (
    FILE,
    OTHER_FILE,
    ROOT,
    fixes_found,
    known_problem,
    live_offer,
    replacing,
    sha256_of,
    span_at,
    text_checked,
)
from lsp.offers import (
    search_ended as search_record,
)
from sleepy_agent.domain import Diagnostic, Level
from sleepy_lsp.actions.explain import (
    NOT_SEARCHED,
    escaped,
    explanation,
    explanation_at,
    explanation_of,
    fenced,
    quoted,
)
from sleepy_lsp.workspaces.board import Board, changed, checked, found, search_ended

TEXT = b"fn main() {\n    let total = 0;\n    total += 1;\n}\n"
TEXTS = {FILE: TEXT}
HELP = Diagnostic(Level.HELP, None, "consider making `total` *mutable*", (span_at(FILE, TEXT, "total"),))
TOTAL = known_problem(
    FILE,
    TEXT,
    "total += 1",
    others=(span_at(FILE, TEXT, "let total", "first <assignment>", is_primary=False),),
    children=(HELP,),
    problem_id="total",
)
HIDDEN = Diagnostic(Level.ERROR, "E0382", "use of\nmoved value", (span_at(FILE, TEXT, "main"),))
MUT = live_offer(TOTAL, TEXTS, replacing(FILE, TEXT, "let total", "let mut total"))
SHADOW = live_offer(
    TOTAL,
    TEXTS,
    replacing(FILE, TEXT, "total += 1", "let total = 1"),
    title="shadow `total`",
    preferred=False,
    flags=("clone", "of_a_later_version"),
    unmasked=(HIDDEN,),
    method="cargo",
    why=("template: shadow", "2 steps combined"),
)


def hash_of(path: Path) -> str | None:
    return sha256_of(TEXTS[path]) if path in TEXTS else None


def searched() -> Board:
    board = checked(replace(Board(), generation=1), text_checked(1, TOTAL))
    return found(board, fixes_found(1, MUT, SHADOW))


def test_all_of_it() -> None:
    dependents = replace(SHADOW.fix.verdict, dependents_checked=False)
    shadow = replace(SHADOW, fix=replace(SHADOW.fix, verdict=dependents))
    assert explanation(TOTAL.problem, (MUT, shadow), None, ROOT) == (
        """\
### `E0596` (borrow checker)

cannot borrow `total` as mutable, as it is not declared as mutable

- src/lib.rs:3:5 `total += 1`: cannot borrow as mutable
- src/lib.rs:2:5 `let total`: first \\<assignment\\>
- help: consider making `total` \\*mutable\\* (src/lib.rs:2:9 `total`)

#### Fix 1 of 2: make `total` mutable

```diff
--- a/src/lib.rs
+++ b/src/lib.rs
@@ -1,4 +1,4 @@
 fn main() {
-    let total = 0;
+    let mut total = 0;
     total += 1;
 }
```

- Proof: rustc accepts it; the error is gone and nothing else broke.
- Why it stands first: rustc proposes it and says that it is right.

#### Fix 2 of 2: shadow `total`

```diff
--- a/src/lib.rs
+++ b/src/lib.rs
@@ -1,4 +1,4 @@
 fn main() {
     let total = 0;
-    total += 1;
+    let total = 1;
 }
```

- Proof: cargo check accepts it; the error is gone and nothing else broke.
- Crates that depend on this one could not be checked yet.
- Beware: copies the value with `clone`.
- Beware: of_a_later_version.
- It brings 1 error to light that this one hid:
  - `E0382` use of moved value (src/lib.rs:1)
- Why it is offered: template: shadow; 2 steps combined.
"""
    )


@pytest.mark.parametrize(
    ("offer", "line"),
    [
        (replace(MUT, is_provisional=True), "- Other changes that may do as well are still being compiled.\n"),
        (replace(MUT, fix=replace(MUT.fix, preferred=False)), "- It is not applied without asking.\n"),
    ],
)
def test_why_a_fix_is_not_applied_unasked(offer: object, line: str) -> None:
    assert line not in explanation(TOTAL.problem, (MUT,), None, ROOT)
    assert explanation(TOTAL.problem, (offer,), None, ROOT).endswith(line)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("words", "is_found"),
    [("total += 1", True), ("1;\n}", True), ("let total", True), ("fn main", False), ("}\n", False)],
)
def test_the_problem_at_a_place(words: str, is_found: bool) -> None:
    said = explanation_at(searched(), FILE, TEXT.index(words.encode()), hash_of, ROOT)
    assert (said == explanation(TOTAL.problem, (MUT, SHADOW), None, ROOT)) == is_found
    assert (said is None) != is_found


def test_the_nearest_of_several_problems_is_meant() -> None:
    inner = known_problem(FILE, TEXT, "1;\n}", code="E0308", problem_id="inner")
    board = checked(searched(), text_checked(1, TOTAL, inner))
    for words, code in (("1;\n}", "E0308"), ("total +=", "E0596"), ("let total", "E0596")):
        said = explanation_at(board, FILE, TEXT.index(words.encode()), hash_of, ROOT)
        assert said is not None
        assert said.startswith(f"### `{code}`")
    # Its own place counts before a label of another problem.
    labelled = known_problem(FILE, TEXT, "let total", code="E0001", problem_id="labelled")
    said = explanation_at(checked(board, text_checked(1, TOTAL, labelled)), FILE, TEXT.index(b"let"), hash_of, ROOT)
    assert said is not None
    assert said.startswith("### `E0001`")


def test_nothing_is_said_of_a_text_that_was_not_checked() -> None:
    offset = TEXT.index(b"total += 1")
    assert explanation_at(changed(searched(), [FILE]), FILE, offset, hash_of, ROOT) is None
    assert explanation_at(searched(), OTHER_FILE, 0, hash_of, ROOT) is None
    assert explanation_of(searched(), "unknown", hash_of, ROOT) is None


def test_a_problem_without_a_fix_says_why() -> None:
    board = checked(replace(Board(), generation=1), text_checked(1, TOTAL))
    said = explanation_of(board, "total", hash_of, ROOT)
    assert said is not None
    assert said.endswith(f"\n\n{NOT_SEARCHED}\n")
    board = search_ended(board, search_record(1, total="nothing that was tried compiles."))
    said = explanation_of(board, "total", hash_of, ROOT)
    assert said is not None
    assert said.endswith("\n\nNo fix: nothing that was tried compiles.\n")
    # Of an older text it says nothing.
    said = explanation_of(changed(board, [OTHER_FILE]), "total", hash_of, ROOT)
    assert said is not None
    assert said.endswith(f"\n\n{NOT_SEARCHED}\n")


def test_stale_offers_are_left_out() -> None:
    said = explanation_of(searched(), "total", lambda path: "other", ROOT)
    assert said is not None
    assert "#### Fix" not in said


def test_an_error_without_code_and_without_a_place() -> None:
    problem = replace(TOTAL.problem, diagnostic=Diagnostic(Level.ERROR, None, "no `main`", ()), family="missing_items")
    expected = f"### Error without a code (missing items)\n\nno `main`\n\n{NOT_SEARCHED}\n"
    assert explanation(problem, (), None, ROOT) == expected


@pytest.mark.parametrize(
    ("message", "markdown"),
    [
        ("plain", "plain"),
        ("`a*b` is *not* <T>", "`a*b` is \\*not\\* \\<T\\>"),
        ("one ` too many", "one \\` too many"),
        ("_a_ [b] #c", "\\_a\\_ \\[b\\] \\#c"),
    ],
)
def test_messages_mean_nothing_to_markdown(message: str, markdown: str) -> None:
    assert escaped(message) == markdown


def test_code_with_backticks_stays_code() -> None:
    assert fenced("+ /// ```rust", "diff") == "````diff\n+ /// ```rust\n````"
    assert quoted("a `b`") == "`` a `b` ``"
    assert quoted("a") == "`a`"
