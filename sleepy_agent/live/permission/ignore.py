"""`.sleepyignore`: files that get no work and no offers, named in the syntax of .gitignore (gitignore(5)).

As git reads its own: any folder from the root down may have such a file, the deepest one that says something about a
path wins, the last line of it that fits decides, and nothing inside an ignored folder can be taken back in.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern

IGNORE_FILE_NAME = ".sleepyignore"


@dataclass(frozen=True, slots=True)
class _ReadFile:
    """The lines of one ignore file, and what it looked like when they were read."""

    state: tuple[int, int, int]
    patterns: tuple[GitIgnoreSpecPattern, ...]


class IgnoreFiles:
    """Answers whether a path is ignored. Owns what was read; a file is read again when it has changed.

    Not for several threads at a time.
    """

    def __init__(self) -> None:
        self._read: dict[Path, _ReadFile] = {}

    def ignoring_file(self, path: Path, root: Path) -> Path | None:
        """The `.sleepyignore` because of which `path` (a file, or a folder that is there) is ignored, or None.

        `root`: the folder from which on such files count. What does not lie below it is not ignored.
        """
        if not path.is_relative_to(root):
            path, root = path.resolve(), root.resolve()
            if not path.is_relative_to(root):
                return None
        parts = path.relative_to(root).parts
        # The nearest file stands last, as the nearest answer wins.
        readable: list[tuple[int, Path, tuple[GitIgnoreSpecPattern, ...]]] = []
        for depth in range(len(parts)):
            file = root.joinpath(*parts[:depth], IGNORE_FILE_NAME)
            patterns = self._patterns_of(file)
            if patterns:
                readable.append((depth, file, patterns))
            is_folder = depth + 1 < len(parts) or path.is_dir()
            for start, decider, known in reversed(readable):
                name = "/".join(parts[start : depth + 1]) + ("/" if is_folder else "")
                answer = _last_answer(known, name)
                if answer:
                    return decider
                if answer is False:
                    break
        return None

    def _patterns_of(self, file: Path) -> tuple[GitIgnoreSpecPattern, ...]:
        try:
            found = file.stat()
            state = (found.st_mtime_ns, found.st_size, found.st_ino)
            known = self._read.get(file)
            if known is None or known.state != state:
                known = self._read[file] = _ReadFile(state, _read_patterns(file.read_bytes()))
        except OSError:
            # There is none, as in most folders; one that cannot be read says nothing either.
            self._read.pop(file, None)
            return ()
        return known.patterns


def _last_answer(patterns: tuple[GitIgnoreSpecPattern, ...], name: str) -> bool | None:
    """What the last line that fits `name` says: ignored (True), not ignored (False); None where no line fits."""
    return next((pattern.include for pattern in reversed(patterns) if _fits(pattern, name)), None)


def _fits(pattern: GitIgnoreSpecPattern, name: str) -> bool:
    """Whether a line means this very file or folder (`name` then ends with a slash).

    pathspec's expressions also find what lies inside a folder that the line means, and mark that folder's slash with
    the group `ps_d`. For git the folder was asked before, and a later line may have taken it back in. Without the group
    it is the other way round: `folder/**` means everything inside, and its expression ends with the folder's slash.
    """
    if pattern.regex is None:
        return False
    for match in pattern.regex.finditer(name):
        has_mark = match.groupdict().get("ps_d") is not None
        is_at_end = match.end() == len(name)
        if is_at_end if has_mark else not (is_at_end and name.endswith("/")):
            return True
    return False


def _read_patterns(content: bytes) -> tuple[GitIgnoreSpecPattern, ...]:
    """The lines that say something. A line that is no pattern fits nothing, as in git."""
    patterns: list[GitIgnoreSpecPattern] = []
    # Names of files that are no UTF-8 come from Python with such surrogates, too.
    for line in content.decode("utf-8-sig", errors="surrogateescape").split("\n"):
        try:
            pattern = GitIgnoreSpecPattern(line.removesuffix("\r"))
        except (ValueError, re.error):
            continue
        if pattern.include is not None:
            patterns.append(pattern)
    return tuple(patterns)
