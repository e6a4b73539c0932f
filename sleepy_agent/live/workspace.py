"""A workspace that stays open while its text changes: what is broken in it, and verified fixes for that.

The owner of the session, of what was found for recent texts, and of what was stored already. One thread calls it;
whoever wants it to stop cancels the token of the work.
"""

from __future__ import annotations

import functools
import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from sleepy_agent.cargo.recorder import hash_of
from sleepy_agent.cargo.session import ROUTINE_STAGE, CheckSession
from sleepy_agent.cargo.slots import UnitReport
from sleepy_agent.cargo.trials import Trial
from sleepy_agent.domain import Problem
from sleepy_agent.errors import SleepyError
from sleepy_agent.fixes.attempts import TriedAttempt, judge_attempt
from sleepy_agent.fixes.bookkeeping import RunBook, start_budget
from sleepy_agent.fixes.pursuits import FoundFix
from sleepy_agent.fixes.run import consultation_for
from sleepy_agent.fixes.search import Search
from sleepy_agent.fixes.sources import Source, SourceContext, choose_sources
from sleepy_agent.fixes.sources.context import KnownItems
from sleepy_agent.fixes.templates.catalogue import load_templates
from sleepy_agent.live.bundles import bundles_of
from sleepy_agent.live.messages import (
    ChangeTexts,
    FixesFound,
    KnownProblem,
    LiveOffer,
    OpenWorkspace,
    SearchEnded,
    SearchFixes,
    TextChecked,
)
from sleepy_agent.live.offers import (
    checked_to_the_end,
    known_problems,
    live_offers,
    short_hash,
    was_tried_alone,
)
from sleepy_agent.live.store import AttemptStore
from sleepy_agent.live.vanishing import AwaitedProblem, awaited_after, vanished_problems
from sleepy_agent.process import CancelToken

if TYPE_CHECKING:
    from sleepy_agent.fixes.bookkeeping import Budget
    from sleepy_agent.serving.chat import ModelUnavailable

# Texts whose answers are kept: undo and redo lead back to one of the last few.
MOST_TEXTS_KEPT = 24
# Problems searched in one go: the first ones are shown while the next are worked on.
MOST_PROBLEMS_AT_ONCE = 12

Emit = Callable[[FixesFound], None]
Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class KnownText:
    """What was found for one text of the workspace."""

    problems: tuple[KnownProblem, ...]
    blocked: tuple[str, ...]
    reports: Mapping[str, UnitReport]
    searched: Mapping[object, tuple[tuple[FixesFound, ...], SearchEnded]] = field(default_factory=dict)


class LiveWorkspace:
    """Open with `LiveWorkspace.open`, close with `close`."""

    def __init__(self, opening: OpenWorkspace, lifetime: CancelToken, progress: Progress) -> None:
        self._opening = opening
        self._lifetime = lifetime
        self._progress = progress
        self._sources: Sequence[Source] = choose_sources(None)
        self._has_models = False
        self._buffers: dict[Path, bytes] = {}
        self._known_texts: OrderedDict[str, KnownText] = OrderedDict()
        self._awaited: dict[str, AwaitedProblem] = {}
        self._known_items = KnownItems()
        self._disk_changes = 0
        self._ever_open: set[Path] = set()
        self._checked: KnownText | None = None
        self._is_warm = False
        self._failure: SleepyError | None = None
        self._is_opening = False
        self.session = self._open_session()
        self._store = AttemptStore(opening, self.session.workspace.root)

    def _open_session(self) -> CheckSession:
        opening = self._opening
        self._is_opening = True
        session = CheckSession.open(opening.path, opening.places, opening.settings, self._lifetime, self._tell_stage)
        try:
            if not session.recording.is_compared:
                # Cargo only knows the disk, so the replays of the disk's text are what it is compared with.
                session.check()
            session.change_texts(self._buffers)
        except BaseException:
            session.close()
            raise
        self._is_opening = False
        return session

    def _tell_stage(self, text: str) -> None:
        """Tell what an editor shows as a long operation. Once a workspace is open, checks happen all the time."""
        if self._is_opening or not text.startswith(ROUTINE_STAGE):
            self._progress(text)

    def close(self) -> None:
        """Give everything back. Closing twice is harmless."""
        self._store.close()
        self.session.close()

    # ---- texts -----------------------------------------------------------------------------------------

    def change(self, message: ChangeTexts) -> None:
        """Take other texts. Raises the errors of `CheckSession.open` where manifests changed on disk."""
        for path, text in message.buffers.items():
            # Cargo reads manifests from the disk only, and so does everybody's idea of them.
            if text is None or path.suffix != ".rs":
                self._buffers.pop(path, None)
            else:
                self._buffers[path] = text
                self._ever_open.add(path)
        self._checked = None
        if message.changed_on_disk:
            self._disk_changes += 1
        self.session.work_under(self._lifetime)
        if self._failure is not None or self._concerns_the_recording(message.changed_on_disk):
            if self._failure is None or message.changed_on_disk:
                self._open_again()
            return
        if self.session.change_texts(self._buffers, message.changed_on_disk) - self._buffers.keys():
            # A file changed on disk without being named; what is known of earlier texts knew nothing of it.
            self._disk_changes += 1

    def _open_again(self) -> None:
        """Begin with a new session. What keeps that from opening is raised by everything until a file changes."""
        self.session.close()
        self._known_texts.clear()
        self._known_items = KnownItems()
        self._is_warm = False
        try:
            self.session = self._open_session()
        except SleepyError as error:
            self._failure = error
            raise
        self._failure = None

    def _concerns_the_recording(self, changed_on_disk: Collection[Path]) -> bool:
        """Whether cargo would call rustc in another way now: a manifest, a target that came or went."""
        known = self.session.recording.inputs
        manifests = {"Cargo.toml", "Cargo.lock", "rust-toolchain", "rust-toolchain.toml"}
        roots = {path for package in self.session.workspace.local_packages for path in package.source_files}
        for path in changed_on_disk:
            if path.name in manifests or (path.parent.name == ".cargo" and path.stem == "config"):
                if path not in known or known[path] != hash_of(read_or_none(path)):
                    return True
            elif is_found_by_name(path) and path.exists() != (path in roots):
                return True
        return False

    def _state(self) -> str:
        """A name for the text of the whole workspace as it is now.

        Changes of the disk are counted; of what was ever open the text itself counts. What differs from the disk
        would name nothing: saving makes it less, and the text stays.
        """
        texts = ((path, hash_of(self.session.read(path))) for path in sorted(self._ever_open))
        return short_hash(self._disk_changes, *texts)

    # ---- what is broken --------------------------------------------------------------------------------

    def check(self, generation: int, cancel: CancelToken) -> TextChecked:
        """Say what is broken. Raises Interrupted when cancelled, and what a session raises."""
        started = time.perf_counter()
        if self._failure is not None:
            raise self._failure
        state = self._state()
        known = self._known_texts.get(state)
        if known is None:
            self.session.work_under(cancel)
            problems = known_problems(self.session.check(), self.session.read)
            known = KnownText(problems, self.session.blocked_packages(), dict(self.session.reports()))
            self._remember(state, known)
        self._checked = known
        vanished = vanished_problems(
            self._awaited, known.problems, known.reports, self.session.read, self.session.workspace.root
        )
        gone = {one.problem_id for one in vanished}
        self._awaited = awaited_after(self._awaited, known.problems, gone, self.session.read)
        milliseconds = (time.perf_counter() - started) * 1000
        return TextChecked(generation, known.problems, vanished, known.blocked, milliseconds)

    def _remember(self, state: str, known: KnownText) -> None:
        self._known_texts[state] = known
        self._known_texts.move_to_end(state)
        while len(self._known_texts) > MOST_TEXTS_KEPT:
            self._known_texts.popitem(last=False)

    def warm(self, cancel: CancelToken) -> None:
        """What the first search would otherwise wait for: templates, warm slots, and the index of the items."""
        if self._failure is not None or self._checked is None:
            return
        self.session.work_under(cancel)
        if not self._is_warm:
            load_templates()
            self.session.warm_slots()
            self._is_warm = True
        self._known_items.index_of(self.session.workspace, self.session.read)

    # ---- what would mend it ----------------------------------------------------------------------------

    def search(self, request: SearchFixes, cancel: CancelToken, emit: Emit) -> SearchEnded:
        """Search fixes; `emit` hears of them as they are found. Raises Interrupted when cancelled."""
        started = time.perf_counter()
        if self._checked is None:
            self.check(request.generation, cancel)
        state = self._state()
        known = self._known_texts[state]
        question = (request.files, request.muted_families, request.dismissed)
        wanted = self._wanted(known.problems, request)
        # Only what somebody had time to look at can be mended by hand.
        self._awaited |= {
            one.problem_id: AwaitedProblem(one, self.session.read(span.file))
            for one in wanted
            if (span := one.problem.span) is not None
        }
        if question in known.searched:
            found, ended = known.searched[question]
            for one in found:
                emit(replace(one, generation=request.generation, trigger=request.trigger))
            return replace(ended, generation=request.generation)
        self.session.work_under(cancel)
        # The reports may belong to another text where this one's problems were remembered.
        self.session.check()
        told: list[FixesFound] = []

        def tell(one: FixesFound) -> None:
            told.append(one)
            emit(one)

        work = OneSearch(self, request, cancel, wanted, tell)
        unsolved = work.run()
        ended = SearchEnded(request.generation, unsolved, (time.perf_counter() - started) * 1000)
        if not work.budget.is_used_up:
            final = tuple(one for one in told if not any(offer.is_provisional for offer in one.offers))
            searched = {**known.searched, question: (final, ended)}
            self._remember(state, replace(known, searched=searched))
        return ended

    def _wanted(self, problems: Iterable[KnownProblem], request: SearchFixes) -> list[KnownProblem]:
        """The problems to work on, those of the first file first."""
        order = {path: position for position, path in enumerate(request.files)}
        wanted = [
            one
            for one in problems
            if one.problem.family not in request.muted_families
            and (not order or ((span := one.problem.span) is not None and span.file in order))
        ]
        return sorted(wanted, key=lambda one: order.get(one.problem.span.file, 0) if one.problem.span else 0)

    @property
    def sources(self) -> Sequence[Source]:
        """Who is asked for fixes. Models come with the first search: an open workspace without problems needs none."""
        if not self._has_models:
            self._sources = choose_sources(None, self._opening.places, self._opening.settings)
            self._has_models = True
        return self._sources

    @property
    def context(self) -> SourceContext:
        session = self.session
        return SourceContext(session.workspace, session.read, session.is_editable, self._known_items)

    @property
    def store(self) -> AttemptStore:
        return self._store

    def budget(self) -> Budget:
        return start_budget(self._opening.settings.search_seconds)


class OneSearch:
    """The search for the fixes of one text: in portions, each offered as soon as it is proven by itself."""

    def __init__(
        self,
        workspace: LiveWorkspace,
        request: SearchFixes,
        cancel: CancelToken,
        wanted: Sequence[KnownProblem],
        emit: Emit,
    ) -> None:
        self._workspace = workspace
        self._session = workspace.session
        self._request = request
        self._cancel = cancel
        self._wanted = wanted
        self._emit = emit
        self._ids = {id(one.problem): one.problem_id for one in wanted}
        self.budget = workspace.budget()
        self._book = RunBook("", self._session.workspace.root, self._session.read, lambda _event: None)
        self._preferred: list[tuple[FoundFix, LiveOffer]] = []
        self._told: set[int] = set()
        self._final: dict[int, FoundFix] = {}
        """What was found for each problem and told, compiled by itself."""
        self._reasons: dict[str, str] = {}
        self._consultation = consultation_for(workspace.sources, cancel, tell_log)

    def run(self) -> dict[str, str]:
        """Search, and say of each problem that stays without an offer why."""
        try:
            for start in range(0, len(self._wanted), MOST_PROBLEMS_AT_ONCE):
                self._portion([one.problem for one in self._wanted[start : start + MOST_PROBLEMS_AT_ONCE]])
            self._bundles()
            self._hear_models()
        finally:
            if self._consultation is not None:
                self._consultation.close()
            self._workspace.store.keep(self._book.episodes)
        return self._reasons

    def _may_go_on(self) -> bool:
        self._cancel.raise_if_cancelled()
        return not self.budget.is_used_up

    def _portion(self, problems: list[Problem]) -> None:
        while problems and self._may_go_on():
            search = Search(
                self._session,
                self._workspace.sources,
                self._workspace.context,
                self._book.attempt,
                self._may_go_on,
                on_passed=self._tell_at_once,
                consultation=self._consultation,
                hears_models=False,
            )
            found = search.run(problems)
            self._tell([found[position] for position in sorted(found)])
            for position in range(len(problems)):
                if position in search.given_up:
                    self._reasons[self._ids[id(problems[position])]] = self._book.state(problems[position]).reason
            # What waited for others is worked on although those are only offered yet.
            done = search.considered.keys()
            if not done:
                break
            problems = [problem for position, problem in enumerate(problems) if position not in done]
        for problem in problems:
            self._reasons.setdefault(self._ids[id(problem)], "There was no time to look for a fix.")

    def _hear_models(self) -> None:
        """What models say of problems without an offer that may be preferred; last, so that nothing that is quick
        waits for them."""
        for one in self._wanted:
            if self._consultation is None or not self._may_go_on():
                return
            earlier = self._final.get(id(one.problem))
            # Between equals a model does not decide either.
            if earlier is None or not (earlier.is_preferred or earlier.tied):
                search = Search(
                    self._session,
                    (),
                    self._workspace.context,
                    self._book.attempt,
                    self._may_go_on,
                    on_passed=self._tell_at_once,
                    consultation=self._consultation,
                )
                self._tell([beside(found, earlier) for found in search.run([one.problem]).values()])
                if id(one.problem) in self._told:
                    self._reasons.pop(one.problem_id, None)

    def _tell_at_once(self, found: FoundFix) -> None:
        """Offer the first that passes by itself at once, not preferred yet: the developer may be waiting."""
        if id(found.problem) in self._told:
            return
        offers = self._offers(found, is_provisional=True)
        if offers:
            self._told.add(id(found.problem))
            self._send([found], offers)

    def _tell(self, found: Sequence[FoundFix]) -> None:
        """Offer what a search found, each once it was compiled by itself."""
        finished = [one for one in found if was_tried_alone(one.tried)]
        shared = [one for one in found if not was_tried_alone(one.tried)]
        self._tell_final(finished)
        width = self._session.settings.slot_count
        for start in range(0, len(shared), width):
            if not self._may_go_on():
                return
            portion = shared[start : start + width]
            self._session.try_many(
                [(one.tried.attempt.ranked.candidate.edits, one.tried.attempt.problems) for one in portion],
                functools.partial(self._tell_alone, portion),
            )

    def _tell_alone(self, portion: Sequence[FoundFix], number: int, trial: Trial) -> None:
        """Offer what was compiled with others before, now that it was compiled by itself."""
        one = portion[number]
        flags = tuple(one.tried.verdict_of(one.problem).flags)
        alone = replace(one, tried=judge_attempt(one.tried.attempt, trial, 1, flags))
        if alone.verdict.passed:
            self._tell_final([alone])
        else:
            self._reasons[self._ids[id(one.problem)]] = "Its fix only compiles together with others."

    def _tell_final(self, found: Sequence[FoundFix]) -> None:
        checked = [checked_to_the_end(one, self._session) if one.is_preferred else one for one in found]
        for one in checked:
            self._final[id(one.problem)] = one
            offers = self._offers(one, is_provisional=False)
            if offers:
                self._send([one], offers)
                if offers[0].fix.preferred:
                    self._preferred.append((one, offers[0]))

    def _offers(self, found: FoundFix, *, is_provisional: bool) -> tuple[LiveOffer, ...]:
        offers = live_offers(
            found,
            self._ids[id(found.problem)],
            self._session,
            is_provisional=is_provisional,
            episode_id_of=lambda _problem, _tried: None if is_provisional else self._stored(found.problem, _tried),
        )
        return tuple(offer for offer in offers if offer.offer_id not in self._request.dismissed)

    def _stored(self, problem: Problem, tried: TriedAttempt) -> int | None:
        store = self._workspace.store
        store.keep(self._book.episodes)
        return store.number_of(self._book.episode_of(problem, tried.attempt.ranked.candidate))

    def _send(self, found: Sequence[FoundFix], offers: tuple[LiveOffer, ...]) -> None:
        ids = tuple(dict.fromkeys(self._ids[id(one.problem)] for one in found))
        self._emit(FixesFound(self._request.generation, self._request.trigger, ids, offers))

    def _bundles(self) -> None:
        if not self._may_go_on():
            return
        bundles = bundles_of(self._preferred, self._session, self._may_go_on)
        if bundles:
            self._emit(FixesFound(self._request.generation, self._request.trigger, (), (), bundles))


def beside(found: FoundFix, earlier: FoundFix | None) -> FoundFix:
    """What a model found with what was found before it, in the right order: offers of a problem replace each other."""
    if earlier is None:
        return found
    first, last = (found, earlier) if found.is_preferred else (earlier, found)
    return replace(first, others=(*first.others, last.tried, *last.others))


def tell_log(source: str, why: ModelUnavailable) -> None:
    """Say in the log that a model does not answer; the other sources go on."""
    logging.getLogger(__name__).warning("The source %s does not answer: %s %s", source, why.reason, why.remedy)


def is_found_by_name(path: Path) -> bool:
    """Whether cargo takes a file for the root of a target because of where it stands (the Cargo book, "Cargo Targets":
    target auto-discovery)."""
    if path.suffix != ".rs":
        return False
    folders = {"bin", "tests", "examples", "benches"}
    beside = path.parent.name in folders or (path.name == "main.rs" and path.parent.parent.name in folders)
    return beside or path.name == "build.rs" or (path.parent.name == "src" and path.name in {"main.rs", "lib.rs"})


def read_or_none(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None
