"""What is proposed: the compiler's suggestions, and changes of manifests."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from sleepy_agent.cargo.workspace import Package, Workspace
from sleepy_agent.code.edits import EditConflict, apply_edits
from sleepy_agent.domain import Applicability, Candidate, Diagnostic, Edit, Level, Problem, Span, Suggestion
from sleepy_agent.errors import BadUsage
from sleepy_agent.fixes.sources import SourceContext, available_sources, choose_sources
from sleepy_agent.fixes.sources.compiler import CompilerSource
from sleepy_agent.fixes.sources.manifests import manifest_candidates

ROOT = Path("/shop")
FILE = ROOT / "app/src/lib.rs"
MANIFEST = ROOT / "app/Cargo.toml"

SURE, MAYBE = Applicability.MACHINE_APPLICABLE, Applicability.MAYBE_INCORRECT
PLACES, UNSURE = Applicability.HAS_PLACEHOLDERS, Applicability.UNSPECIFIED


def package(
    name: str,
    version: str = "1.0.0",
    *,
    is_local: bool = False,
    features: tuple[str, ...] = (),
    dependencies: tuple[str, ...] = (),
) -> Package:
    folder = ROOT / name if is_local else Path("/registry") / f"{name}-{version}"
    return Package(
        name,
        version,
        folder / "Cargo.toml",
        "2021",
        is_local,
        is_local,
        dependencies,
        features,
        (folder / "src/lib.rs",),
    )


def context(*packages: Package, manifest: str = "", root_manifest: Path | None = None) -> SourceContext:
    root = root_manifest.parent if root_manifest else ROOT
    return SourceContext(
        Workspace(root, ROOT / "target", packages, frozenset()),
        lambda path: manifest.encode() if path == MANIFEST else b"fn f() {}\n",
        lambda path: path.is_relative_to(ROOT),
    )


def problem(message: str, *suggestions: Suggestion, code: str | None = "E0432", note: str = "") -> Problem:
    children = (Diagnostic(Level.HELP, None, note, ()),) if note else ()
    span = Span(FILE, 0, 2, 1, 1, 1, 3)
    return Problem(
        Diagnostic(Level.ERROR, code, message, (span,), children, suggestions), "app", ("app",), "other", "signature"
    )


def suggestion(
    message: str, *edits: tuple[int, int, str], how_sure: Applicability = MAYBE, several: bool = False
) -> Suggestion:
    return Suggestion(message, how_sure, tuple(Edit(FILE, *edit) for edit in edits), several)


def proposed(suggestions: list[Suggestion]) -> list[Candidate]:
    return list(CompilerSource().candidates(problem("it is wrong", *suggestions), context(package("app"))))


def test_suggestions_come_singly_in_the_order_of_rustc_whatever_their_applicability() -> None:
    suggestions = [
        suggestion("one", (0, 0, "a"), how_sure=PLACES),
        suggestion("two", (4, 4, "b"), how_sure=SURE),
        suggestion("three", (8, 8, "c"), how_sure=UNSURE),
    ]
    singles = [one for one in proposed(suggestions) if one.steps == 1]
    assert [one.title for one in singles] == ["one", "two", "three"]
    assert [one.applicability for one in singles] == [PLACES, SURE, UNSURE]
    assert singles[1].cost < singles[2].cost < singles[0].cost


def test_the_parts_of_a_suggestion_stay_together() -> None:
    (only,) = proposed([suggestion("wrap it", (0, 0, "Some("), (4, 4, ")"))])
    assert [edit.replacement for edit in only.edits] == ["Some(", ")"]


def test_alternatives_stay_apart_and_know_of_each_other() -> None:
    found = proposed([suggestion("import", (0, 0, text), several=True) for text in ("use a;", "use b;")])
    assert len(found) == 2 and all(one.is_one_of_several and one.steps == 1 for one in found)


def test_the_same_words_twice_are_alternatives() -> None:
    found = proposed([suggestion("borrow it", (0, 0, "&")), suggestion("borrow it", (4, 4, "&"))])
    assert all(one.is_one_of_several for one in found)


def test_a_part_read_alone_is_no_alternative_of_the_whole() -> None:
    whole = suggestion("borrow both", (0, 0, "&"), (4, 4, "&"))
    found = proposed([whole, suggestion("borrow both", (0, 0, "&"))])
    assert not found[0].is_one_of_several


def test_pairs_of_suggestions_come_last() -> None:
    suggestions = [suggestion("a", (0, 0, "1"), how_sure=SURE), suggestion("b", (4, 4, "2"), how_sure=UNSURE)]
    found = proposed(suggestions)
    assert [one.title for one in found] == ["a", "b", "a; b"]
    pair = found[2]
    assert pair.steps == 2 and len(pair.edits) == 2 and pair.applicability == UNSURE
    assert pair.cost > max(found[0].cost, found[1].cost)


@pytest.mark.parametrize(
    "suggestions",
    [
        [suggestion("a", (0, 4, "1")), suggestion("b", (2, 6, "2"))],
        [suggestion("a", (0, 4, "1")), suggestion("b", (4, 4, "2"))],
        [suggestion("a", (0, 0, "1")), suggestion("a", (8, 8, "2"))],
        [suggestion("a", (0, 0, "1"), several=True), suggestion("b", (8, 8, "2"), several=True)],
    ],
    ids=["overlapping", "touching", "same words", "alternatives"],
)
def test_what_makes_no_pair(suggestions: list[Suggestion]) -> None:
    assert all(one.steps == 1 for one in proposed(suggestions))


def test_pairs_are_few() -> None:
    found = proposed([suggestion(f"s{n}", (n * 4, n * 4, "x")) for n in range(10)])
    assert sum(1 for one in found if one.steps == 2) == 3


def test_files_that_are_not_the_users_are_left_out() -> None:
    foreign = Suggestion("edit the registry", SURE, (Edit(Path("/registry/x.rs"), 0, 0, "x"),))
    both = Suggestion("both", SURE, (Edit(FILE, 0, 0, "x"), Edit(Path("/registry/x.rs"), 0, 0, "x")))
    assert proposed([foreign, both]) == []


# ---- manifests ------------------------------------------------------------------------------------------------

PLAIN = '[package]\nname = "app"\nversion = "0.1.0"\nedition = "2015" # old\n\n[dependencies]\n'


def manifests(manifest: str, message: str, *packages: Package, note: str = "", root: Path | None = None) -> list[str]:
    """The new manifests proposed for a message, in order."""
    own = package("app", is_local=True, dependencies=tuple(tomllib_dependencies(manifest)))
    where = context(own, *packages, manifest=manifest, root_manifest=root)
    found = []
    for candidate in manifest_candidates("compiler", problem(message, note=note), where):
        texts = apply_edits(candidate.edits, where.read)
        assert not isinstance(texts, EditConflict) and set(texts) == {MANIFEST}
        found.append(texts[MANIFEST].decode())
    return found


def tomllib_dependencies(manifest: str) -> list[str]:
    try:
        found = tomllib.loads(manifest).get("dependencies", {})
    except tomllib.TOMLDecodeError:
        return []
    return list(found) if isinstance(found, dict) else []


MISSING = "use of unresolved module or unlinked crate `{}`"


def test_a_crate_of_the_workspace_by_its_path() -> None:
    (text,) = manifests(PLAIN, MISSING.format("shop_core"), package("shop-core", is_local=True))
    assert text == PLAIN + 'shop-core = { path = "../shop-core" }\n'


def test_a_crate_of_the_lock_file_in_its_version() -> None:
    (text,) = manifests(PLAIN, MISSING.format("regex"), package("regex", "1.10.2"))
    assert text == PLAIN + 'regex = "1.10.2"\n'


def test_of_several_versions_the_newest_comes_first() -> None:
    versions = [package("rand", version) for version in ("0.9.1", "0.10.0", "0.8.5")]
    texts = manifests(PLAIN, MISSING.format("rand"), *versions)
    assert [tomllib.loads(text)["dependencies"]["rand"] for text in texts] == ["0.10.0", "0.9.1", "0.8.5"]


def test_a_crate_that_the_workspace_declares_is_inherited(tmp_path: Path) -> None:
    root = tmp_path / "Cargo.toml"
    root.write_text('[workspace]\nmembers = ["app"]\n[workspace.dependencies]\nserde = "1"\n')
    (text,) = manifests(PLAIN, MISSING.format("serde"), package("serde"), root=root)
    assert text == PLAIN + "serde = { workspace = true }\n"


def test_a_manifest_without_dependencies_gets_a_table() -> None:
    manifest = '[package]\nname = "app"\n'
    (text,) = manifests(manifest, MISSING.format("regex"), package("regex"))
    assert tomllib.loads(text)["dependencies"] == {"regex": "1.0.0"}
    assert text.startswith(manifest)


@pytest.mark.parametrize(
    "message",
    [
        "use of unresolved module or unlinked crate `regex`",
        "use of undeclared crate or module `regex`",
        "can't find crate for `regex`",
        "unresolved import `regex`",
        "unresolved import `regex::bytes::Regex`",
    ],
)
def test_messages_that_speak_of_a_missing_crate(message: str) -> None:
    assert len(manifests(PLAIN, message, package("regex"))) == 1


@pytest.mark.parametrize("crate", ["unknown", "app", "serde"])
def test_nothing_for_a_crate_nobody_knows_the_crate_itself_or_one_it_has(crate: str) -> None:
    manifest = PLAIN + 'serde = "1"\n'
    assert manifests(manifest, MISSING.format(crate), package("serde")) == []


FEATURE = "cannot find derive macro `Serialize` in this scope"
SERDE = package("serde", features=("derive", "std"))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('serde = "1"\n', 'serde = { version = "1", features = ["derive"] }\n'),
        ('serde = "1" # for the wire\n', 'serde = { version = "1", features = ["derive"] } # for the wire\n'),
        ('serde = { version = "1" }\n', 'serde = { version = "1" , features = ["derive"]}\n'),
        (
            'serde = { version = "1", features = ["std"] }\n',
            'serde = { version = "1", features = ["std", "derive"] }\n',
        ),
        ("serde = { workspace = true }\n", 'serde = { workspace = true , features = ["derive"]}\n'),
        ('[dependencies.serde]\nversion = "1"\n', '[dependencies.serde]\nversion = "1"\nfeatures = ["derive"]\n'),
        (
            '[dependencies.serde]\n# one\nversion = "1"\nfeatures = [\n  "std", # two\n]\n',
            None,
        ),
    ],
)
def test_a_feature_is_turned_on_where_the_dependency_stands(before: str, after: str | None) -> None:
    start = PLAIN.replace("[dependencies]\n", "") if before.startswith("[") else PLAIN
    (text,) = manifests(start + before, FEATURE, SERDE, note="serde provides it")
    entry = tomllib.loads(text)["dependencies"]["serde"]
    assert "derive" in entry["features"]
    if after is not None:
        assert text.replace(" ", "") == (start + after).replace(" ", "")
    for comment in ("# old", "# for the wire", "# one", "# two"):
        assert (comment in text) == (comment in start + before)


def test_a_feature_is_not_turned_on_twice_nor_where_the_crate_has_none() -> None:
    assert manifests(PLAIN + 'serde = { version = "1", features = ["derive"] }\n', FEATURE, SERDE) == []
    assert manifests(PLAIN + 'serde = "1"\n', FEATURE, package("serde")) == []


def test_the_crate_that_is_spoken_of_gets_the_feature() -> None:
    manifest = PLAIN + 'clap = "4"\nserde = "1"\n'
    clap = package("clap", features=("derive",))
    (text,) = manifests(manifest, "cannot find attribute `serde` in this scope", SERDE, clap)
    assert "features" in tomllib.loads(text)["dependencies"]["serde"]
    both = manifests(manifest, "cannot find derive macro `Parser` in this scope", SERDE, clap)
    assert len(both) == 2


def test_a_feature_named_by_rustc() -> None:
    tokio = package("tokio", features=("rt", "macros"))
    manifest = PLAIN + 'tokio = "1"\n'
    note = "the item is gated behind the `rt` feature"
    (text,) = manifests(manifest, "unresolved thing", tokio, note=note)
    assert tomllib.loads(text)["dependencies"]["tokio"]["features"] == ["rt"]
    (text,) = manifests(manifest, "could not find `main` in `tokio`", tokio)
    assert tomllib.loads(text)["dependencies"]["tokio"]["features"] == ["macros"]


@pytest.mark.parametrize(
    "note",
    [
        'set `edition = "2021"` in `Cargo.toml`',
        "pass `--edition 2021` to `rustc`",
        "`async` blocks are only allowed in Rust 2021 or later",
    ],
)
def test_the_edition(note: str) -> None:
    texts = manifests(PLAIN, "`async fn` is not permitted in Rust 2015", note=note)
    assert texts == [PLAIN.replace('"2015"', '"2021"')]


@pytest.mark.parametrize(
    "manifest",
    [
        "[package\n",
        "",
        "package = 3\n",
        'dependencies = 3\n[package]\nname = "app"\n',
        'dependencies = ["serde"]\n[package]\nname = "app"\n',
        "\ufeff[package]\n",
    ],
)
@pytest.mark.parametrize(
    "message",
    [MISSING.format("regex"), FEATURE, 'set `edition = "2021"` in `Cargo.toml`'],
    ids=["crate", "feature", "edition"],
)
def test_a_broken_manifest_gives_nothing_and_raises_nothing(manifest: str, message: str) -> None:
    for text in manifests(manifest, message, package("regex"), SERDE):
        tomllib.loads(text)


def test_a_manifest_that_is_not_the_users_is_left_alone() -> None:
    where = context(package("app", is_local=False), manifest=PLAIN)
    assert list(manifest_candidates("compiler", problem(MISSING.format("regex")), where)) == []


# ---- which sources --------------------------------------------------------------------------------------------


def test_sources_are_an_exact_allow_list() -> None:
    assert [source.name for source in choose_sources(None)] == list(available_sources())
    assert [source.name for source in choose_sources(("compiler",))] == ["compiler"]
    assert choose_sources(()) == ()
    with pytest.raises(BadUsage, match="no source 'oracle'") as raised:
        choose_sources(("compiler", "oracle"))
    assert "compiler" in raised.value.remedy


@pytest.mark.parametrize(
    ("message", "applicability", "keeps_behaviour", "question"),
    [
        ("consider borrowing here", MAYBE, True, None),
        ("a local variable with a similar name exists", MAYBE, False, "which name is meant"),
        ("a local variable with a similar name exists", SURE, False, "which name is meant"),
        ("include the missing field in the pattern", MAYBE, True, None),
        ("use something nobody has heard of", SURE, True, None),
        ("use something nobody has heard of", MAYBE, False, None),
    ],
)
def test_what_a_suggestion_does_is_known_by_its_words(
    message: str, applicability: Applicability, keeps_behaviour: bool, question: str | None
) -> None:
    suggestion = Suggestion(message, applicability, (Edit(FILE, 0, 2, "other"),))
    (candidate,) = CompilerSource().candidates(problem("cannot find it", suggestion), context())
    assert (candidate.keeps_behaviour, candidate.question) == (keeps_behaviour, question)


def test_a_part_of_a_suggestion_is_tried_after_the_whole() -> None:
    whole = Suggestion("try wrapping it", MAYBE, (Edit(FILE, 0, 0, "Ok("), Edit(FILE, 2, 2, ")")))
    part = Suggestion("try wrapping it", MAYBE, (Edit(FILE, 0, 0, "Ok("),))
    costs = [candidate.cost for candidate in CompilerSource().candidates(problem("no", part, whole), context())]
    assert costs[0] > costs[1]


def test_a_value_that_rustc_makes_up_is_not_proposed() -> None:
    made_up = Suggestion("consider assigning a value", MAYBE, (Edit(FILE, 2, 2, " = 42"),))
    assert list(CompilerSource().candidates(problem("used binding isn't initialized", made_up), context())) == []
