"""The episodes that are made of offers nobody stored, and of what developers wrote themselves. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sleepy_agent.code.edits import unified_diff
from sleepy_agent.domain import Episode, Problem
from sleepy_agent.live.messages import LiveOffer, VanishedProblem
from sleepy_agent.live.outcomes.records import Moment, ReadText
from sleepy_agent.live.outcomes.settling import follow_diff
from sleepy_agent.memory.episodes import task_id_of
from sleepy_agent.memory.pending import FollowedFile

OWN_SOURCE = "own"
OWN_TITLE = "The developer's own change"
OWN_VERDICT = "The error is gone and nothing new is broken."
# What changed in more files than this is no fix of one problem.
MOST_FILES_OF_AN_OWN_FIX = 5


@dataclass(frozen=True, slots=True)
class OwnChange:
    """What the developer wrote when a problem went away: the diff, and its places where they could be found."""

    diff_unified: str
    files: tuple[FollowedFile, ...]


def own_change(
    vanished: VanishedProblem, changed: Mapping[Path, tuple[bytes, bytes]], read: ReadText, root: Path
) -> OwnChange | None:
    """What cleared a problem; None where that cannot be said.

    `changed`: open files with their texts at the last check and now, for a problem whose own file has not changed.
    """
    span = vanished.problem.span
    if span is None:
        return None
    if vanished.diff_unified:
        text = read(span.file)
        followed = None if text is None else follow_diff(span.file, vanished.diff_unified, text)
        return OwnChange(vanished.diff_unified, () if followed is None else (followed,))
    if not 0 < len(changed) <= MOST_FILES_OF_AN_OWN_FIX:
        return None
    before = {path: texts[0] for path, texts in changed.items()}
    after = {path: texts[1] for path, texts in changed.items()}
    diffs = {path: unified_diff({path: before[path]}, {path: after[path]}, root) for path in changed}
    files = [follow_diff(path, diff, after[path]) for path, diff in diffs.items()]
    return OwnChange("\n".join(diffs.values()), tuple(file for file in files if file is not None))


def episode_of_own_change(
    vanished: VanishedProblem, change: OwnChange, root: Path, run_id: str, moment: Moment, metadata: Mapping[str, str]
) -> Episode:
    """An attempt of the developer's. What became of it is said when it has settled."""
    return episode(
        vanished.problem,
        root,
        run_id,
        moment,
        source=OWN_SOURCE,
        title=OWN_TITLE,
        diff_unified=change.diff_unified,
        verdict=OWN_VERDICT,
        metadata=metadata,
    )


def episode_of_offer(offer: LiveOffer, root: Path, run_id: str, moment: Moment) -> Episode:
    """The attempt of an offer that nobody has stored."""
    fix = offer.fix
    template = fix.candidate.template
    return episode(
        fix.problem,
        root,
        run_id,
        moment,
        source=fix.candidate.source,
        title=fix.candidate.title,
        diff_unified=offer.diff,
        verdict=fix.verdict.reason,
        flags=fix.verdict.flags,
        milliseconds=fix.verdict.milliseconds,
        steps=fix.candidate.steps,
        metadata={} if template is None else {"template": template},
    )


def episode(
    problem: Problem,
    root: Path,
    run_id: str,
    moment: Moment,
    *,
    source: str,
    title: str,
    diff_unified: str,
    verdict: str,
    metadata: Mapping[str, str],
    flags: tuple[str, ...] = (),
    milliseconds: float = 0.0,
    steps: int = 1,
) -> Episode:
    """A passing attempt at a problem, now."""
    path = problem.span.file if problem.span is not None else root / "Cargo.toml"
    return Episode(
        task_id=task_id_of(root),
        run_id=run_id,
        attempt_index=0,
        family=problem.family,
        signature=problem.signature,
        code=problem.code or "",
        message=problem.message,
        source=source,
        title=title,
        diff_unified=diff_unified,
        verdict=verdict,
        passed=True,
        flags=flags,
        file=str(path.relative_to(root) if path.is_relative_to(root) else path),
        timestamp=moment.timestamp,
        wall_clock_milliseconds=milliseconds,
        steps_to_green=steps,
        metadata=dict(metadata),
    )
