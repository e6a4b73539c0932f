"""What the benchmarks of the language server are run on: two projects that compile, mistakes in them, a yardstick."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.example_time import EXAMPLE, RUN_SECONDS
from benchmarks.machine import places_below, run_sleepy
from benchmarks.probe_crates import large_crate
from benchmarks.real_crates.mutants import development_kinds, is_for_tests
from benchmarks.real_crates.mutation import applied, source_file
from benchmarks.real_crates.mutators import mutations_of, shuffled_places
from sleepy_agent.cargo.session import CheckSession
from sleepy_agent.cargo.slots import UnitStatus
from sleepy_agent.code.syntax import parse_rust
from sleepy_agent.config import Settings
from sleepy_agent.process import CancelToken

SEED = "lsp-1"
PLACES_OF_A_KIND = 6


@dataclass(frozen=True, slots=True)
class Project:
    """A cargo workspace that compiles. `texts`: those of its Rust files, without those for tests, by the path relative
    to `root`."""

    label: str
    root: Path
    texts: Mapping[Path, bytes]

    @property
    def sources(self) -> tuple[Path, ...]:
        return tuple(self.texts)

    @property
    def lines(self) -> int:
        return sum(text.count(b"\n") for text in self.texts.values())


@dataclass(frozen=True, slots=True)
class LaidMistake:
    """One mistake of a kind in one file, and the file's text with it."""

    kind: str
    file: Path
    text: bytes
    line: int
    """Where the text begins to differ, from 0."""


def copied(project: Path, root: Path) -> Path:
    """A copy of a project without what was built for it; its place."""
    shutil.copytree(project, root, ignore=shutil.ignore_patterns("target", ".git"))
    return root


def mended_example(root: Path, home: Path, cancel: CancelToken) -> Project:
    """A copy of the bundled example, repaired by `sleepy fix --apply`. Raises RuntimeError where that fails."""
    copied(EXAMPLE, root)
    outcome = run_sleepy(["fix", "--apply", str(root)], home=home, timeout_seconds=RUN_SECONDS, cancel=cancel)
    cancel.raise_if_cancelled()
    if not outcome.succeeded:
        raise RuntimeError(f"The example was not repaired: {outcome.stderr.decode(errors='replace')[-400:]}")
    return project_of("example", root)


def large_project(root: Path, cancel: CancelToken) -> Project:
    """A crate of about ten thousand lines."""
    crate = large_crate(root, cancel)
    return project_of(crate.name, crate.root)


def project_of(label: str, root: Path) -> Project:
    paths = sorted(path.relative_to(root) for path in root.rglob("src/**/*.rs"))
    sources = [path for path in paths if "target" not in path.parts and not is_for_tests(path)]
    return Project(label, root, {path: (root / path).read_bytes() for path in sources})


def mistakes_of(project: Project) -> Iterator[LaidMistake]:
    """Single mistakes of all kinds that may be looked at, kind after kind and round after round, by a seed alone.

    Whether the compiler notices is for the compiler to say.
    """
    trees = {str(file): source_file(text, parse_rust(text)) for file, text in project.texts.items()}
    of_kind = []
    for mutator in development_kinds():
        places = {name: mutations_of(mutator, source) for name, source in trees.items()}
        chosen = shuffled_places(places, f"{SEED}:{project.label}:{mutator.name}")[:PLACES_OF_A_KIND]
        of_kind.append([(mutator.name, name, mutation) for name, mutation in chosen])
    for in_round in itertools.zip_longest(*of_kind):
        for entry in in_round:
            if entry is not None:
                kind, name, mutation = entry
                text = applied(trees[name].text, mutation.changes)
                yield LaidMistake(kind, Path(name), text, trees[name].text.count(b"\n", 0, mutation.start))


@dataclass(frozen=True, slots=True)
class Replays:
    """Milliseconds of one warm rustc replay of the unit a mistake stands in: with it, and of the green text."""

    broken: float
    green: float


class Yardstick:
    """Times replays of a copy of a project, one compiler at a time, with the session that the worker has, too."""

    def __init__(self, session: CheckSession, root: Path) -> None:
        self._session = session
        self._root = root
        session.check()

    def measure(self, mistake: LaidMistake) -> Replays | None:
        """None where the compiler sees no mistake, or only one in another file."""
        path = self._root / mistake.file
        self._session.change_texts({path: mistake.text})
        problems = self._session.check()
        is_seen = any(problem.span is not None and problem.span.file == path for problem in problems)
        broken = dict(self._session.reports())
        self._session.change_texts({})
        self._session.check()
        if not is_seen:
            return None
        # A recording names libraries before their tests.
        units = (unit.unit_id for unit in self._session.recording.units)
        red = next(unit_id for unit_id in units if broken[unit_id].status is UnitStatus.RED)
        return Replays(broken[red].milliseconds, self._session.reports()[red].milliseconds)


@contextmanager
def opened_yardstick(project: Project, folder: Path, cancel: CancelToken) -> Iterator[Yardstick]:
    """A yardstick on a copy of a project below `folder`."""
    root = copied(project.root, folder / project.root.name)
    with CheckSession.open(root, places_below(folder / "home"), Settings(slots=1), cancel) as session:
        yield Yardstick(session, root.resolve())


Projects = Mapping[str, Callable[[Path, Path, CancelToken], Project]]
PROJECTS: Projects = {
    "example": mended_example,
    "large": lambda root, _home, cancel: large_project(root, cancel),
}


def labels(projects: Sequence[Project]) -> str:
    return ", ".join(f"{project.label} ({project.lines} lines)" for project in projects)
