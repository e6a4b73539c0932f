"""The table of std's names, held to what the compiler itself says."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from sleepy_agent.code.std_names import (
    is_copied,
    prelude_names,
    std_methods_of,
    std_named,
    std_names,
    std_result,
    std_table,
    traits_with_method,
)

# How a type is written where only a method of it is named.
WRITTEN = {
    "slice": "<[u8]>", "array": "<[u8; 3]>", "integer": "<i32>", "signed": "<i32>", "unsigned": "<u32>",
    "float": "<f64>", "str": "<str>", "u8": "<u8>", "char": "<char>", "bool": "<bool>",
}  # fmt: skip
ARGUMENTS = {
    "HashMap": "<u8, u8>", "BTreeMap": "<u8, u8>", "Result": "<u8, u8>", "Cow": "<str>", "Pin": "<&mut u8>",
    "BufReader": "<std::fs::File>", "BufWriter": "<std::fs::File>", "Cursor": "<Vec<u8>>",
    "Peekable": "<std::vec::IntoIter<u8>>", "hash_map::Entry": "<u8, u8>", "btree_map::Entry": "<u8, u8>",
    **dict.fromkeys(
        (
            "Vec", "VecDeque", "HashSet", "BTreeSet", "BinaryHeap", "LinkedList", "Option", "Box", "Rc", "Arc", "Cell",
            "RefCell", "OnceCell", "Mutex", "RwLock", "OnceLock", "Sender", "Receiver", "JoinHandle", "Range",
            "RangeInclusive", "NonNull", "Reverse", "rc::Weak", "sync::Weak",
        ),
        "<u8>",
    ),
}  # fmt: skip
# Methods that only a type of certain arguments has.
SPECIAL = {
    "Option.cloned": "Option::<&u8>", "Option.copied": "Option::<&u8>", "Option.flatten": "Option::<Option<u8>>",
    "Option.transpose": "Option::<Result::<u8, u8>>", "Option.unzip": "Option::<(u8, u8)>",
    "Result.cloned": "std::result::Result::<&u8, u8>", "Result.copied": "std::result::Result::<&u8, u8>",
    "Result.transpose": "std::result::Result::<Option<u8>, u8>",
}  # fmt: skip
# Which generic arguments a method would have, and whether `u8` has the trait, is not asked here.
UNKNOWN_ARGUMENTS = r"error\[E0(?:040|282|283|277|107)\]|error: aborting"


def compiler_errors(source: str, folder: Path) -> str:
    (folder / "names.rs").write_text(source)
    compiled = subprocess.run(
        ["rustc", "--edition", "2021", "--crate-type", "lib", "--emit", "metadata", "--cap-lints", "allow", "names.rs"],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return compiled.stderr


def test_every_path_of_the_table_is_there(tmp_path: Path) -> None:
    uses = [
        f"mod m{number} {{ use {one.written_path}{'' if one.kind == 'macro' else ' as other'}; }}"
        for number, one in enumerate(std_names())
    ]
    assert compiler_errors("\n".join(uses), tmp_path) == ""


def test_every_method_of_the_table_is_there(tmp_path: Path) -> None:
    """Not every method of std, but no method that std does not have. Types of parameters are not the question."""
    lines = []
    for owner, methods in std_table()["methods"].items():
        known = [one for one in std_named(owner.rsplit("::", 1)[-1]) if one.written_path.endswith(f"::{owner}")]
        arguments = f"::{ARGUMENTS[owner]}" if owner in ARGUMENTS else ""
        usual = WRITTEN.get(owner) or known[0].written_path + arguments
        for method in methods.split():
            written = SPECIAL.get(f"{owner}.{method}") or usual
            is_trait = owner not in WRITTEN and known[0].kind == "trait"
            lines.append(f"    let _ = {f'<u8 as {usual}>' if is_trait else written}::{method};")
    source = "\n".join(["pub fn names() {", *lines, "}"])
    said = re.findall(r"^error.*", compiler_errors(source, tmp_path), re.MULTILINE)
    missing = [one for one in said if not re.match(UNKNOWN_ARGUMENTS, one)]
    assert not missing, "\n".join(missing)
    assert len(lines) > 900


def test_the_prelude_needs_no_import(tmp_path: Path) -> None:
    names = [one for one in prelude_names() if one.kind != "macro"]
    assert len(names) > 35
    uses = [f"pub use std::prelude::rust_2024::{one.name} as name{number};" for number, one in enumerate(names)]
    assert compiler_errors("\n".join(uses), tmp_path) == ""


@pytest.mark.parametrize(
    ("type_text", "method", "is_there"),
    [
        ("Vec<u8>", "push", True),
        ("&mut Vec<u8>", "first", True),
        ("String", "trim", True),
        ("u16", "pow", True),
        ("u16", "abs", False),
        ("i16", "abs", True),
        ("f32", "sqrt", True),
        ("u8", "is_ascii_digit", True),
        ("Rc<RefCell<u8>>", "borrow_mut", True),
        ("Rc<u8>", "push", False),
        ("Shelf", "push", False),
    ],
)
def test_a_type_has_the_methods_of_what_it_dereferences_to(type_text: str, method: str, is_there: bool) -> None:
    assert (method in std_methods_of(type_text)) is is_there


@pytest.mark.parametrize(
    ("type_text", "method", "result"),
    [
        ("Vec<u8>", "pop", "Option<u8>"),
        ("&HashMap<String, Vec<u8>>", "get", "Option<&Vec<u8>>"),
        ("String", "trim", "&str"),
        ("&str", "len", "usize"),
        ("Vec<_>", "pop", None),
        (None, "to_string", "String"),
        ("Shelf", "pop", None),
        ("Vec", "pop", None),
    ],
)
def test_what_a_method_of_std_gives(type_text: str | None, method: str, result: str | None) -> None:
    assert std_result(type_text, method) == result


def test_traits_are_found_by_their_methods() -> None:
    assert [one.written_path for one in traits_with_method("write_str")] == ["std::fmt::Write"]
    assert [one.written_path for one in traits_with_method("from_str")] == ["std::str::FromStr"]
    assert {one.written_path for one in std_named("Write")} == {"std::fmt::Write", "std::io::Write"}


@pytest.mark.parametrize(
    ("type_text", "expected"),
    [
        ("u8", True),
        ("&str", True),
        ("&'a T", True),
        ("&mut u8", False),
        ("str", False),
        ("String", False),
        ("T", False),
    ],
)
def test_what_is_surely_copied(type_text: str, expected: bool) -> None:
    assert is_copied(type_text) is expected
