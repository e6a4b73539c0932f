"""From what a search found to what is offered: records that say for which texts they hold."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from sleepy_agent.cargo.problems import find_problems
from sleepy_agent.cargo.recorder import hash_of
from sleepy_agent.cargo.session import CheckSession
from sleepy_agent.cargo.slots import UnitReport
from sleepy_agent.cargo.trials import Trial
from sleepy_agent.code.edits import EditConflict, apply_edits, moves_of, unified_diff
from sleepy_agent.domain import Edit, Fix, Problem
from sleepy_agent.fixes.attempts import TriedAttempt, with_flag
from sleepy_agent.fixes.bookkeeping import problem_key
from sleepy_agent.fixes.offers import reasons_of
from sleepy_agent.fixes.pursuits import FoundFix
from sleepy_agent.fixes.taken import take_fix, unchecked_fixes
from sleepy_agent.live.messages import BundleKind, FixBundle, KnownProblem, LiveOffer

ReadText = Callable[[Path], bytes]

# A list that nobody reads to its end helps nobody.
MOST_OFFERS_OF_A_PROBLEM = 5
ID_LENGTH = 16


def short_hash(*parts: object) -> str:
    """A name for these parts, the same in every process."""
    return hashlib.sha256("\0".join(str(part) for part in parts).encode(errors="replace")).hexdigest()[:ID_LENGTH]


def known_problems(problems: Iterable[Problem], read: ReadText) -> tuple[KnownProblem, ...]:
    """Problems with their ids. Of several that the same line has in the same words, each gets one of its own."""
    found: list[KnownProblem] = []
    seen: dict[tuple[object, ...], int] = {}
    for problem in problems:
        key = problem_key(problem, read)
        count = seen.get(key, 0)
        seen[key] = count + 1
        found.append(KnownProblem(short_hash(*key, count), problem))
    return tuple(found)


def was_tried_alone(tried: TriedAttempt) -> bool:
    """Whether its compile had nothing else in it: what is offered by itself must have been compiled by itself."""
    return set(tried.trial.edits) == set(tried.attempt.ranked.candidate.edits)


def checked_to_the_end(found: FoundFix, session: CheckSession) -> FoundFix:
    """The same find, flagged where an error left beside it keeps the compiler from saying everything."""
    tried = found.tried
    trial = tried.trial

    def read_after(path: Path) -> bytes:
        return trial.texts[path] if path in trial.texts else session.read(path)

    units = [session.recording.unit(unit_id) for unit_id in trial.reports if unit_id in known_units(session)]
    remaining = find_problems(units, trial.reports, session.rules, with_clippy=session.with_clippy)
    candidate = tried.attempt.ranked.candidate
    taken = take_fix(found.problem, candidate.title, candidate.edits, moves_of(trial.edits, session.read))
    if not unchecked_fixes([taken], remaining, read_after):
        return found
    return replace(found, tried=with_flag(tried, "unchecked_to_the_end"))


def known_units(session: CheckSession) -> frozenset[str]:
    return frozenset(unit.unit_id for unit in session.recording.units)


def inputs_of(trial: Trial, before: Mapping[str, UnitReport]) -> frozenset[Path]:
    """Every file that a verdict stands on."""
    asked = before if trial.method == "cargo" else trial.reports
    reports = [*trial.reports.values(), *(before[unit_id] for unit_id in asked if unit_id in before)]
    return frozenset(trial.texts).union(*(report.inputs for report in reports))


def live_offers(
    found: FoundFix,
    problem_id: str,
    session: CheckSession,
    *,
    is_provisional: bool = False,
    episode_id_of: Callable[[Problem, TriedAttempt], int | None] = lambda _problem, _tried: None,
) -> tuple[LiveOffer, ...]:
    """The offers of one problem, best first; those in whose compile something else took part are left out."""
    offers: list[LiveOffer] = []
    for tried in (found.tried, *found.tied, *found.others):
        if len(offers) == MOST_OFFERS_OF_A_PROBLEM:
            break
        if not was_tried_alone(tried):
            continue
        candidate = tried.attempt.ranked.candidate
        texts = apply_edits(candidate.edits, session.read)
        if isinstance(texts, EditConflict):
            continue
        is_best = tried is found.tried
        before = {path: session.read(path) for path in texts}
        offers.append(
            LiveOffer(
                offer_id=short_hash(problem_id, *(edit_words(edit, session.read) for edit in candidate.edits)),
                problem_id=problem_id,
                fix=Fix(
                    problem=found.problem,
                    candidate=candidate,
                    verdict=tried.verdict_of(found.problem),
                    preferred=is_best and found.is_preferred and not is_provisional,
                ),
                texts={path: hash_of(text) for path, text in before.items()},
                inputs=inputs_of(tried.trial, session.reports()),
                diff=unified_diff(before, texts, session.workspace.root),
                why=reasons_of(found) if is_best else tried.attempt.ranked.reasons,
                is_provisional=is_provisional,
                episode_id=episode_id_of(found.problem, tried),
            )
        )
    return tuple(offers)


def edit_words(edit: Edit, read: ReadText) -> str:
    """An edit without its position, which other edits move."""
    replaced = read(edit.file)[edit.byte_start : edit.byte_end].decode(errors="replace")
    return f"{edit.file}\0{replaced}\0{edit.replacement}"


def fix_bundle(
    kind: BundleKind, subject: str, offers: Sequence[LiveOffer], trial: Trial, session: CheckSession
) -> FixBundle:
    """Several offers as one, by the compile that had exactly their edits in it."""
    return FixBundle(
        bundle_id=short_hash(kind, subject, *sorted(offer.offer_id for offer in offers)),
        kind=kind,
        subject=subject,
        offer_ids=tuple(offer.offer_id for offer in offers),
        edits=trial.edits,
        texts={path: hash_of(session.read(path)) for path in trial.texts},
        inputs=inputs_of(trial, session.reports()),
        proof=f"The errors are gone and nothing new is broken ({trial.method}).",
    )
