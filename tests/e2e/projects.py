"""The cargo project that the end-to-end tests break: no dependencies, everything compiles."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cargo.projects import manifest_of, write_project

LIBRARY = """\
pub mod accents;
pub mod words;

pub fn sum(numbers: &[u32]) -> u32 {
    let mut total = 0;
    for number in numbers {
        total += number;
    }
    total
}
"""

WORDS = """\
pub fn letters() -> usize {
    let words = vec![String::from("one"), String::from("two")];
    let held = &words;
    held.len() + words.len()
}

fn add_one(count: &mut usize) {
    *count += 1;
}

pub fn one() -> usize {
    let mut count = 0;
    add_one(&mut count);
    count
}
"""

ACCENTS = """\
pub fn count() -> usize {
    let naïveté = "ß𝄞"; let mut größe = 0; for _ in naïveté.chars() { größe += 1; }
    größe
}
"""


@dataclass(frozen=True, slots=True)
class Bug:
    """One change that breaks the project: `right` stands once in `file`, and `wrong` takes its place."""

    file: str
    right: str
    wrong: str
    at: str
    """Where the compiler's error points at, in the broken text."""
    code: str


FORGOTTEN_MUT = Bug("src/lib.rs", "let mut total = 0;", "let total = 0;", "total += number", "E0596")
MOVED_VALUE = Bug("src/words.rs", "let held = &words;", "let held = words;", "words.len()", "E0382")
SHARED_REFERENCE = Bug("src/words.rs", "count: &mut usize", "count: &usize", "*count += 1", "E0594")
ACCENTED_MUT = Bug("src/accents.rs", "let mut größe = 0;", "let größe = 0;", "größe += 1", "E0384")


def green_project(root: Path) -> Path:
    """The project, without any error."""
    files = {"src/lib.rs": LIBRARY, "src/words.rs": WORDS, "src/accents.rs": ACCENTS}
    write_project(root, {"Cargo.toml": manifest_of("small"), **files})
    # Made by this cargo, so that rust-analyzer's does not write it anew in the midst of a test.
    subprocess.run(["cargo", "generate-lockfile", "--offline", "--quiet"], cwd=root, check=True)
    return root


def many_modules(root: Path, bug: Bug, other_right: str, count: int) -> tuple[Path, list[Path]]:
    """The project with many more files, in git: branch "broken" has the bug and is checked out, "green" has not, but
    `other_right` in its place.

    All of these files differ between the branches. Returns them, too, the one with the bug among them.
    """
    modules = {f"src/module_{number}.rs": number for number in range(count - 1)}
    green_project(root)
    library = root / "src" / "lib.rs"
    declarations = "".join(f"pub mod module_{number};\n" for number in modules.values())
    # Branch "green" is right in another way than any fix of the bug would make it: nobody took a fix.
    library.write_text(declarations + LIBRARY.replace(bug.right, other_right), encoding="utf-8")
    _write_modules(root, modules, "u32")
    (root / ".gitignore").write_text("target\n", encoding="utf-8")
    _git(root, "init", "--quiet", "--initial-branch", "green")
    _commit(root, "It compiles")
    _git(root, "switch", "--quiet", "--create", "broken")
    _write_modules(root, modules, "u64")
    broken = root / bug.file
    broken.write_text(broken.read_text(encoding="utf-8").replace(other_right, bug.wrong), encoding="utf-8")
    _commit(root, "It does not")
    return root, [*(root / name for name in modules), broken]


def _write_modules(root: Path, modules: Mapping[str, int], number_type: str) -> None:
    for name, number in modules.items():
        text = f"pub fn number() -> {number_type} {{\n    {number}\n}}\n"
        (root / name).write_text(text, encoding="utf-8")


def _commit(root: Path, message: str) -> None:
    _git(root, "add", ".")
    _git(root, "-c", "user.name=Test", "-c", "user.email=test@example.invalid", "commit", "--quiet", "-m", message)


def _git(root: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=root, check=True, stdin=subprocess.DEVNULL)


def compiles(root: Path, texts: Mapping[Path, str]) -> bool:
    """Whether rustc takes the library of a project with these texts in place of those on the disk."""
    with tempfile.TemporaryDirectory() as folder:
        for path in sorted((root / "src").rglob("*.rs")):
            copy = Path(folder) / path.relative_to(root)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_text(texts[path] if path in texts else path.read_text(encoding="utf-8"), encoding="utf-8")
        command = ["rustc", "--edition", "2021", "--crate-type", "lib", "--emit", "metadata", "--cap-lints", "allow"]
        outcome = subprocess.run(
            [*command, "--out-dir", folder, "src/lib.rs"], cwd=folder, capture_output=True, check=False
        )
        return outcome.returncode == 0
