"""`sleepy watch` with the real language server, rustc, and rust-analyzer."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from e2e.processes import assert_none_left, new_mark

from lsp.watch.watched import watching
from sleepy_agent.config import find_places
from sleepy_agent.fixes.undo import undo_last_run

GREEN = """\
pub fn total(values: &[i32]) -> i32 {
    let mut sum = 0;
    for value in values {
        sum += value;
    }
    sum
}
"""
BROKEN = GREEN.replace("let mut sum", "let sum")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    (root / "src").mkdir(parents=True)
    (root / "Cargo.toml").write_text('[package]\nname = "p"\nversion = "0.1.0"\nedition = "2021"\n', encoding="utf-8")
    (root / "src/lib.rs").write_text(GREEN, encoding="utf-8")
    return root


@pytest.mark.parametrize("options", [(), ("--no-rust-analyzer",)], ids=["rust-analyzer", "alone"])
def test_a_bug_is_saved_mended_by_a_key_and_taken_back(options: tuple[str, ...], project: Path, tmp_path: Path) -> None:
    file = project / "src/lib.rs"
    mark = new_mark()
    assert shutil.which("rust-analyzer"), "tools/rust_analyzer.sh says where it is; `make test` puts it on PATH"
    with watching(project, tmp_path, *options, server="real", mark=mark) as watched:
        heard = "Sleepy's own check" if options else "rust-analyzer and Sleepy's own check"
        watched.until(f"with {heard}", "recording", "no errors known")
        file.write_text(BROKEN, encoding="utf-8")
        watched.until("error[E0596]", "src/lib.rs:4:9", "+    let mut sum = 0;", "proof: rustc accepts it")
        watched.until("1 problem, 1 with a fix, 1 preferred")
        watched.type("a")
        watched.until("applied:", "no errors known")
        assert file.read_text(encoding="utf-8") == GREEN
        if options:
            watched.type("q")
            assert watched.end() == 0
        else:
            # However it ends, nothing that it started goes on: server, worker, rust-analyzer and what they started.
            watched.process.kill()
            watched.process.wait()
        assert_none_left(mark)
    assert "Traceback" not in watched.shown
    assert not (project / "target").exists()
    undo_last_run(project, places=find_places({"SLEEPY_HOME": str(tmp_path / "home")}))
    assert file.read_text(encoding="utf-8") == BROKEN
