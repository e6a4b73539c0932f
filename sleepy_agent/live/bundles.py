"""Several preferred fixes as one action, each such text compiled as a whole."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sleepy_agent.cargo.problems import error_key
from sleepy_agent.cargo.session import CheckSession
from sleepy_agent.cargo.trials import Trial
from sleepy_agent.domain import Edit, Problem
from sleepy_agent.fixes.pursuits import FoundFix
from sleepy_agent.fixes.taking import those_that_go_together
from sleepy_agent.live.messages import BundleKind, FixBundle, LiveOffer
from sleepy_agent.live.offers import fix_bundle

Preferred = tuple[FoundFix, LiveOffer]


def bundles_of(
    preferred: Sequence[Preferred], session: CheckSession, may_go_on: Callable[[], bool]
) -> tuple[FixBundle, ...]:
    """A bundle for each file and each error code with several preferred fixes that go together."""
    groups: dict[tuple[BundleKind, str], list[Preferred]] = {}
    for one in preferred:
        found, offer = one
        files = {edit.file for edit in offer.fix.candidate.edits}
        span = found.problem.span
        if span is not None and files == {span.file}:
            groups.setdefault((BundleKind.FILE, str(span.file)), []).append(one)
        if found.problem.code is not None:
            groups.setdefault((BundleKind.KIND, found.problem.code), []).append(one)
    trials: dict[frozenset[Edit], Trial] = {}
    bundles = []
    for (kind, subject), members in groups.items():
        together = those_that_go_together([found for found, _ in members])
        offers = [offer for found, offer in members if any(found is one for one in together)]
        if len({offer.fix.candidate.edits for offer in offers}) < 2:
            continue
        if not may_go_on():
            break
        trial = joint_trial(together, session, trials)
        if trial.is_clean and all_are_gone(trial, together):
            bundles.append(fix_bundle(kind, subject, offers, trial, session))
    return tuple(bundles)


def joint_trial(group: Sequence[FoundFix], session: CheckSession, known: dict[frozenset[Edit], Trial]) -> Trial:
    """The compile of exactly these fixes together, made once however often it is asked for."""
    attempts = {id(found.tried.attempt): found.tried.attempt for found in group}.values()
    edits: list[Edit] = list(dict.fromkeys(edit for one in attempts for edit in one.ranked.candidate.edits))
    key = frozenset(edits)
    if key not in known:
        problems: list[Problem] = [problem for attempt in attempts for problem in attempt.problems]
        known[key] = session.try_edits(edits, problems)
    return known[key]


def all_are_gone(trial: Trial, group: Sequence[FoundFix]) -> bool:
    """Whether none of the problems is left."""
    return all(error_key(found.problem.diagnostic) in trial.gone for found in group)
