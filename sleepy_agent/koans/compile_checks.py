"""What only the compiler can say of the koans: broken in the one way that is named, mended in every way."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from sleepy_agent.cargo.problems import error_key
from sleepy_agent.domain import Diagnostic, Level
from sleepy_agent.families import FamilyRules, family_of
from sleepy_agent.koans.behaviour import LONGEST_TEST_SECONDS, Behaviour, run_tests_of
from sleepy_agent.koans.complaints import Complaint
from sleepy_agent.koans.packages import EDITION, Packages, Progress, ask_cargo
from sleepy_agent.koans.records import NO_CODE, Koan
from sleepy_agent.process import CancelToken, run_process

LIBRARY_AND_ITS_TESTS = 2
"""So often an error of the library is said: once for each of the two."""


def compile_complaints(
    packages: Packages,
    koans: Sequence[Koan],
    rules: FamilyRules,
    cancel: CancelToken,
    progress: Progress,
    *,
    longest_test_seconds: float = LONGEST_TEST_SECONDS,
) -> list[Complaint]:
    """All that cargo, clippy, rustfmt and the tests say against the koans, which `packages` has a place for."""
    progress(f"compiling {len(koans)} exercises")
    packages.write({koan.name: koan.exercise for koan in koans})
    broken = ask_cargo(packages, ["check", "--lib", "--tests"], cancel).messages
    found = [one for koan in koans for one in exercise_complaints(koan, broken[koan.name], rules)]
    unformatted = unformatted_koans(packages, cancel)
    found += format_complaints(unformatted, "exercise")
    solutions = {koan.name: koan.solution for koan in koans}
    packages.write(solutions)
    found += format_complaints(unformatted_koans(packages, cancel), "solution")
    progress(f"compiling {len(koans)} solutions and running their tests")
    behaviour = run_tests_of(packages, solutions, cancel, longest_test_seconds)
    found += [one for koan in koans for one in behaviour_complaints(koan, behaviour[koan.name])]
    progress(f"asking clippy about {len(koans)} solutions")
    lints = ask_cargo(packages, ["clippy", "--lib", "--tests"], cancel, ["--", "-D", "warnings"]).messages
    # What does not compile was said already.
    found += [one for koan in koans if behaviour[koan.name].compiles for one in lint_complaints(koan, lints[koan.name])]
    return found


def exercise_complaints(koan: Koan, messages: Sequence[Diagnostic], rules: FamilyRules) -> Iterator[Complaint]:
    """Whether the exercise is broken in the way that its entry says."""
    errors = [one for one in messages if one.level in {Level.ERROR, Level.CRASH} and one.spans]
    if not errors:
        yield Complaint(koan.name, f"the exercise compiles: break it so that rustc says {koan.code}.")
        return
    keys = [error_key(one) for one in errors]
    if not any(keys.count(key) >= LIBRARY_AND_ITS_TESTS for key in keys):
        yield Complaint(koan.name, "only its tests do not compile: put the mistake into the code above them.")
    for number, error in enumerate(errors):
        if keys.index(keys[number]) < number:
            continue
        code = error.code or NO_CODE
        if code != koan.code:
            yield Complaint(
                koan.name,
                f"rustc says {code} ({error.message}), not {koan.code} alone: name that code, or mend the exercise so"
                " that only the named error is left.",
            )
        elif (family := family_of(error, rules)) != koan.family:
            yield Complaint(
                koan.name,
                f"this {code} ({error.message}) belongs to the family {family}: name that one, not {koan.family}.",
            )
    # What only the tests are warned of may follow from the mistake itself.
    warnings = [one for one in messages if one.level == Level.WARNING and one.spans]
    keys = [error_key(one) for one in warnings]
    said = [one.message for one in warnings if keys.count(error_key(one)) >= LIBRARY_AND_ITS_TESTS]
    for warning in dict.fromkeys(said):
        yield Complaint(koan.name, f"rustc warns of the exercise ({warning}): mend that, too, beside the mistake.")


def behaviour_complaints(koan: Koan, behaviour: Behaviour) -> Iterator[Complaint]:
    """Whether the solution does what the tests say."""
    if not behaviour.passed:
        yield Complaint(koan.name, f"the solution fails, {behaviour.reason}: mend the solution.")


def lint_complaints(koan: Koan, messages: Sequence[Diagnostic]) -> Iterator[Complaint]:
    """What rustc and clippy warn of in the solution."""
    for one in dict.fromkeys(
        f"{one.message} [{one.code}]" for one in messages if one.level != Level.NOTE and one.spans
    ):
        yield Complaint(koan.name, f"clippy warns of the solution, {one}: mend it there, and in the exercise.")


def format_complaints(names: Sequence[str], which: str) -> list[Complaint]:
    """Koans that rustfmt would write otherwise."""
    return [Complaint(name, f"rustfmt would change the {which}: `rustfmt --edition {EDITION}` it.") for name in names]


def unformatted_koans(packages: Packages, cancel: CancelToken) -> list[str]:
    """The koans whose present texts rustfmt would change, or cannot read."""
    files = {str(packages.source(name)): name for name in packages.names}
    command = ["rustfmt", "--check", "-l", "--edition", EDITION, "--config-path", str(packages.root)]
    outcome = run_process([*command, *files], cwd=packages.root, cancel=cancel)
    cancel.raise_if_cancelled()
    if outcome.start_error:
        return list(packages.names)
    named = {str(Path(line)) for line in outcome.stdout.decode(errors="replace").splitlines()}
    return [name for file, name in files.items() if file in named]
