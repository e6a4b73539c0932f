"""Reading the compiler's explanations as rustdoc reads them."""

from __future__ import annotations

import pytest

from benchmarks.error_index.explanations import Claim, Form, blocks_of, claim_of, program_of

MARKDOWN = """A mistake was made.

Erroneous code example:

```compile_fail,E0001,edition2018
# struct Hidden;
#
let x: u32 = "text";
##[keep]
```

Corrected:

```
let x: u32 = 1;
```

- in a list:

  ```text
  not code
  ```

````
```
inside
````
"""


def test_blocks_have_claims_editions_and_hidden_lines() -> None:
    blocks = blocks_of(MARKDOWN)
    assert [(block.claim, block.edition, block.text) for block in blocks] == [
        (Claim.ERRONEOUS, "2018", 'struct Hidden;\n\nlet x: u32 = "text";\n#[keep]\n'),
        (Claim.UNKNOWN, None, "let x: u32 = 1;\n"),
        (Claim.NOT_CODE, None, "not code\n"),
        (Claim.UNKNOWN, None, "```\ninside\n"),
    ]


def test_a_fence_never_closed_ends_with_the_text() -> None:
    assert [block.text for block in blocks_of("```\nfn f() {}")] == ["fn f() {}\n"]


@pytest.mark.parametrize(
    ("info", "expected"),
    [
        ("", (Claim.UNKNOWN, None)),
        ("compile_fail,E0382", (Claim.ERRONEOUS, None)),
        ("compile_fail,E0382,edition2021", (Claim.ERRONEOUS, "2021")),
        ("edition2018", (Claim.CORRECTED, "2018")),
        ("no_run", (Claim.CORRECTED, None)),
        ("rust", (Claim.CORRECTED, None)),
        ("ignore (a reason)", (Claim.NOT_CODE, None)),
        ("text", (Claim.NOT_CODE, None)),
        ("toml", (Claim.NOT_CODE, None)),
    ],
)
def test_what_a_fence_says(info: str, expected: tuple[Claim, str | None]) -> None:
    assert claim_of(info) == expected


@pytest.mark.parametrize(
    ("text", "form", "expected"),
    [
        ("fn main() { f(); }\n", Form.AS_RUSTDOC, "#![allow(unused)]\nfn main() { f(); }\n"),
        ("let x = 1;\n", Form.AS_RUSTDOC, "#![allow(unused)]\nfn main() {\nlet x = 1;\n}\n"),
        ("struct S;\n", Form.WITH_EMPTY_MAIN, "#![allow(unused)]\nstruct S;\n\nfn main() {}\n"),
        (
            "#![feature(a)] // [why\n#![feature(\n    b,\n)]\nextern crate core;\n\nuse core::mem;\n",
            Form.AS_RUSTDOC,
            "#![allow(unused)]\n#![feature(a)] // [why\n#![feature(\n    b,\n)]\nextern crate core;\n"
            "fn main() {\n\nuse core::mem;\n}\n",
        ),
    ],
)
def test_programs_are_made_as_rustdoc_makes_them(text: str, form: Form, expected: str) -> None:
    assert program_of(text, form) == expected
