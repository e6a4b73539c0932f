"""`sleepy koans run`: repair the koans with some sources, and let their tests judge."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from sleepy_agent.cargo.session import ROUTINE_STAGE
from sleepy_agent.config import Places, Settings
from sleepy_agent.errors import BadUsage
from sleepy_agent.fixes.sources import Source, choose_sources
from sleepy_agent.fixes.sources.context import KnownItems
from sleepy_agent.koans.behaviour import Behaviour, run_tests_of
from sleepy_agent.koans.own_server import own_model
from sleepy_agent.koans.packages import Packages, Progress, lay_packages, reachable
from sleepy_agent.koans.records import Koan, KoanSet
from sleepy_agent.koans.repairs import KoanSession, Repair, repair_file
from sleepy_agent.koans.scores import KoanResult
from sleepy_agent.process import CancelToken

MODEL = "model"
MOST_MODEL_SECONDS = 600.0
NOT_THERE = KoanResult("", "", "", frozen=False, compiles=False, passed=False, passed_at_k=False, reason="")


@dataclass(frozen=True, slots=True)
class RunOptions:
    """Whom to ask. `sources` None: every source available here; `model`: not the user's choice but this one, as the
    settings name it; `seconds`: the most that one koan may take."""

    sources: tuple[str, ...] | None = None
    model: str | None = None
    seconds: float = 120.0


@dataclass(frozen=True, slots=True)
class KoanRun:
    """All results, in the order of the table. `samples`: the k of pass@k."""

    sources: tuple[str, ...]
    model_id: str | None
    samples: int
    rounds: int
    results: tuple[KoanResult, ...]
    unavailable: tuple[str, ...]


def run_koans(
    koans: Sequence[Koan],
    of: KoanSet,
    options: RunOptions,
    places: Places,
    settings: Settings,
    cancel: CancelToken,
    progress: Progress,
) -> KoanRun:
    """Repair `koans` one after the other in one open workspace, then run their tests together."""
    # What a model can do is asked here, not how busy this machine is: only the koan's own time is a limit.
    settings = replace(settings, model_seconds=min(MOST_MODEL_SECONDS, options.seconds))
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sleepy-koans-"))).resolve()
        sources = sources_for(options, places, settings, folder, stack)
        there, why = reachable(folder / "resolving", koans, of.requirements, cancel)
        broken = {koan.name: koan.exercise for koan in there}
        packages = lay_packages(folder / "broken", there, broken, of.requirements)
        # What is compiled for the koans goes with them; models and settings are the user's own.
        places = replace(places, cache=folder / "cache")
        repairs = repair_all(packages, there, sources, options, places, settings, cancel, progress) if there else {}
        mended = lay_packages(folder / "mended", there, broken, of.requirements)
        behaviour = behaviour_of(mended, repairs, settings.model_samples, cancel, progress)
    results = tuple(
        result_of(koan, repairs[koan.name], behaviour[koan.name])
        if koan.name in repairs
        else replace(identified(koan), reason=f"a crate it needs is not on this machine: {why}")
        for koan in koans
    )
    return KoanRun(
        sources=tuple(source.name for source in sources),
        model_id=next((one.model_id for one in repairs.values() if one.model_id), None),
        samples=settings.model_samples,
        rounds=settings.model_rounds,
        results=results,
        unavailable=tuple(dict.fromkeys(one for repair in repairs.values() for one in repair.unavailable)),
    )


def sources_for(
    options: RunOptions, places: Places, settings: Settings, folder: Path, stack: ExitStack
) -> tuple[Source, ...]:
    """Who is asked. A model that the options name is served by a server of its own until `stack` is closed."""
    if options.model is None:
        return choose_sources(options.sources, places, settings)
    if options.sources is not None and MODEL not in options.sources:
        raise BadUsage("A model is named, and the source `model` is not.", "Add model to --sources.")
    names = None if options.sources is None else tuple(name for name in options.sources if name != MODEL)
    others = [one for one in choose_sources(names, places, settings) if one.name != MODEL]
    return (*others, stack.enter_context(own_model(folder, places, replace(settings, model=options.model))))


def repair_all(
    packages: Packages,
    koans: Sequence[Koan],
    sources: Sequence[Source],
    options: RunOptions,
    places: Places,
    settings: Settings,
    cancel: CancelToken,
    progress: Progress,
) -> dict[str, Repair]:
    """Every koan's repair. The workspace is opened, and looked at once, before the first. What was taken for a koan
    stays: no other koan sees it, and nothing is compiled again for the next."""
    known_items = KnownItems()

    def opening(text: str) -> None:
        # Each repair checks its koan: that is no news.
        if not text.startswith(ROUTINE_STAGE):
            progress(text)

    with KoanSession.open(packages.root, places, settings, cancel, opening) as session:
        session.check()
        found = {}
        for number, koan in enumerate(koans, 1):
            progress(f"repairing {number} of {len(koans)}: {koan.name}")
            found[koan.name] = repair_file(
                session, sources, packages.source(koan.name), options.seconds, known_items, cancel
            )
    return found


def behaviour_of(
    packages: Packages, repairs: Mapping[str, Repair], samples: int, cancel: CancelToken, progress: Progress
) -> dict[str, list[Behaviour]]:
    """What became of the first texts of each repair, at most `samples`."""
    found: dict[str, list[Behaviour]] = {name: [] for name in repairs}
    for number in range(max(1, samples)):
        texts = {name: one.texts[number] for name, one in repairs.items() if number < len(one.texts)}
        if not texts:
            break
        progress(f"running the tests of {len(texts)} repaired koans")
        for name, behaviour in run_tests_of(packages, texts, cancel).items():
            found[name].append(behaviour)
    return found


def identified(koan: Koan) -> KoanResult:
    """The result of a koan of which nothing is known yet."""
    return replace(NOT_THERE, name=koan.name, family=koan.family, code=koan.code, frozen=koan.frozen)


def result_of(koan: Koan, repair: Repair, behaviour: Sequence[Behaviour]) -> KoanResult:
    """What a repair is worth."""
    taken = behaviour[0] if behaviour and repair.is_green else None
    left = f"not mended: {repair.left}" if repair.left else "not mended"
    return replace(
        identified(koan),
        compiles=taken is not None and taken.compiles,
        passed=taken is not None and taken.passed,
        passed_at_k=any(one.passed for one in behaviour),
        reason=left if taken is None else taken.reason,
        sources=repair.sources,
        was_preferred=repair.was_preferred,
        steps=repair.steps,
        attempts=repair.attempts,
        rounds=repair.rounds,
        milliseconds=repair.milliseconds,
        tokens_in=repair.tokens_in,
        tokens_out=repair.tokens_out,
        diff=repair.diff,
    )
