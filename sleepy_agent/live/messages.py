"""What the side that hears the editor and the worker that compiles say to each other: frozen records, both ways.

A *generation* counts the texts of a workspace: every change of any file makes a new one, and whatever is found carries
the generation it was found on. The side of the editor counts; the worker only repeats.

Both ends are this very program, so the records travel as they are (`channel.py`), and there is no second schema.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from sleepy_agent.config import Places, Settings
from sleepy_agent.domain import Edit, Fix, Problem


class Trigger(StrEnum):
    """What made the search for fixes begin."""

    RUST_ANALYZER = "rust-analyzer"
    """Diagnostics of rust-analyzer for the text as it stands."""
    OWN_REPLAY = "own replay"
    """Our own replay found the problem: typing rested, nothing was saved; or rust-analyzer took too long."""


# ---- to the worker ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OpenWorkspace:
    """The first message: which workspace (any path inside it), and with which settings."""

    path: Path
    places: Places
    settings: Settings
    command: str = "sleepy lsp"
    """What stands in the store as the command of this run."""


@dataclass(frozen=True, slots=True)
class ChangeTexts:
    """The text is another one now; work on an older one ends at once.

    `buffers`: open documents whose text changed (as bytes on disk would be), None: closed, so that the disk counts
    again. `changed_on_disk`: files that were written, made, renamed or deleted by anybody.
    """

    generation: int
    buffers: Mapping[Path, bytes | None]
    changed_on_disk: frozenset[Path] = frozenset()


@dataclass(frozen=True, slots=True)
class CheckText:
    """Replay what the changes concern and say what is broken. Answered by `TextChecked`."""

    generation: int


@dataclass(frozen=True, slots=True)
class SearchFixes:
    """Search fixes for the problems of some files (in that order; empty: of all files).

    Answered by any number of `FixesFound`, then one `SearchEnded`. Implies `CheckText` where that was not done.
    """

    generation: int
    trigger: Trigger
    files: tuple[Path, ...] = ()
    muted_families: frozenset[str] = frozenset()
    dismissed: frozenset[str] = frozenset()
    """Ids of offers that the developer does not want to see again."""


@dataclass(frozen=True, slots=True)
class StopWork:
    """End what is being done (a pause, say); the worker stays ready."""


ToWorker = OpenWorkspace | ChangeTexts | CheckText | SearchFixes | StopWork
"""The end of the stream is the end of the worker."""


# ---- from the worker -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class WorkspaceOpened:
    """The worker is ready. `source_roots`: below these a file belongs to the workspace."""

    root: Path
    source_roots: tuple[Path, ...]
    target_directory: Path


@dataclass(frozen=True, slots=True)
class StageBegan:
    """A long operation begins ("recording the rustc calls of the workspace"); an empty text: it is over."""

    text: str


@dataclass(frozen=True, slots=True)
class KnownProblem:
    """A problem of the text of one generation. `problem_id` stays the same while the line it points at does."""

    problem_id: str
    problem: Problem


@dataclass(frozen=True, slots=True)
class VanishedProblem:
    """A problem that the text before had and this one has not, although everything that reported it was compiled.

    `diff_unified`: from the last text that had it to this one, only the file it stood in. `deleted`: whether the
    change only took away code around it.
    """

    problem_id: str
    problem: Problem
    diff_unified: str
    deleted: bool
    new_errors: int
    """Errors of the same file that this text has and the text before had not."""


@dataclass(frozen=True, slots=True)
class TextChecked:
    """What is broken in the text of a generation. `blocked`: packages nobody can check now."""

    generation: int
    problems: tuple[KnownProblem, ...]
    vanished: tuple[VanishedProblem, ...]
    blocked: tuple[str, ...]
    milliseconds: float


@dataclass(frozen=True, slots=True)
class LiveOffer:
    """A verified fix for the text of one generation.

    `fix.candidate.edits` are byte ranges in the texts whose SHA-256 `texts` gives. `inputs`: every file whose change
    makes the verdict stale: what the compiled units read. `is_provisional`: it passed, but what could equal it was not
    compiled yet, so that it is not preferred yet; a later offer with the same id replaces it.
    """

    offer_id: str
    """The same change of the same problem has the same id in every generation and process."""
    problem_id: str
    fix: Fix
    texts: Mapping[Path, str]
    inputs: frozenset[Path]
    diff: str
    why: tuple[str, ...]
    is_provisional: bool
    episode_id: int | None = None
    """Number of the attempt in the store, where it is stored already."""


class BundleKind(StrEnum):
    """What belongs to a bundle."""

    FILE = "file"
    """All preferred fixes of one file."""
    KIND = "kind"
    """All preferred fixes of one error code in the workspace."""


@dataclass(frozen=True, slots=True)
class FixBundle:
    """Several preferred fixes whose joint text was compiled as a whole. `subject`: the path or the error code."""

    bundle_id: str
    kind: BundleKind
    subject: str
    offer_ids: tuple[str, ...]
    edits: tuple[Edit, ...]
    texts: Mapping[Path, str]
    inputs: frozenset[Path]
    proof: str
    """The verdict's sentence for the whole."""


@dataclass(frozen=True, slots=True)
class FixesFound:
    """Offers of the problems named in `problem_ids`: all that are known of each of them, the best one first."""

    generation: int
    trigger: Trigger
    problem_ids: tuple[str, ...]
    offers: tuple[LiveOffer, ...]
    bundles: tuple[FixBundle, ...] = ()


@dataclass(frozen=True, slots=True)
class SearchEnded:
    """Everything was tried for a generation. `unsolved`: ids of problems without any offer, with the reason."""

    generation: int
    unsolved: Mapping[str, str]
    milliseconds: float


@dataclass(frozen=True, slots=True)
class WorkFailed:
    """Something stopped the work (errors.py). The worker goes on with the next text where `is_final` is not set."""

    message: str
    remedy: str
    is_final: bool


FromWorker = WorkspaceOpened | StageBegan | TextChecked | FixesFound | SearchEnded | WorkFailed
