"""An *attempt* is one set of edits tried for the problems it may solve, and the verdict for each of them."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sleepy_agent.cargo.problems import error_key
from sleepy_agent.cargo.trials import Trial
from sleepy_agent.code.flags import all_flags
from sleepy_agent.domain import Problem, Verdict
from sleepy_agent.fixes.rank import RankedCandidate


@dataclass(frozen=True, slots=True)
class Attempt:
    """A ranked candidate and all problems that propose the very same edits (one import, forty errors)."""

    ranked: RankedCandidate
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class TriedAttempt:
    """An attempt with the trial it was judged by, which other attempts may share (group testing)."""

    attempt: Attempt
    trial: Trial
    verdicts: tuple[Verdict, ...]
    """For each problem of the attempt."""

    @property
    def solved(self) -> tuple[Problem, ...]:
        pairs = zip(self.attempt.problems, self.verdicts, strict=True)
        return tuple(problem for problem, verdict in pairs if verdict.passed)

    def verdict_of(self, problem: Problem) -> Verdict:
        """The verdict for one of its problems."""
        return self.verdicts[self.attempt.problems.index(problem)]

    @property
    def cost(self) -> float:
        """The cost of its rank, and that of what only the compile showed."""
        known = set(self.attempt.ranked.flags)
        seen = {flag for verdict in self.verdicts for flag in verdict.flags}
        return self.attempt.ranked.cost + sum(all_flags()[flag].cost for flag in seen - known)


def judge_attempt(attempt: Attempt, trial: Trial, shared_by: int, warned: tuple[str, ...] = ()) -> TriedAttempt:
    """The verdicts that a trial means for an attempt. `shared_by`: how many attempts the compile was shared by;
    `warned`: flags of what the compiler warns of."""
    verdicts = tuple(verdict_for(problem, attempt.ranked, trial, shared_by, warned) for problem in attempt.problems)
    return TriedAttempt(attempt, trial, verdicts)


def partly_mended(attempt: Attempt, trial: Trial) -> Attempt | None:
    """The attempt for only those of its problems that a trial saw gone, where it saw others still there."""
    gone = tuple(problem for problem in attempt.problems if error_key(problem.diagnostic) in trial.gone)
    if not gone or len(gone) == len(attempt.problems) or trial.new_errors or trial.refusal is not None:
        return None
    return Attempt(attempt.ranked, gone)


def with_flag(tried: TriedAttempt, flag: str) -> TriedAttempt:
    """The same attempt where something speaks against it that only a comparison shows."""
    verdicts = tuple(
        verdict if flag in verdict.flags else replace(verdict, flags=(*verdict.flags, flag))
        for verdict in tried.verdicts
    )
    return replace(tried, verdicts=verdicts)


def verdict_for(
    problem: Problem, ranked: RankedCandidate, trial: Trial, shared_by: int, warned: tuple[str, ...] = ()
) -> Verdict:
    """What a trial says about one problem and one candidate of it."""
    gone = error_key(problem.diagnostic) in trial.gone and trial.refusal is None
    passed = gone and trial.is_clean
    flags = (*ranked.flags, *(flag for flag in warned if flag not in ranked.flags))
    if not trial.dependents_checked and not ranked.is_private:
        flags = (*flags, "dependents_unknown")
    return Verdict(
        passed=passed,
        reason=reason_of(trial, gone=gone),
        target_gone=gone,
        new_errors=trial.new_errors,
        unmasked=trial.unmasked,
        flags=flags,
        errors_before=trial.errors_before,
        errors_after=trial.errors_after,
        method=trial.method,
        milliseconds=trial.milliseconds / max(1, shared_by),
        dependents_checked=trial.dependents_checked,
    )


def refused_verdict(ranked: RankedCandidate) -> Verdict:
    """The verdict of a candidate that was turned down unread by the compiler."""
    return unread_verdict(f"Refused: {ranked.refusal}.", ranked.flags)


def unread_verdict(reason: str, flags: tuple[str, ...] = ()) -> Verdict:
    """The verdict of what the compiler was not even asked about."""
    return Verdict(passed=False, reason=reason, target_gone=False, flags=flags, method="text")


def reason_of(trial: Trial, *, gone: bool) -> str:
    """One sentence: why it passed or failed."""
    if trial.refusal is not None:
        return f"Refused: {trial.refusal}."
    if not gone:
        return "The error is still there."
    if trial.new_errors:
        first = trial.new_errors[0]
        more = f", and {len(trial.new_errors) - 1} more" if len(trial.new_errors) > 1 else ""
        return f"The error is gone, but a new one appears: {first.message}{more}."
    if not trial.complete:
        return "The compiler did not come to an end."
    places = f"{len(trial.reports)} target{'s' if len(trial.reports) != 1 else ''}"
    judge = "cargo" if trial.method == "cargo" else f"rustc, in {places}"
    if trial.unmasked:
        count = len(trial.unmasked)
        return f"The error is gone ({judge}); {count} error{'s' if count > 1 else ''} that it hid come to light."
    return f"The error is gone and nothing new is broken ({judge})."
