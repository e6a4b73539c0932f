"""Accepted text reaches the disk whole or not at all, whatever fails on the way."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sleepy_agent.errors import CannotWrite, FileChanged, SleepyError
from sleepy_agent.fixes.write import FileChange, changes_between, write_files

Disk = dict[str, tuple[bytes, int]]


def disk(folder: Path) -> Disk:
    """Every file of a folder with its text and mode; a temporary file left behind would show."""
    return {
        str(path.relative_to(folder)): (path.read_bytes(), stat.S_IMODE(path.stat().st_mode))
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    (folder / "src").mkdir(parents=True)
    for name in ("src/one.rs", "src/two.rs", "src/three.rs"):
        (folder / name).write_bytes(f"// {name}\r\n".encode())
    (folder / "src/two.rs").chmod(0o755)
    return folder


def changes_of(project: Path) -> list[FileChange]:
    files = sorted((project / "src").iterdir())
    return [FileChange(path, path.read_bytes(), b"\xef\xbb\xbfnew " + path.name.encode()) for path in files]


def nothing(_change: FileChange, _mode: int) -> None:
    """Undo needs nothing here."""


def test_all_files_are_written_with_their_modes(project: Path) -> None:
    told: list[tuple[str, int]] = []
    write_files(changes_of(project), [project], lambda change, mode: told.append((change.path.name, mode)))
    assert {name: text for name, (text, _) in disk(project).items()} == {
        f"src/{name}.rs": f"\ufeffnew {name}.rs".encode() for name in ("one", "two", "three")
    }
    assert disk(project)["src/two.rs"][1] == 0o755
    assert sorted(told) == [("one.rs", 0o644), ("three.rs", 0o644), ("two.rs", 0o755)]


def test_what_undo_needs_is_kept_before_the_first_file_changes(project: Path) -> None:
    seen: list[Disk] = []
    before = disk(project)
    write_files(changes_of(project), [project], lambda _change, _mode: seen.append(disk(project)))
    for state in seen:
        assert {name: state[name] for name in before} == before


def fails_at(number: int, call: Callable[..., Any], error: OSError) -> Callable[..., Any]:
    """The same function, whose call of that number (from 1) fails, and those after it as well."""
    calls = [0]

    def failing(*arguments: Any, **named: Any) -> Any:
        calls[0] += 1
        if calls[0] >= number:
            raise error
        return call(*arguments, **named)

    return failing


STEPS: dict[str, tuple[object, str]] = {
    "making the temporary file": (tempfile, "mkstemp"),
    "flushing to the disk": (os, "fsync"),
    "setting the mode": (Path, "chmod"),
    "looking at the mode": (Path, "stat"),
    "moving into place": (Path, "replace"),
}


@pytest.mark.parametrize("number", [1, 2, 3])
@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EACCES])
def test_a_step_that_fails_leaves_everything_as_it_was(
    step: str, number: int, code: int, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, changes = disk(project), changes_of(project)
    owner, name = STEPS[step]
    real = getattr(owner, name)
    failing = fails_at(number, real, OSError(code, os.strerror(code)))
    if name == "replace":
        # Only this one move fails: taking back the others is a move as well.
        calls = [0]

        def failing(*arguments: Any) -> Any:
            calls[0] += 1
            if calls[0] == number:
                raise OSError(code, os.strerror(code))
            return real(*arguments)

    with monkeypatch.context() as patched:
        patched.setattr(owner, name, failing)
        with pytest.raises(CannotWrite) as raised:
            write_files(changes, [project], nothing)
    assert disk(project) == before
    assert raised.value.remedy
    assert os.strerror(code).lower() in raised.value.message


def test_what_was_moved_is_moved_back_even_when_nothing_more_can_be_written(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, changes = disk(project), changes_of(project)
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    real = Path.replace
    calls = [0]

    def moving(self: Path, target: Path) -> Path:
        calls[0] += 1
        if calls[0] == 3:
            raise full
        return real(self, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", moving)
        patched.setattr(tempfile, "mkstemp", fails_at(len(changes) + 1, tempfile.mkstemp, full))
        with pytest.raises(CannotWrite):
            write_files(changes, [project], nothing)
    assert disk(project) == before


def test_where_files_cannot_have_two_names_a_copy_is_moved_back(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before, changes = disk(project), changes_of(project)

    def no_links(_self: Path, _target: Path) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    def edit(_change: FileChange, _mode: int) -> None:
        changes[2].path.write_bytes(b"the user's own\n")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "hardlink_to", no_links)
        with pytest.raises(FileChanged):
            write_files(changes, [project], edit)
    name = f"src/{changes[2].path.name}"
    assert disk(project) == before | {name: (b"the user's own\n", before[name][1])}


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_write_that_fails_leaves_everything_as_it_was(
    number: int, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, changes = disk(project), changes_of(project)
    real = os.fdopen
    calls = [0]

    def opening(descriptor: int, mode: str) -> Any:
        calls[0] += 1
        if calls[0] == number:
            os.close(descriptor)
            # Linux: every write to this device says that the disk is full.
            descriptor = os.open("/dev/full", os.O_WRONLY)
        return real(descriptor, mode)

    with monkeypatch.context() as patched:
        patched.setattr(os, "fdopen", opening)
        with pytest.raises(CannotWrite, match="no space left"):
            write_files(changes, [project], nothing)
    assert disk(project) == before


class StoreBroke(SleepyError):
    """Stands for whatever keeping the undo copy raises."""


@pytest.mark.parametrize("number", [1, 2, 3])
@pytest.mark.parametrize("error", [StoreBroke("No.", "Mend it."), KeyboardInterrupt()], ids=["error", "Ctrl-C"])
def test_where_undo_cannot_be_prepared_nothing_is_written(number: int, error: BaseException, project: Path) -> None:
    before = disk(project)
    calls = [0]

    def keep(_change: FileChange, _mode: int) -> None:
        calls[0] += 1
        if calls[0] == number:
            raise error

    with pytest.raises(type(error)):
        write_files(changes_of(project), [project], keep)
    assert disk(project) == before


@pytest.mark.parametrize("name", ["one.rs", "two.rs", "three.rs"])
@pytest.mark.parametrize("when", ["before", "between"])
def test_a_file_that_changed_meanwhile_is_not_overwritten(name: str, when: str, project: Path) -> None:
    changes = changes_of(project)
    victim = project / "src" / name

    def edit(_change: FileChange, _mode: int) -> None:
        victim.write_bytes(b"the user's own\n")

    if when == "before":
        edit(changes[0], 0)
    before = disk(project) | {f"src/{name}": (b"the user's own\n", disk(project)[f"src/{name}"][1])}
    with pytest.raises(FileChanged, match=name):
        write_files(changes, [project], edit)
    assert disk(project) == before


def test_a_file_that_is_gone_is_not_made_anew(project: Path) -> None:
    changes = changes_of(project)
    (project / "src/two.rs").unlink()
    before = disk(project)
    with pytest.raises(CannotWrite, match=r"two\.rs"):
        write_files(changes, [project], nothing)
    assert disk(project) == before


@pytest.mark.parametrize("mode", [0o444, 0o555, 0o000])
def test_a_read_only_file_is_refused_even_for_root(mode: int, project: Path) -> None:
    changes = changes_of(project)
    (project / "src/two.rs").chmod(mode)
    try:
        with pytest.raises(CannotWrite, match=r"two\.rs") as raised:
            write_files(changes, [project], nothing)
    finally:
        (project / "src/two.rs").chmod(0o755)
    assert "writ" in raised.value.remedy
    assert {text for text, _ in disk(project).values()} == {change.before for change in changes}


def test_a_link_inside_the_workspace_stays_a_link(project: Path) -> None:
    link = project / "src/link.rs"
    link.symlink_to("../shared.rs")
    (project / "shared.rs").write_bytes(b"old\n")
    write_files([FileChange(link, b"old\n", b"new\n")], [project], nothing)
    assert link.is_symlink() and link.readlink() == Path("../shared.rs")
    assert (project / "shared.rs").read_bytes() == b"new\n"
    assert not (project / "shared.rs").is_symlink()


@pytest.mark.parametrize("through_folder", [False, True])
def test_a_link_that_leaves_the_workspace_is_refused(through_folder: bool, project: Path) -> None:
    outside = project.parent / "outside"
    outside.mkdir()
    (outside / "lib.rs").write_bytes(b"theirs\n")
    if through_folder:
        (project / "linked").symlink_to(outside)
        path = project / "linked/lib.rs"
    else:
        path = project / "src/lib.rs"
        path.symlink_to(outside / "lib.rs")
    with pytest.raises(CannotWrite, match="outside the workspace"):
        write_files([FileChange(path, b"theirs\n", b"ours\n")], [project], nothing)
    assert disk(outside) == {"lib.rs": (b"theirs\n", 0o644)}


def test_a_workspace_reached_through_a_link_is_written(project: Path) -> None:
    alias = project.parent / "alias"
    alias.symlink_to(project)
    path = alias / "src/one.rs"
    write_files([FileChange(path, path.read_bytes(), b"new\n")], [alias], nothing)
    assert (project / "src/one.rs").read_bytes() == b"new\n"


FULL_DISK = """
import sys
from pathlib import Path
from sleepy_agent.errors import CannotWrite
from sleepy_agent.fixes.write import FileChange, write_files

folder = Path(sys.argv[1])
small, large = folder / "a.rs", folder / "b.rs"
small.write_bytes(b"small")
large.write_bytes(b"large")
changes = [FileChange(small, b"small", b"x" * 1000), FileChange(large, b"large", b"x" * 10_000_000)]
try:
    write_files(changes, [folder], lambda change, mode: None)
except CannotWrite as error:
    print(error.message)
    print(error.remedy)
print(sorted((path.name, path.read_bytes()) for path in folder.iterdir()))
"""


def run_on_a_small_disk(program: str, folder: Path) -> subprocess.CompletedProcess[str] | None:
    """Run a Python program on a disk of 64 KiB mounted at `folder`; None where nobody may mount here."""
    mount = 'mount -t tmpfs -o size=64k tmpfs "$1" && exec "$2" -c "$3" "$1"'
    try:
        probe = subprocess.run(
            ["unshare", "-rm", "sh", "-c", 'mount -t tmpfs tmpfs "$1"', "sh", str(folder)],
            check=False,
            capture_output=True,
        )
        if probe.returncode != 0:
            return None
    except OSError:
        return None
    command = ["unshare", "-rm", "sh", "-c", mount, "sh", str(folder), sys.executable, program]
    return subprocess.run(command, check=False, capture_output=True, text=True)


def test_a_full_disk(tmp_path: Path) -> None:
    folder = tmp_path / "disk"
    folder.mkdir()
    outcome = run_on_a_small_disk(FULL_DISK, folder)
    if outcome is None:
        # Where nobody may mount, the device that is always full stands in (the test of a failing write).
        return
    assert outcome.returncode == 0, outcome.stderr
    message, remedy, left = outcome.stdout.splitlines()
    assert message == f"Could not write {folder}/b.rs: no space left on device."
    assert remedy == "Free some space on that disk and run the same command again."
    assert left == "[('a.rs', b'small'), ('b.rs', b'large')]"


def test_only_files_that_differ_are_changes(project: Path) -> None:
    one, two = project / "src/one.rs", project / "src/two.rs"
    texts = {one: b"other", two: two.read_bytes()}
    assert changes_between(Path.read_bytes, texts) == [FileChange(one, one.read_bytes(), b"other")]
