"""The records that everything else speaks in. Frozen, without behaviour beyond derived values.

The words are the design's: a *problem* is one error-level diagnostic; a *candidate* is an edit proposed by
a *source*; a *verdict* is what the verifier saw; a *fix* is a candidate with a passing verdict; an
*episode* is one attempt at one problem, with its outcome.

Offsets: `byte_*` count bytes of the file as it lies on disk (BOM and CRLF included), from 0, end-exclusive.
Lines and columns count from 1; columns count Unicode scalar values, as rustc's JSON does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path


class Level(StrEnum):
    """How loud the compiler is about a diagnostic."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"
    HELP = "help"
    CRASH = "error: internal compiler error"


class Applicability(StrEnum):
    """How sure rustc is of its suggestion (rustc_lint_defs::Applicability)."""

    MACHINE_APPLICABLE = "MachineApplicable"
    MAYBE_INCORRECT = "MaybeIncorrect"
    HAS_PLACEHOLDERS = "HasPlaceholders"
    UNSPECIFIED = "Unspecified"


class Outcome(StrEnum):
    """What became of an attempt. `NONE`: it was never offered (a rejected candidate, say)."""

    NONE = "none"
    SHOWN = "shown"
    ACCEPTED = "accepted"
    SETTLED = "settled"
    EDITED = "edited"
    UNDONE = "undone"
    DISMISSED = "dismissed"
    IGNORED = "ignored"


class Proof(StrEnum):
    """How deep a fix is verified. Each level includes the ones before it."""

    CHECK = "check"
    CLIPPY = "clippy"
    TEST = "test"


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of source text that a diagnostic points at. `file` is the path in the user's tree."""

    file: Path
    byte_start: int
    byte_end: int
    line_start: int
    column_start: int
    line_end: int
    column_end: int
    is_primary: bool = True
    label: str | None = None
    from_macro: str | None = None
    """The macro whose expansion this span lies in (`assert_eq!`), where it does."""
    text: str = ""
    """The code it points at, lines joined by a line feed."""


@dataclass(frozen=True, slots=True)
class Edit:
    """Replace the bytes `byte_start..byte_end` of `file` by `replacement` (UTF-8)."""

    file: Path
    byte_start: int
    byte_end: int
    replacement: str


@dataclass(frozen=True, slots=True)
class Suggestion:
    """One way rustc proposes to change the text: all parts belong together, alternatives are separate records."""

    message: str
    applicability: Applicability
    edits: tuple[Edit, ...]
    is_one_of_several: bool = False
    """Whether the same message offers other ways that exclude this one (imports of the same name, say)."""


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One message of rustc (its JSON, normalised to the user's paths).

    `children` are the notes and helps below it; `suggestions` are gathered from all of them.
    """

    level: Level
    code: str | None
    message: str
    spans: tuple[Span, ...]
    children: tuple[Diagnostic, ...] = ()
    suggestions: tuple[Suggestion, ...] = ()
    rendered: str = ""

    @property
    def primary_span(self) -> Span | None:
        return next((span for span in self.spans if span.is_primary), self.spans[0] if self.spans else None)


@dataclass(frozen=True, slots=True)
class Problem:
    """One error-level diagnostic of one crate, with what identifies it and the family that serves it."""

    diagnostic: Diagnostic
    package: str
    """Name of the cargo package whose check reported it."""
    units: tuple[str, ...]
    """Ids of the rustc calls (lib, its unit tests, ...) that report it."""
    family: str
    signature: str
    """The code and the normalised message, hashed: what "the same mistake" means."""

    @property
    def code(self) -> str | None:
        return self.diagnostic.code

    @property
    def message(self) -> str:
        return self.diagnostic.message

    @property
    def span(self) -> Span | None:
        return self.diagnostic.primary_span


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked of a model, and what it answered, for a candidate that comes from one."""

    prompt_hash: str
    """SHA-256 of the question."""
    model_id: str
    answer: str
    """With the user's names."""
    adapter_snapshot: str | None = None
    tokens_in: int = 0
    """Of the question; only the first candidate of an answer has them, so that they can be added up."""
    tokens_out: int = 0
    round_number: int = 1


@dataclass(frozen=True, slots=True)
class Candidate:
    """Edits that a source proposes for one problem, computed from the texts whose hashes it carries."""

    source: str
    title: str
    """What the edit does, in rustc's or the template's own words."""
    edits: tuple[Edit, ...]
    cost: float = 0.0
    """A source's own prior, in [0, 1]: the lower, the sooner it is tried among equals."""
    applicability: Applicability | None = None
    is_one_of_several: bool = False
    """Whether its source offers equal alternatives to choose from, so that nothing but a test decides."""
    steps: int = 1
    """How many single suggestions were combined to make it."""
    template: str | None = None
    """Name of the edit template that made it, where one did."""
    keeps_behaviour: bool = False
    """Whether its source knows that a passing edit of this kind cannot change what a program does that compiles: a
    borrow instead of a move, `mut`, a lifetime, a derive, the only import there is, a moved scope."""
    question: str | None = None
    """What it is one answer to. Candidates of one problem with the same question exclude each other and mean
    different things, so that nothing but a test decides between them."""
    excused_flags: frozenset[str] = frozenset()
    """Flags that its source knows not to be deserved: what goes is done by what comes in another way (`entry` for
    `get` and `insert`)."""
    own_flags: frozenset[str] = frozenset()
    """Flags that a fix of its source has when it is offered, unless it can do no more than allow what the compiler
    forbade. They are no part of its rank."""
    asked: Asked | None = None
    """What a model was asked for it, where one was."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the verifier saw when it compiled a candidate."""

    passed: bool
    reason: str
    """One sentence: why it passed or failed."""
    target_gone: bool
    new_errors: tuple[Diagnostic, ...] = ()
    unmasked: tuple[Diagnostic, ...] = ()
    flags: tuple[str, ...] = ()
    """Names of flags.toml."""
    errors_before: int = 0
    errors_after: int = 0
    method: str = "replay"
    """"replay" (the recorded rustc call), "cargo" (cargo check on a copied tree) or "text" (refused unread)."""
    milliseconds: float = 0.0
    dependents_checked: bool = True
    """Whether the crates that use the edited one were rebuilt, or did not need to be."""


@dataclass(frozen=True, slots=True)
class Fix:
    """A candidate that the compiler accepted."""

    problem: Problem
    candidate: Candidate
    verdict: Verdict
    preferred: bool
    """Whether it may be applied without asking: no flag speaks against it, dependents included."""


@dataclass(frozen=True, slots=True)
class Episode:
    """One attempt at one problem, as it is stored. See docs/episodes.schema.json for the exported form."""

    task_id: str
    """The repository (its root path, hashed), or the benchmark task."""
    run_id: str
    attempt_index: int
    family: str
    signature: str
    code: str
    message: str
    source: str
    title: str
    diff_unified: str
    verdict: str
    """The verdict's reason."""
    passed: bool
    flags: tuple[str, ...]
    file: str
    """Path relative to the repository root."""
    timestamp: str
    """UTC, ISO 8601."""
    wall_clock_milliseconds: float
    steps_to_green: int
    outcome: Outcome = Outcome.NONE
    settled_text: str | None = None
    prompt_hash: str | None = None
    model_id: str | None = None
    adapter_snapshot: str | None = None
    tokens_in: int = 0
    tokens_out: int = 0
    metadata: Mapping[str, str] = field(default_factory=dict)
