"""A broken build script and a broken library behind it: both are mended, and the run comes to its end."""

from __future__ import annotations

from pathlib import Path

from sleepy_agent.config import Places, Settings
from sleepy_agent.fixes.engine import FixOptions, fix_workspace
from sleepy_agent.fixes.events import Decision, Event, Offer, StageStarted
from sleepy_agent.process import CancelToken

MOST_STAGES = 30
"""A run that records again and again would show itself by far more."""

BUILD_SCRIPT = """\
fn main() {
    let count = 0;
    count += 1;
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rustc-env=COUNT={count}");
}
"""


def test_the_recording_is_renewed_once(tmp_path: Path) -> None:
    root = tmp_path / "counted"
    (root / "src").mkdir(parents=True)
    (root / "Cargo.toml").write_text('[package]\nname = "counted"\nversion = "0.1.0"\nedition = "2021"\n', "utf-8")
    (root / "build.rs").write_text(BUILD_SCRIPT, "utf-8")
    (root / "src" / "lib.rs").write_text('pub fn count() -> String {\n    env!("COUNT")\n}\n', "utf-8")
    stages: list[str] = []

    def emit(event: Event) -> None:
        if isinstance(event, StageStarted):
            stages.append(event.text)
            assert len(stages) <= MOST_STAGES, stages

    def decide(offer: Offer) -> Decision:
        return Decision.YES if offer.fix.preferred else Decision.NO

    report = fix_workspace(
        root,
        FixOptions(),
        places=Places(cache=tmp_path / "cache", state=tmp_path / "state", config=tmp_path / "config"),
        settings=Settings(),
        decide=decide,
        emit=emit,
        cancel=CancelToken(),
    )
    assert report.green
    assert set(report.written_files) == {root / "build.rs", root / "src" / "lib.rs"}
    assert "let mut count = 0;" in (root / "build.rs").read_text("utf-8")
