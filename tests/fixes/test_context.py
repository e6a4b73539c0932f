"""What sources see of a workspace."""

from __future__ import annotations

from pathlib import Path

from sleepy_agent.cargo.workspace import Package, Workspace
from sleepy_agent.fixes.sources.context import SourceContext


def test_a_module_in_a_folder_is_found_although_a_missing_file_reads_as_empty(tmp_path: Path) -> None:
    root = tmp_path / "src" / "lib.rs"
    (root.parent / "parser").mkdir(parents=True)
    root.write_text("mod parser;\n")
    (root.parent / "parser" / "mod.rs").write_text("mod errors;\n")
    (root.parent / "parser" / "errors.rs").write_text("pub struct Oops;\n")
    package = Package("shop", "0.0.0", tmp_path / "Cargo.toml", "2021", True, True, (), (), (root,))

    def read(path: Path) -> bytes:
        # As `CheckSession.read` does it.
        return path.read_bytes() if path.is_file() else b""

    workspace = Workspace(tmp_path, tmp_path / "target", (package,), frozenset())
    context = SourceContext(workspace, read, Path.is_file)
    assert context.index.module_of(root.parent / "parser" / "errors.rs", 0) == ("parser", "errors")
    assert [item.name for item in context.index.items_named("Oops")] == ["Oops"]
