"""The index of a workspace: modules found on disk, names and paths answered, only changed files read again."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from sleepy_agent.code.crate_items import CrateRoot, crate_roots, read_crate
from sleepy_agent.code.index import WorkspaceIndex, build_index
from sleepy_agent.code.items import Item, ItemKind


def write(folder: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


MODULES = {
    "src/lib.rs": (
        "mod plain;\npub mod folder;\nmod inline {\n    pub mod inner;\n    pub mod deep { mod deeper; }\n}\n"
        '#[cfg(unix)]\n#[path = "elsewhere/odd.rs"]\nmod other;\nmod missing;\n#[cfg(test)]\nmod tests;\n'
        'mod named { #[path = "file.rs"] mod by_path; }\n'
    ),
    "src/plain.rs": 'mod child;\npub struct Plain;\nmod inside { mod leaf; }\n#[path = "side.rs"]\nmod side;\n',
    "src/plain/child.rs": "struct Child;\n",
    "src/plain/inside/leaf.rs": "struct Leaf;\n",
    "src/side.rs": "struct Side;\n",
    "src/folder/mod.rs": "pub mod one;\npub struct Folder;\n",
    "src/folder/one.rs": "mod two;\nstruct One;\n",
    "src/folder/one/two.rs": "struct Two;\n",
    "src/inline/inner.rs": "struct Inner;\n",
    "src/inline/deep/deeper.rs": "struct Deeper;\n",
    "src/elsewhere/odd.rs": "mod beside;\nstruct Odd;\n",
    "src/elsewhere/beside.rs": "struct Beside;\n",
    "src/tests.rs": "struct InTests;\n",
    "src/named/file.rs": "struct ByPath;\n",
    "src/not_reached.rs": "struct NotReached;\n",
}


def test_modules_are_followed_to_their_files(tmp_path: Path) -> None:
    write(tmp_path, MODULES)
    crate = read_crate(CrateRoot("a", "2021", tmp_path / "src/lib.rs", True), Path.read_bytes)
    assert {"::".join((*item.module, item.name)) for item in crate.items if item.kind is ItemKind.STRUCT} == {
        "plain::Plain", "plain::child::Child", "plain::inside::leaf::Leaf", "plain::side::Side", "folder::Folder",
        "folder::one::One", "folder::one::two::Two", "inline::inner::Inner", "inline::deep::deeper::Deeper",
        "other::Odd", "other::beside::Beside", "tests::InTests", "named::by_path::ByPath",
    }  # fmt: skip
    assert [item.name for item in crate.items if item.is_test and item.kind is ItemKind.STRUCT] == ["InTests"]
    conditional = {item.name for item in crate.items if item.is_conditional and item.kind is ItemKind.STRUCT}
    assert conditional == {"Odd", "Beside"}


def test_a_circle_of_modules_ends(tmp_path: Path) -> None:
    write(tmp_path, {"lib.rs": '#[path = "lib.rs"]\nmod again;\nstruct S;\n'})
    crate = read_crate(CrateRoot("a", "2021", tmp_path / "lib.rs", True), Path.read_bytes)
    assert len(crate.files) == 1


def test_a_large_crate_is_read_in_part(tmp_path: Path) -> None:
    write(tmp_path, {"lib.rs": "mod a;\nmod b;\n", "a.rs": "struct A;\n", "b.rs": "struct B;\n"})
    root = CrateRoot("a", "2021", tmp_path / "lib.rs", False)
    assert [file.file.name for file in read_crate(root, Path.read_bytes, most_files=2).files] == ["lib.rs", "a.rs"]
    assert [file.file.name for file in read_crate(root, Path.read_bytes, most_bytes=1).files] == ["lib.rs"]


def test_a_macro_may_stand_around_modules(tmp_path: Path) -> None:
    write(tmp_path, {"lib.rs": "cfg_if! { if #[cfg(unix)] { mod a; } }\nmod b;\n", "a.rs": "struct A;\n", "b.rs": ""})
    crate = read_crate(CrateRoot("a", "2021", tmp_path / "lib.rs", True), Path.read_bytes)
    assert "A" in {item.name for item in crate.items}


def test_a_package_becomes_its_crates() -> None:
    files = [Path("p/src/lib.rs"), Path("p/src/main.rs"), Path("p/tests/all.rs")]
    roots = crate_roots("my-app", "2021", files, ["other-crate"], is_local=True)
    assert [(root.name, root.root_file.name, root.dependencies) for root in roots] == [
        ("my_app", "lib.rs", ("other_crate",)),
        ("my_app", "main.rs", ("my_app", "other_crate")),
        ("all", "all.rs", ("my_app", "other_crate")),
    ]
    assert [root.root_file.name for root in crate_roots("my-app", "2021", files, [], is_local=False)] == ["lib.rs"]
    assert [root.dependencies for root in crate_roots("a", "2021", [Path("src/main.rs")], ["b"], is_local=True)] == [
        ("b",)
    ]


LIBRARY = {
    "library/src/lib.rs": (
        "//! Words.\n\nmod store;\npub mod tools;\nmod hidden;\npub use store::Shelf;\npub use hidden::*;\n"
        "#[macro_export]\nmacro_rules! shout { () => {} }\n"
        "pub fn open() -> Shelf { todo!() }\npub(crate) fn internal() {}\n"
        "#[cfg(test)]\nmod tests {\n    use super::*;\n    fn helper() {}\n}\n"
    ),
    "library/src/store.rs": (
        "use std::collections::HashMap;\nuse crate::tools::{Tool, sharpen as make_sharp};\n\n"
        "pub struct Shelf { pub books: HashMap<String, Book>, size: usize }\n"
        "struct Book { title: String }\npub(super) struct Row;\n"
        "impl Shelf {\n    pub fn new() -> Self { todo!() }\n    fn add(&mut self, book: Book) { let x = 1; }\n}\n"
        "impl Named for Shelf { fn name(&self) -> String { todo!() } }\n"
        "pub trait Named { fn name(&self) -> String; fn loud(&self) -> String { self.name() } }\n"
        "impl<T: Clone> Twice for T { }\ntrait Twice { fn twice(&self) {} }\n"
        "fn local() {\n    use std::fmt;\n    enum Inner { A }\n    let y = 2;\n}\n"
        "type Alias = Shelf;\n"
    ),
    "library/src/tools.rs": (
        "pub enum Tool { Hammer, Saw(u8) }\npub fn sharpen(tool: Tool) {}\nuse self::Tool::*;\nfn z() { 0 }\n"
        "pub mod inner { pub struct Deep; pub(in crate::tools) struct Narrow; }\n"
    ),
    "library/src/hidden.rs": "pub struct Seen;\nstruct Unseen;\n",
    "program/src/main.rs": "use library::Shelf;\nmod part;\nfn main() { 1 }\n",
    "program/src/part.rs": "pub struct Part;\n",
}


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    write(tmp_path, LIBRARY)
    return tmp_path


def index_of(folder: Path) -> WorkspaceIndex:
    roots = [
        *crate_roots("library", "2021", [folder / "library/src/lib.rs"], [], is_local=True),
        *crate_roots("program", "2021", [folder / "program/src/main.rs"], ["library"], is_local=True),
    ]
    return build_index(roots, Path.read_bytes)


def item(index: WorkspaceIndex, name: str) -> Item:
    (found,) = [one for one in index.items_named(name) if one.kind is not ItemKind.MODULE]
    return found


# The file in which the path is needed, the item, and the path. `‸` in the file's name: the text behind it is the place.
PATHS = {
    ("library/src/lib.rs", "Shelf"): "crate::Shelf",
    ("library/src/tools.rs", "Shelf"): "crate::Shelf",
    ("library/src/tools.rs", "Tool"): "crate::tools::Tool",
    ("library/src/store.rs", "Book"): "crate::store::Book",
    ("library/src/tools.rs", "Book"): None,
    ("library/src/lib.rs", "Row"): "crate::store::Row",
    ("library/src/tools.rs", "Row"): "crate::store::Row",
    ("library/src/tools.rs", "Deep"): "crate::tools::inner::Deep",
    ("library/src/tools.rs", "Narrow"): "crate::tools::inner::Narrow",
    ("library/src/store.rs", "Narrow"): None,
    ("library/src/store.rs", "Seen"): "crate::Seen",
    ("library/src/hidden.rs", "Unseen"): "crate::hidden::Unseen",
    ("library/src/store.rs", "shout"): "crate::shout",
    ("library/src/store.rs", "internal"): "crate::internal",
    ("library/src/store.rs", "Inner"): None,
    ("library/src/store.rs", "add"): None,
    ("program/src/part.rs", "Part"): "crate::part::Part",
    ("program/src/part.rs", "Shelf"): "library::Shelf",
    ("program/src/part.rs", "Deep"): "library::tools::inner::Deep",
    ("program/src/part.rs", "Seen"): "library::Seen",
    ("program/src/part.rs", "shout"): "library::shout",
    ("program/src/part.rs", "internal"): None,
    ("program/src/part.rs", "Row"): None,
    ("program/src/part.rs", "Named"): None,
    ("library/src/lib.rs", "Part"): None,
}


@pytest.mark.parametrize(("file", "name"), PATHS)
def test_an_item_is_named_by_its_shortest_path(workspace: Path, file: str, name: str) -> None:
    index = index_of(workspace)
    assert index.path_to(item(index, name), workspace / file, 0) == PATHS[file, name]


def test_questions_about_a_place(workspace: Path) -> None:
    index = index_of(workspace)
    file = workspace / "library/src/store.rs"
    text = file.read_text()
    inside = text.index("let x")
    found, implementation = index.item_at(file, inside), index.implementation_at(file, inside)
    assert found is not None and (found.name, found.owner) == ("add", "Shelf")
    assert implementation is not None and implementation.type_name == "Shelf"
    assert index.module_of(file, inside) == ("store",)
    root = workspace / "library/src/lib.rs"
    assert index.module_of(root, root.read_text().index("helper")) == ("tests",)
    assert [crate.name for crate in index.crates_of_file(file)] == ["library"]
    assert [one.name for one in index.imports_at(file, inside)] == ["HashMap", "Tool", "make_sharp"]
    assert [one.name for one in index.imports_at(file, text.index("let y"))] == ["HashMap", "Tool", "make_sharp", "fmt"]
    assert index.import_place(file, inside) == (text.index("\npub struct Shelf"), "")
    assert index.import_place(root, root.read_text().index("helper")) == (
        root.read_text().index("    fn helper"),
        "    ",
    )


def test_questions_about_an_unknown_place(workspace: Path) -> None:
    index = index_of(workspace)
    nowhere = workspace / "nowhere.rs"
    assert index.item_at(nowhere, 0) is None
    assert index.implementation_at(nowhere, 0) is None
    assert index.module_of(nowhere, 0) == ()
    assert index.import_place(nowhere, 0) is None
    assert index.imports_at(nowhere, 0) == ()
    assert index.visible_names(nowhere, 0) == ()
    assert index.resolve(("a",), nowhere, 0) == ()
    assert index.path_to(item(index, "Shelf"), nowhere, 0) is None


def test_questions_about_types_and_traits(workspace: Path) -> None:
    index = index_of(workspace)
    assert [field.name for field in index.fields_of("&mut store::Shelf")] == ["books", "size"]
    assert [field.name for field in index.fields_of("Alias")] == ["books", "size"]
    assert [variant.name for variant in index.variants_of("Tool")] == ["Hammer", "Saw"]
    assert [method.name for method in index.methods_of("Shelf")] == ["new", "add", "name", "loud", "twice"]
    assert [method.name for method in index.methods_of("Alias")] == ["new", "add", "name", "loud", "twice"]
    assert [method.name for method in index.methods_of("Named")][:2] == ["name", "loud"]
    assert [one.trait_name for one in index.implementations_of("Shelf")] == [None, "Named"]
    assert [one.type_name for one in index.implementors_of("Named")] == ["Shelf"]
    assert [one.name for one in index.functions_named("sharpen")] == ["sharpen"]
    assert index.trait_named("Named") is not None
    assert index.trait_named("Shelf") is None
    assert index.type_named("Nothing") is None
    assert {one.name for one in index.types()} >= {"Shelf", "Tool", "Alias", "Part"}
    assert [one.kind for one in index.items_named("tools", (ItemKind.MODULE,))] == [ItemKind.MODULE]


VISIBLE = {
    ("library/src/store.rs", "struct Book"): {
        "Shelf": "struct", "Book": "struct", "HashMap": "struct", "Tool": "enum", "make_sharp": "function",
        "Vec": "struct", "Some": "variant", "println": "macro", "shout": "macro", "std": "crate", "Named": "trait",
    },
    ("library/src/store.rs", "let y"): {"fmt": "module", "Inner": "enum", "local": "function"},
    ("library/src/lib.rs", "helper"): {"helper": "function", "open": "function", "Shelf": "struct", "store": "module"},
    ("library/src/tools.rs", "0 }"): {"Hammer": "variant", "Saw": "variant", "Tool": "enum", "inner": "module"},
    ("program/src/main.rs", "1 }"): {"Shelf": "struct", "library": "crate", "part": "module", "main": "function"},
}  # fmt: skip
INVISIBLE = {
    ("library/src/store.rs", "struct Book"): {"fmt", "Inner", "sharpen", "open", "Hammer", "Rc", "library"},
    ("library/src/tools.rs", "0 }"): {"Shelf", "Deep"},
    ("program/src/main.rs", "1 }"): {"Part", "internal", "Tool"},
}


@pytest.mark.parametrize(("file", "place"), VISIBLE)
def test_the_names_that_need_no_path(workspace: Path, file: str, place: str) -> None:
    index = index_of(workspace)
    names = index.visible_names(workspace / file, (workspace / file).read_text().index(place))
    found = {(one.name, one.kind) for one in names}
    assert {(name, kind) for name, kind in VISIBLE[file, place].items()} - found == set()
    assert {one.name for one in names} & INVISIBLE.get((file, place), set()) == set()


RESOLVED = {
    ("library/src/store.rs", "make_sharp"): ["library::tools::sharpen"],
    ("library/src/store.rs", "Tool::Saw"): ["library::tools::Tool::Saw"],
    ("library/src/store.rs", "super::Seen"): ["library::hidden::Seen"],
    ("library/src/store.rs", "self::Row"): ["library::store::Row"],
    ("library/src/store.rs", "HashMap"): ["std::collections::HashMap"],
    ("library/src/store.rs", "crate::nothing::X"): [],
    ("library/src/tools.rs", "Saw"): ["library::tools::Tool::Saw"],
    ("program/src/main.rs", "Shelf"): ["library::store::Shelf"],
    ("program/src/main.rs", "library::tools::inner"): ["library::tools::inner"],
    ("program/src/main.rs", "super::x"): [],
}


@pytest.mark.parametrize(("file", "path"), RESOLVED)
def test_a_path_is_followed_through_imports(workspace: Path, file: str, path: str) -> None:
    targets = index_of(workspace).resolve(path.split("::"), workspace / file, 0)
    assert ["::".join(target.path) for target in targets] == RESOLVED[file, path]


def test_globs_that_import_each_other_end(tmp_path: Path) -> None:
    write(
        tmp_path, {"lib.rs": "pub mod a { pub use super::b::*; }\npub mod b { pub use super::a::*; pub struct S; }\n"}
    )
    index = build_index([CrateRoot("x", "2021", tmp_path / "lib.rs", True)], Path.read_bytes)
    assert [target.path for target in index.resolve(("a", "S"), tmp_path / "lib.rs", 0)][:1] == [("x", "b", "S")]
    assert index.resolve(("a", "T"), tmp_path / "lib.rs", 0) == ()
    assert index.paths_in_crate("x", "S") == ("x::a::S", "x::b::S")
    assert index.path_to(item(index, "S"), tmp_path / "lib.rs", 0) in {"crate::a::S", "crate::b::S"}


def test_only_changed_files_are_read_again(workspace: Path) -> None:
    index = index_of(workspace)
    file = workspace / "library/src/store.rs"
    file.write_text(file.read_text() + "pub struct Added;\n")
    fresh = index.refreshed(Path.read_bytes)
    assert index.type_named("Added") is None
    assert fresh.type_named("Added") is not None
    assert fresh.crates[1] is index.crates[1]
    kept = [new is old for new, old in zip(fresh.crates[0].files, index.crates[0].files, strict=True)]
    assert kept.count(False) == 1
    assert fresh.refreshed(Path.read_bytes) is fresh


def test_with_the_changed_files_given_no_other_is_opened(workspace: Path) -> None:
    index = index_of(workspace)
    file = workspace / "library/src/tools.rs"
    text = file.read_bytes() + b"pub struct Added;\n"
    assert index.refreshed({file: text}.__getitem__, [file]).type_named("Added") is not None
    nothing: dict[Path, bytes] = {}
    assert index.refreshed(nothing.__getitem__, []) is index


def test_a_new_module_is_found_and_a_deleted_one_is_gone(workspace: Path) -> None:
    index = index_of(workspace)
    root = workspace / "library/src/lib.rs"
    write(workspace, {"library/src/fresh.rs": "pub struct Fresh;\n"})
    root.write_text(root.read_text().replace("mod hidden;", "mod fresh;"))
    (workspace / "library/src/hidden.rs").unlink()
    fresh = index.refreshed(Path.read_bytes)
    assert fresh.type_named("Fresh") is not None
    assert fresh.type_named("Seen") is None


def test_crates_of_the_registry_are_read_on_the_first_question(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "registry/facade/src/lib.rs": "mod imp;\npub use imp::{Wide, helper};\npub use inner_crate::Deep;\n"
            "pub use unknown_derive::Derived;\n",
            "registry/facade/src/imp.rs": "pub struct Wide { pub a: u8 }\npub fn helper() {}\nstruct Own;\n",
            "registry/inner/src/lib.rs": "pub struct Deep;\n",
            "app/src/main.rs": "use facade::Wide;\nfn main() { 1 }\n",
        },
    )
    roots = [
        *crate_roots("app", "2021", [tmp_path / "app/src/main.rs"], ["facade"], is_local=True),
        *crate_roots("facade", "2021", [tmp_path / "registry/facade/src/lib.rs"], ["inner-crate"], is_local=False),
        *crate_roots("inner-crate", "2018", [tmp_path / "registry/inner/src/lib.rs"], [], is_local=False),
    ]
    opened: list[Path] = []

    def read(path: Path) -> bytes:
        opened.append(path)
        return path.read_bytes()

    index = build_index(roots, read)
    main = tmp_path / "app/src/main.rs"
    assert opened == [main]
    names = {one.name: one.kind for one in index.visible_names(main, 20)}
    assert (names["Wide"], names["facade"]) == ("import", "crate")
    crate = index.crate("facade")
    assert crate is not None and index.crate("facade") is crate and index.refreshed(read).crate("facade") is crate
    paths = {one.name: index.path_to(one, main, 20) for one in crate.items}
    assert (paths["Wide"], paths["helper"], paths["Own"]) == ("facade::Wide", "facade::helper", None)
    assert [target.path for target in index.resolve(("facade", "Deep"), main, 20)] == [("inner_crate", "Deep")]
    assert index.crate("nothing") is None
    assert index.paths_in_crate("facade", "Wide") == ("facade::Wide",)
    assert index.paths_in_crate("facade", "Deep") == ("facade::Deep",)
    assert index.paths_in_crate("facade", "Derived") == ("facade::Derived",)
    assert index.paths_in_crate("facade", "Own") == ()
    assert index.paths_in_crate("facade", "Unheard") == ()
    assert index.paths_in_crate("nothing", "Wide") == ()


def test_a_crate_that_does_not_have_a_name_in_it_is_not_read(tmp_path: Path) -> None:
    write(
        tmp_path, {"big/src/lib.rs": "mod inner;\n", "big/src/inner.rs": "struct A;\n", "app/main.rs": "fn main() {}\n"}
    )
    registry = CrateRoot("big", "2021", tmp_path / "big/src/lib.rs", False)
    index = build_index([CrateRoot("app", "2021", tmp_path / "app/main.rs", True, ("big",)), registry], Path.read_bytes)
    assert index.paths_in_crate("big", "Nowhere") == ()
    # Had the crate been read, it would not see what is written now.
    (tmp_path / "big/src/lib.rs").write_text("pub struct Late;\n")
    assert index.paths_in_crate("big", "Late") == ("big::Late",)


def test_paths_of_the_edition_of_2015_begin_at_the_root(tmp_path: Path) -> None:
    write(tmp_path, {"lib.rs": "mod a { use b::S; fn f() { 1 } }\nmod b { pub struct S; }\n"})
    index = build_index([CrateRoot("x", "2015", tmp_path / "lib.rs", True)], Path.read_bytes)
    assert [target.path for target in index.resolve(("S",), tmp_path / "lib.rs", 30)] == [("x", "b", "S")]


def test_macros_of_macro_crates_are_known_by_their_names(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "facade/lib.rs": "pub use macros::*;\npub use macros::route as path_of;\n",
            "macros/lib.rs": "#[proc_macro_derive(Error, attributes(source))]\npub fn derive_error(x: T) -> T { x }\n"
            "#[proc_macro_attribute]\npub fn route(a: T, b: T) -> T { a }\n"
            "#[proc_macro]\npub fn sql(a: T) -> T { a }\n",
        },
    )
    roots = [
        CrateRoot("facade", "2021", tmp_path / "facade/lib.rs", False, ("macros",)),
        CrateRoot("macros", "2021", tmp_path / "macros/lib.rs", False),
    ]
    index = build_index(roots, Path.read_bytes)
    for name, expected in {"Error": 1, "route": 1, "sql": 1, "path_of": 1, "derive_error": 0, "attributes": 0}.items():
        assert len(index.paths_in_crate("facade", name)) == expected, name
