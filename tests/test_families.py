"""families.toml maps every code of the installed compiler, and looks beyond the code where that says too little."""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sleepy_agent.domain import Diagnostic, Level, Span
from sleepy_agent.errors import BadUsage
from sleepy_agent.families import FAMILIES, family_of, is_mapped, load_family_rules

LAST_CODE_ASKED_FOR = 860


def diagnostic(
    code: str | None, message: str, *, label: str | None = None, notes: tuple[str, ...] = (), note_file: str = ""
) -> Diagnostic:
    def at(file: str, text: str | None) -> tuple[Span, ...]:
        return (Span(Path(file), 0, 1, 1, 1, 1, 2, label=text),)

    return Diagnostic(
        level=Level.ERROR,
        code=code,
        message=message,
        spans=at("src/lib.rs", label),
        children=tuple(Diagnostic(Level.NOTE, None, note, at(note_file, None) if note_file else ()) for note in notes),
    )


# What rustc 1.95 says for small programs with the mistake.
CASES = [
    ("borrow_checker", diagnostic("E0382", "borrow of moved value: `p`")),
    ("borrow_checker", diagnostic("unused_mut", "variable does not need to be mutable")),
    ("borrow_checker", diagnostic(None, "captured variable cannot escape `FnMut` closure body")),
    ("lifetimes", diagnostic("E0106", "missing lifetime specifier")),
    ("lifetimes", diagnostic(None, "lifetime may not live long enough")),
    ("lifetimes", diagnostic(None, "implementation of `Tr` is not general enough")),
    ("lifetimes", diagnostic("E0392", "lifetime parameter `'a` is never used")),
    ("trait_bounds", diagnostic("E0392", "type parameter `T` is never used")),
    (
        "lifetimes",
        diagnostic("E0107", "struct takes 0 lifetime arguments but 1 lifetime argument was supplied"),
    ),
    (
        "type_mismatch",
        diagnostic("E0107", "struct takes 1 generic argument but 2 generic arguments were supplied"),
    ),
    ("trait_bounds", diagnostic("E0277", "the trait bound `P: Clone` is not satisfied")),
    ("trait_bounds", diagnostic("E0277", "`{integer}` is not an iterator")),
    ("result_handling", diagnostic("E0277", "`?` couldn't convert the error to `String`")),
    (
        "result_handling",
        diagnostic(
            "E0277",
            "`?` couldn't convert the error to `String`",
            label="this can't be annotated with `?` because it has type `Result<_, serde_json::Error>`",
        ),
    ),
    ("result_handling", diagnostic("E0277", "the `?` operator can only be used in a function that returns `Result`")),
    (
        "async_runtime",
        diagnostic(
            "E0277",
            "the `?` operator can only be applied to values that implement `Try`",
            notes=("consider `await`ing on the `Future`",),
        ),
    ),
    ("async_runtime", diagnostic("E0277", "`Rc<{integer}>` cannot be sent between threads safely")),
    (
        "async_runtime",
        diagnostic(
            "E0277", "`Rc<i32>` is not a future", notes=("the trait `Future` is not implemented for `Rc<i32>`",)
        ),
    ),
    ("async_runtime", diagnostic(None, "future cannot be sent between threads safely")),
    ("async_runtime", diagnostic("E0728", "`await` is only allowed inside `async` functions and blocks")),
    ("async_runtime", diagnostic("E0308", "mismatched types", label="expected `i32`, found future")),
    ("async_runtime", diagnostic("E0433", "cannot find `main` in `tokio`")),
    ("async_runtime", diagnostic("unused_must_use", "unused implementer of `Future` that must be used")),
    ("result_handling", diagnostic("unused_must_use", "unused `Result` that must be used")),
    ("serde", diagnostic("E0277", "the trait bound `P: Serialize` is not satisfied")),
    ("serde", diagnostic("E0277", "the trait bound `P: serde::de::Deserialize<'de>` is not satisfied")),
    (
        "serde",
        diagnostic(
            "E0277",
            "the trait bound `P: Marker` is not satisfied",
            notes=("required by a bound in `to_string`",),
            note_file="registry/src/index/serde_json-1.0.149/src/ser.rs",
        ),
    ),
    (
        "serde",
        diagnostic("E0308", "mismatched types", label="expected `Value`", notes=("expected enum `serde_json::Value`",)),
    ),
    ("serde", diagnostic(None, "cannot find derive macro `Serialize` in this scope")),
    ("serde", diagnostic(None, "cannot find attribute `serde` in this scope")),
    ("missing_items", diagnostic(None, "cannot find macro `unk` in this scope")),
    ("type_mismatch", diagnostic("E0308", "mismatched types", label="expected `i32`, found `&str`")),
    (
        "type_mismatch",
        diagnostic("E0308", "mismatched types", label="expected `Option<String>`, found `Option<&str>`"),
    ),
    (
        "result_handling",
        diagnostic("E0308", "mismatched types", label="expected `Result<i32, String>`, found integer"),
    ),
    ("result_handling", diagnostic("E0308", "mismatched types", label="expected `i32`, found `Option<i32>`")),
    ("result_handling", diagnostic("E0599", "no method named `len` found for enum `Option<T>` in the current scope")),
    ("missing_items", diagnostic("E0599", "no method named `gett` found for struct `HashMap<K, V, S, A>`")),
    (
        "trait_bounds",
        diagnostic("E0599", "the method `sum` exists for struct `X`, but its trait bounds were not satisfied"),
    ),
    ("missing_items", diagnostic("E0432", "unresolved import `serde`")),
    ("missing_items", diagnostic("unused_imports", "unused import: `std::fmt`")),
    ("patterns", diagnostic("E0004", "non-exhaustive patterns: `None` not covered")),
    ("patterns", diagnostic("unreachable_patterns", "unreachable pattern")),
    ("syntax", diagnostic(None, "expected one of `.`, `;`, `?`, `else`, or an operator, found keyword `let`")),
    ("syntax", diagnostic("E0765", "unterminated double quote string")),
    ("other", diagnostic("E0658", "use of unstable library feature")),
    ("other", diagnostic("unused_variables", "unused variable: `x`")),
    ("other", diagnostic("rustdoc::broken_intra_doc_links", "unresolved link to `x`")),
    ("borrow_checker", diagnostic("clippy::redundant_clone", "redundant clone")),
    ("result_handling", diagnostic("clippy::unwrap_used", "used `unwrap()` on a `Result` value")),
    ("other", diagnostic("E9999", "a code of a compiler from the future")),
]


@pytest.mark.parametrize(("family", "case"), CASES, ids=lambda value: getattr(value, "message", value))
def test_a_diagnostic_belongs_to_its_family(family: str, case: Diagnostic) -> None:
    assert family_of(case, load_family_rules()) == family


def test_the_cases_cover_every_family() -> None:
    assert {family for family, _ in CASES} == set(FAMILIES)


def codes_of_the_compiler() -> tuple[str, ...]:
    """Every code that `rustc --explain` knows, asked one by one of the compiler itself, not of rustup's shim."""
    sysroot = subprocess.run(["rustc", "--print", "sysroot"], check=True, capture_output=True, text=True).stdout.strip()
    rustc = str(Path(sysroot) / "bin" / "rustc")

    def is_known(code: str) -> bool:
        return subprocess.run([rustc, "--explain", code], check=False, capture_output=True).returncode == 0

    candidates = [f"E{number:04d}" for number in range(1, LAST_CODE_ASKED_FOR + 1)]
    with ThreadPoolExecutor(max_workers=4) as pool:
        return tuple(code for code, known in zip(candidates, pool.map(is_known, candidates), strict=True) if known)


def test_every_code_of_the_compiler_is_mapped() -> None:
    rules = load_family_rules()
    codes = codes_of_the_compiler()
    assert len(codes) > 500, "rustc --explain was not asked properly"
    # Codes near the end of the walk would mean that it has become too short.
    assert int(codes[-1][1:]) < LAST_CODE_ASKED_FOR - 20
    assert [code for code in codes if not is_mapped(code, rules)] == []


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("E0382", True),
        ("E0277", True),
        ("E0658", True),
        (None, True),
        ("unused_imports", True),
        ("clippy::needless_return", True),
        ("E0003", False),
        ("E0860", False),
        ("", False),
    ],
)
def test_a_code_without_a_rule_is_noticed(code: str | None, expected: bool) -> None:
    assert is_mapped(code, load_family_rules()) is expected


def test_no_code_stands_in_two_lists_and_none_is_matched_by_a_pattern() -> None:
    lists = [rule for rule in load_family_rules().rules if rule.codes and rule.is_unconditional]
    repeated = [code for code, number in Counter(code for rule in lists for code in rule.codes).items() if number > 1]
    assert repeated == []
    assert all(re.fullmatch(r"E\d{4}", code) for rule in lists for code in rule.codes)
    patterns = [rule.code_pattern for rule in load_family_rules().rules if rule.code_pattern]
    assert patterns
    assert not any(pattern.fullmatch(f"E{number:04d}") for pattern in patterns for number in range(1000))


def test_the_rules_of_the_user_come_first_and_may_bring_a_family(tmp_path: Path) -> None:
    user_file = tmp_path / "families.toml"
    user_file.write_text(
        '[[family]]\nname = "orm"\n'
        '[[rule]]\nname = "diesel"\nfamily = "orm"\ncodes = ["E0277"]\ncrates = ["diesel"]\n'
        '[[rule]]\nname = "mine"\nfamily = "patterns"\ncodes = ["E0382"]\n',
        encoding="utf-8",
    )
    rules = load_family_rules(user_file)
    assert rules.families == (*FAMILIES, "orm")
    assert family_of(diagnostic("E0277", "the trait bound `diesel::Thing: X` is not satisfied"), rules) == "orm"
    assert family_of(diagnostic("E0277", "the trait bound `Thing: X` is not satisfied"), rules) == "trait_bounds"
    assert family_of(diagnostic("E0382", "borrow of moved value: `p`"), rules) == "patterns"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("rule = 1", "[[rule]]"),
        ("[[rule]\n", "not valid TOML"),
        ('[[rule]]\nfamily = "nope"\ncodes = ["E0001"]', "'nope'"),
        ('[[rule]]\nfamily = "serde"', "exactly one of"),
        ('[[rule]]\nfamily = "serde"\ncodes = ["E0001"]\nno_code = true', "exactly one of"),
        ('[[rule]]\nfamily = "serde"\nno_code = false', "only be true"),
        ('[[rule]]\nfamily = "serde"\ncodes = []', "empty"),
        ('[[rule]]\nfamily = "serde"\ncodes = "E0001"', "list of words"),
        ('[[rule]]\nfamily = "serde"\ncodes = ["E0001"]\nmessage = "("', "no regular expression"),
        ('[[rule]]\nfamily = "serde"\ncodes = ["E0001"]\nmessage = 3', "no regular expression"),
        ('[[rule]]\nfamily = "serde"\ncodes = ["E0001"]\nmesage = "x"', "'mesage'"),
        ('[[family]]\nname = "Serde!"', "no name for a family"),
        ('fallback = "nope"', "'nope'"),
        ("schema = 2", "schema 2"),
    ],
)
def test_a_bad_file_of_the_user_is_refused_with_a_remedy(tmp_path: Path, text: str, reason: str) -> None:
    user_file = tmp_path / "families.toml"
    user_file.write_text(text, encoding="utf-8")
    with pytest.raises(BadUsage) as caught:
        load_family_rules(user_file)
    assert reason in caught.value.message
    assert str(user_file) in caught.value.message
    assert "Correct that file" in caught.value.remedy


def test_a_missing_file_of_the_user_is_refused_with_a_remedy(tmp_path: Path) -> None:
    with pytest.raises(BadUsage) as caught:
        load_family_rules(tmp_path / "nowhere.toml")
    assert "no such file" in caught.value.message
    assert caught.value.remedy
