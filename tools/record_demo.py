"""`python tools/record_demo.py` makes docs/images/demo.svg: Sleepy in Neovim, recorded from the real thing.

A small crate, Neovim in tmux with the client of editor/nvim, a real rust-analyzer and `sleepy lsp` beside it. A
function is typed and saved, rust-analyzer's error appears, a fix is ready, it is chosen from the menu, the error is
gone. What the terminal showed is drawn by terminal_svg.py. It needs tmux, nvim 0.11 and rust-analyzer (the variable
SLEEPY_RUST_ANALYZER names one).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from terminal_svg import Frame, animated_svg

REPOSITORY = Path(__file__).resolve().parent.parent
PICTURE = REPOSITORY / "docs" / "images" / "demo.svg"
COLUMNS, ROWS = 96, 24
FRAME_SECONDS = 0.08
WAIT_SECONDS = 120.0
LONGEST_FRAME = 1.6
"""What happens in longer rests is not seen: they are cut, and the caption stays true."""
KEY_SECONDS = 0.035

MANIFEST = '[package]\nname = "shop"\nversion = "0.1.0"\nedition = "2021"\n'
SOURCE = """\
//! What stands on a receipt.

pub struct Item {
    pub name: String,
    pub price: u32,
}

pub fn total(items: &[Item]) -> u32 {
    items.iter().map(|item| item.price).sum()
}
"""
TYPED = """\
pub fn receipt(items: Vec<Item>) -> String {
    let mut text = String::new();
    for item in items {
        text += &format!("{:>6} {}\\n", item.price, item.name);
    }
    let all = total(&items);
    text + &format!("{all:>6} for all\\n")
}
"""


@dataclass(slots=True)
class Recorder:
    """The owner of the terminal and of what it showed."""

    folder: Path
    environment: Mapping[str, str]
    frames: list[Frame] = field(default_factory=list)
    caption: str = ""

    def tmux(self, *arguments: str) -> str:
        command = ["tmux", "-L", f"demo-{os.getpid()}", "-f", "/dev/null", *arguments]
        return subprocess.run(command, env=dict(self.environment), check=True, capture_output=True, text=True).stdout

    def start(self, command: Sequence[str], cwd: Path) -> None:
        """Run a program in a terminal of its own."""
        self.tmux(*("new-session", "-d", "-x", str(COLUMNS), "-y", str(ROWS), "-c", str(cwd)), " ".join(command))
        self.tmux("set", "-g", "status", "off")

    def look(self, seconds: float) -> None:
        """Record for some seconds."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            begun = time.monotonic()
            self._take()
            time.sleep(max(0.0, min(FRAME_SECONDS - (time.monotonic() - begun), end - time.monotonic())))

    def look_until(self, name: str) -> None:
        """Record until Neovim has told something (record_demo.lua). Raises TimeoutError."""
        deadline = time.monotonic() + WAIT_SECONDS
        while not (self.folder / name).exists():
            if time.monotonic() > deadline:
                print(self.tmux("capture-pane", "-p"), file=sys.stderr)
                raise TimeoutError(f"Neovim did not tell `{name}` within {WAIT_SECONDS:.0f} s.")
            self.look(FRAME_SECONDS)

    def forget(self, *names: str) -> None:
        """What was told before does not count any more."""
        for name in names:
            (self.folder / name).unlink(missing_ok=True)

    def keys(self, *names: str) -> None:
        """Press keys by their names."""
        self.tmux("send-keys", *names)

    def type(self, text: str) -> None:
        """Type letter by letter."""
        for letter in text:
            if letter == "\n":
                self.keys("Enter")
            else:
                # Alone, a semicolon would end tmux's command.
                self.tmux("send-keys", "-l", letter.replace(";", "\\;"))
            self.look(KEY_SECONDS)

    def _take(self) -> None:
        screen = self.tmux("capture-pane", "-e", "-p", "-N").rstrip("\n")
        row, column = self.tmux("display-message", "-p", "#{cursor_y} #{cursor_x}").split()
        frame = Frame(screen, FRAME_SECONDS, self.caption, (int(row), int(column)))
        last = self.frames[-1] if self.frames else None
        if last is not None and replace(last, seconds=0.0) == replace(frame, seconds=0.0):
            if last.seconds < LONGEST_FRAME:
                self.frames[-1] = replace(last, seconds=last.seconds + FRAME_SECONDS)
        else:
            self.frames.append(frame)


def main() -> int:
    analyzer = os.environ.get("SLEEPY_RUST_ANALYZER") or shutil.which("rust-analyzer")
    beside = Path(sys.executable).with_name("nvim")
    nvim = str(beside) if beside.exists() else shutil.which("nvim")
    if not analyzer or not nvim or not shutil.which("tmux"):
        print("tmux, nvim 0.11 and rust-analyzer are needed: install what is missing.", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory(prefix="sleepy-demo-") as name:
        frames, still = recorded(Path(name).resolve(), analyzer, nvim)
    PICTURE.parent.mkdir(parents=True, exist_ok=True)
    PICTURE.write_text(animated_svg(frames, COLUMNS, ROWS, still), encoding="utf-8")
    seconds = sum(frame.seconds for frame in frames)
    print(
        f"{PICTURE.relative_to(REPOSITORY)}: {len(frames)} frames, {seconds:.0f} s, {PICTURE.stat().st_size // 1024} KB"
    )
    return 0


def recorded(folder: Path, analyzer: str, nvim: str) -> tuple[list[Frame], int]:
    """The frames, and the number of the one with the menu."""
    root = folder / "shop"
    (root / "src").mkdir(parents=True)
    (root / "Cargo.toml").write_text(MANIFEST, encoding="utf-8")
    source = root / "src" / "lib.rs"
    source.write_text(SOURCE, encoding="utf-8")
    recorder = Recorder(folder, environment_of(folder, analyzer))
    runtime = f"'set runtimepath^={REPOSITORY / 'editor' / 'nvim'}'"
    script = REPOSITORY / "tools" / "record_demo.lua"
    try:
        recorder.start([nvim, "-u", str(script), "-i", "NONE", "-n", "--cmd", runtime, str(source)], root)
        recorder.look_until("quiescent")
        recorder.look_until("status-idle")
        recorder.look(4.0)
        # What was seen up to here is only the start of the servers.
        recorder.frames.clear()
        still = story(recorder)
    finally:
        recorder.tmux("kill-server")
    return recorder.frames, still


def story(recorder: Recorder) -> int:
    """What happens in the recording; the number of the frame with the menu."""
    recorder.caption = "a function is typed"
    recorder.look(0.8)
    recorder.keys("G", "o", "Enter")
    for number, line in enumerate(TYPED.splitlines()):
        if number:
            recorder.keys("Enter")
        indented = len(line) - len(line.lstrip())
        if indented:
            recorder.tmux("send-keys", "-l", " " * indented)
        recorder.type(line.lstrip())
    recorder.keys("Escape")
    recorder.forget("offer")
    recorder.look(0.4)
    recorder.caption = "saved: rust-analyzer shows an error"
    recorder.forget("error")
    recorder.type(":w\n")
    recorder.look_until("error")
    recorder.look_until("offer")
    recorder.caption = "meanwhile Sleepy has compiled a fix"
    recorder.look(2.0)
    recorder.keys("?&items", "Enter")
    recorder.look(0.5)
    recorder.caption = "code actions: rust-analyzer's, and a fix that rustc has accepted"
    recorder.forget("menu", "clear")
    recorder.type("gra")
    recorder.look_until("menu")
    recorder.look(1.0)
    lines = (recorder.folder / "menu").read_text(encoding="utf-8").splitlines()
    for _ in range(next(number for number, line in enumerate(lines) if "Sleepy" in line)):
        recorder.keys("j")
        recorder.look(0.3)
    recorder.look(1.0)
    still = len(recorder.frames) - 1
    recorder.keys("Enter")
    recorder.caption = "the fix is applied"
    recorder.look(1.5)
    recorder.type(":w\n")
    recorder.look_until("clear")
    recorder.caption = "no error is left"
    recorder.look(2.5)
    # The end is looked at longest.
    recorder.frames[-1] = replace(recorder.frames[-1], seconds=3.0)
    return still


def environment_of(folder: Path, analyzer: str) -> dict[str, str]:
    """A home of its own for Neovim and Sleepy; cargo and rustup find theirs."""
    home = Path.home()
    own = {
        name: str(folder / name.lower())
        for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME")
    }
    for path in own.values():
        Path(path).mkdir()
    return {
        **os.environ,
        **own,
        "HOME": str(folder),
        "CARGO_HOME": os.environ.get("CARGO_HOME", str(home / ".cargo")),
        "RUSTUP_HOME": os.environ.get("RUSTUP_HOME", str(home / ".rustup")),
        "SLEEPY_HOME": str(folder / "sleepy"),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "DEMO_RUST_ANALYZER": analyzer,
        "DEMO_FOLDER": str(folder),
        "TERM": "xterm-256color",
        "COLORTERM": "truecolor",
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
    }


if __name__ == "__main__":
    sys.exit(main())
