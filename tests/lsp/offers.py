"""Problems and offers for tests, made from texts: no compiler says them, so a test says what it would."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path

from sleepy_agent.code.edits import EditConflict, apply_edits, unified_diff
from sleepy_agent.domain import Candidate, Diagnostic, Edit, Fix, Level, Problem, Span, Verdict
from sleepy_agent.live.messages import (
    BundleKind,
    FixBundle,
    FixesFound,
    KnownProblem,
    LiveOffer,
    SearchEnded,
    TextChecked,
    Trigger,
)

ROOT = Path("/project")
FILE = ROOT / "src/lib.rs"
OTHER_FILE = ROOT / "src/other.rs"


def sha256_of(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()


def span_at(path: Path, text: bytes, words: str, label: str | None = None, *, is_primary: bool = True) -> Span:
    """The first place of some words in a text."""
    start = text.index(words.encode())
    end = start + len(words.encode())
    line_start, line_end = text.count(b"\n", 0, start) + 1, text.count(b"\n", 0, end) + 1
    return Span(
        file=path,
        byte_start=start,
        byte_end=end,
        line_start=line_start,
        column_start=len(text[text.rfind(b"\n", 0, start) + 1 : start].decode()) + 1,
        line_end=line_end,
        column_end=len(text[text.rfind(b"\n", 0, end) + 1 : end].decode()) + 1,
        is_primary=is_primary,
        label=label,
        text=words,
    )


def known_problem(
    path: Path,
    text: bytes,
    words: str,
    *,
    code: str | None = "E0596",
    message: str = "cannot borrow `total` as mutable, as it is not declared as mutable",
    label: str | None = "cannot borrow as mutable",
    others: Iterable[Span] = (),
    children: tuple[Diagnostic, ...] = (),
    family: str = "borrow_checker",
    problem_id: str | None = None,
) -> KnownProblem:
    """An error at the first place of `words`; `others` are its secondary spans."""
    diagnostic = Diagnostic(
        level=Level.ERROR,
        code=code,
        message=message,
        spans=(span_at(path, text, words, label), *others),
        children=children,
    )
    problem = Problem(diagnostic, package="demo", units=("demo lib",), family=family, signature=f"{code} {message}")
    return KnownProblem(problem_id or f"problem {code} at {words} in {path.name}", problem)


def replacing(path: Path, text: bytes, old: str, new: str) -> Edit:
    """The edit that puts `new` in the first place of `old`."""
    start = text.index(old.encode())
    return Edit(path, start, start + len(old.encode()), new)


def live_offer(
    known: KnownProblem,
    texts: Mapping[Path, bytes],
    *edits: Edit,
    title: str = "make `total` mutable",
    preferred: bool = True,
    source: str = "compiler",
    flags: tuple[str, ...] = (),
    unmasked: tuple[Diagnostic, ...] = (),
    method: str = "replay",
    inputs: Iterable[Path] = (),
    why: tuple[str, ...] = ("rustc proposes it and says that it is right",),
    is_provisional: bool = False,
    offer_id: str | None = None,
    root: Path = ROOT,
) -> LiveOffer:
    """A verified fix for `texts`, which must have every edited file. The problem's file is always an input."""
    edited = {edit.file for edit in edits}
    after = apply_edits(edits, texts.__getitem__)
    assert not isinstance(after, EditConflict), after.reason
    span = known.problem.span
    verdict = Verdict(
        passed=True,
        reason="the error is gone and nothing else broke",
        target_gone=True,
        unmasked=unmasked,
        flags=flags,
        errors_before=1,
        method=method,
    )
    return LiveOffer(
        offer_id=offer_id or f"offer {title} for {known.problem_id}",
        problem_id=known.problem_id,
        fix=Fix(known.problem, Candidate(source, title, edits), verdict, preferred),
        texts={path: sha256_of(texts[path]) for path in edited},
        inputs=frozenset({*inputs, *edited, *([span.file] if span else [])}),
        diff=unified_diff(texts, after, root),
        why=why,
        is_provisional=is_provisional,
    )


def bundle_of(
    offers: Iterable[LiveOffer],
    texts: Mapping[Path, bytes],
    kind: BundleKind = BundleKind.FILE,
    subject: str = str(FILE),
    bundle_id: str | None = None,
) -> FixBundle:
    """The joint text of some offers."""
    chosen = tuple(offers)
    edits = tuple(edit for offer in chosen for edit in offer.fix.candidate.edits)
    return FixBundle(
        bundle_id=bundle_id or f"bundle {kind} {subject}",
        kind=kind,
        subject=subject,
        offer_ids=tuple(offer.offer_id for offer in chosen),
        edits=edits,
        texts={edit.file: sha256_of(texts[edit.file]) for edit in edits},
        inputs=frozenset(path for offer in chosen for path in offer.inputs),
        proof="every error is gone and nothing else broke",
    )


def text_checked(generation: int, *problems: KnownProblem) -> TextChecked:
    return TextChecked(generation, problems, vanished=(), blocked=(), milliseconds=1.0)


def fixes_found(
    generation: int,
    *offers: LiveOffer,
    bundles: tuple[FixBundle, ...] = (),
    problem_ids: tuple[str, ...] | None = None,
    trigger: Trigger = Trigger.OWN_REPLAY,
) -> FixesFound:
    """All offers of the problems they belong to."""
    named = tuple(dict.fromkeys(offer.problem_id for offer in offers)) if problem_ids is None else problem_ids
    return FixesFound(generation, trigger, named, offers, bundles)


def search_ended(generation: int, **unsolved: str) -> SearchEnded:
    return SearchEnded(generation, unsolved, milliseconds=1.0)
