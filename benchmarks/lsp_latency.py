"""How long after rust-analyzer's diagnostics a verified fix is ready, in warm rustc replays of the same crate.

A mistake is laid into an open document and saved a moment later, as by a person's hand, or at once; a real
rust-analyzer and Sleepy hear of it together. The clock begins when the first diagnostics of rust-analyzer's check
(source rustc) with an error in that file arrive, and ends when `sleepy/ready` says that there is an offer; one that is
there before counts as 0. What rust-analyzer finds by itself comes sooner, and the wait from there is published, too.
The yardstick is measured with each mistake, while the editor rests: one replay of the green text of the crate that it
stands in, on a copy, by a session like the worker's.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.lsp_editor import (
    BenchmarkEditor,
    Way,
    errors_published,
    opened_editor,
    says_ready,
    says_state,
    tells_of_work,
)
from benchmarks.lsp_line import Arrival
from benchmarks.lsp_projects import (
    PROJECTS,
    LaidMistake,
    Project,
    Replays,
    Yardstick,
    labels,
    mistakes_of,
    opened_yardstick,
)
from benchmarks.machine import machine_facts, scratch_directory
from benchmarks.real_crates.report import percentile
from benchmarks.results import Figure, Result
from sleepy_agent.config import Settings
from sleepy_agent.process import CancelToken

SAVED, AT_ONCE, UNSAVED, ASKED = "saved", "saved at once", "unsaved", "asked"
"""How a mistake is laid: saved a moment later; saved in the instant of the edit; not saved; saved, while code actions
are asked for all the time."""

WANTED = {SAVED: 30, AT_ONCE: 10, UNSAVED: 8, ASKED: 6}
"""Mistakes with an offer, for each project; those that are saved in each of both ways."""
WANTED_QUICKLY = {SAVED: 6, AT_ONCE: 3, UNSAVED: 3, ASKED: 2}
SAVE_AFTER_SECONDS = 0.3
"""From the last key to the save: what a hand needs for two keys at once."""
OPENING_SECONDS = 180.0
CALM_SECONDS = 60.0
QUIET_SECONDS = 0.4
"""Silence after which nobody works any more."""
ANSWER_SECONDS = 25.0
"""Longer than the budget of a search: who has no offer by then gets none."""
ASK_EVERY_SECONDS = 0.005
MOST_RATIO_P50, MOST_RATIO_P95 = 1.6, 4.0
MOST_ANSWER_MILLISECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Timed:
    """What became of one mistake. Times are milliseconds since the edit was sent; None: it never came.

    `analyzer`: rust-analyzer's first diagnostics with an error; `rustc`: its first with one of its check on save;
    `checked`: our own replay's problems are known; `ready`: there is an offer; `ended`: the search is over.
    """

    kind: str
    file: str
    replays: Replays
    analyzer: float | None
    rustc: float | None
    checked: float | None
    ready: float | None
    ended: float | None
    trigger: str = ""
    proof: str = ""

    @property
    def wait(self) -> float | None:
        """Milliseconds from the diagnostics of rust-analyzer's check to the offer; None where either never came."""
        return wait_between(self.rustc, self.ready)

    @property
    def ratio(self) -> float | None:
        return None if self.wait is None else self.wait / self.replays.green


def wait_between(begin: float | None, end: float | None) -> float | None:
    """How much later the second is; 0 where it came first, None where either never came."""
    return None if begin is None or end is None else max(0.0, end - begin)


@dataclass(frozen=True, slots=True)
class Series:
    """All mistakes of one project, laid in one way. `answers`: milliseconds of code actions while a search ran."""

    project: str
    way: Way
    how: str
    timed: tuple[Timed, ...]
    answers: tuple[float, ...] = ()

    @property
    def offered(self) -> list[Timed]:
        return [one for one in self.timed if one.ready is not None]


def run(quick: bool, command: str, cancel: CancelToken) -> Result:
    """Both projects, both ways, all ways to lay a mistake."""
    wanted = WANTED_QUICKLY if quick else WANTED
    series: list[Series] = []
    projects: list[Project] = []
    with scratch_directory("lsp-latency") as directory:
        for name, make in PROJECTS.items():
            folder = directory / name
            project = make(folder / "project", folder / "making", cancel)
            projects.append(project)
            with opened_yardstick(project, folder / "yardstick", cancel) as yardstick:
                series += timed_ways(project, yardstick, folder, wanted, cancel)
    return Result(
        name="lsp_latency",
        title="From rust-analyzer's diagnostics to a verified fix in the editor",
        command=command,
        machine=machine_facts(),
        figures=tuple(figures_of(series)),
        notes=tuple(notes_of(series, projects)),
        details={
            f"{one.project}, {one.way.value}, {one.how}": {
                "mistakes": [asdict(timed) for timed in one.timed],
                "answer_milliseconds": one.answers,
            }
            for one in series
        },
    )


def timed_ways(
    project: Project, yardstick: Yardstick, folder: Path, wanted: dict[str, int], cancel: CancelToken
) -> Iterator[Series]:
    for way in Way:
        with opened_editor(project.root, way, folder / f"home-{way.value}", cancel) as editor:
            rounds = [SAVED, AT_ONCE, UNSAVED, ASKED] if way is Way.BESIDE else [SAVED]
            bench = Bench(project, editor, yardstick)
            for how in rounds:
                yield bench.series(way, how, wanted[how])


class Bench:
    """One editor on one project. Its documents are green between the mistakes."""

    def __init__(self, project: Project, editor: BenchmarkEditor, yardstick: Yardstick) -> None:
        self._project = project
        self._editor = editor
        self._yardstick = yardstick
        self._mistakes = mistakes_of(project)
        self._open_first()

    def _open_first(self) -> None:
        """Let Sleepy record the workspace, before anything is timed."""
        mark = self._editor.journal.mark()
        first = self._project.root / self._project.sources[0]
        self._editor.open(first)
        self._editor.journal.until(mark, lambda one: says_state(one) not in {None, "idle"}, OPENING_SECONDS)
        self._editor.until_calm(mark, OPENING_SECONDS, quiet=3.0)

    def series(self, way: Way, how: str, wanted: int) -> Series:
        """Lay mistakes until so many of them had an offer. None is laid twice: answers are remembered."""
        found: list[Timed] = []
        answers: list[float] = []
        for mistake in self._mistakes:
            replays = self._yardstick.measure(mistake)
            if replays is None:
                continue
            timed = self._lay(mistake, replays, how, answers)
            found.append(timed)
            print(f"  {self._project.label}, {way.value}, {how}: {words_of(timed)}", flush=True)
            if sum(one.ready is not None for one in found) == wanted:
                break
        return Series(self._project.label, way, how, tuple(found), tuple(answers))

    def _lay(self, mistake: LaidMistake, replays: Replays, how: str, answers: list[float]) -> Timed:
        editor, path = self._editor, self._project.root / mistake.file
        if path not in editor.documents:
            mark = editor.journal.mark()
            editor.open(path)
            editor.until_calm(mark, CALM_SECONDS, QUIET_SECONDS)
        green = editor.documents[path].text
        mark = editor.journal.mark()
        begun = editor.change(path, mistake.text)
        if how == SAVED:
            time.sleep(SAVE_AFTER_SECONDS)
        if how != UNSAVED:
            editor.save(path)
        version = editor.documents[path].version
        ended = self._until_over(mark, path, mistake.line if how == ASKED else None, answers)
        told = editor.journal.since(mark)
        offers = [offer for one in editor.offers(path) for offer in one["offers"]]
        timed = Timed(
            mistake.kind,
            str(mistake.file),
            replays,
            analyzer=moment(told, begun, lambda one: bool(errors_published(one, path))),
            rustc=moment(told, begun, lambda one: any(e.get("source") == "rustc" for e in errors_published(one, path))),
            checked=moment(told, begun, lambda one: says_problems(one, path, version)),
            ready=moment(told, begun, lambda one: says_ready(one, path, version)),
            ended=None if ended is None else (ended - begun) * 1000,
            trigger=offers[0]["trigger"] if offers else "",
            proof=offers[0]["proof"] if offers else "",
        )
        mark = editor.journal.mark()
        editor.change(path, green)
        editor.save(path)
        editor.until_calm(mark, CALM_SECONDS, QUIET_SECONDS)
        return timed

    def _until_over(self, mark: int, path: Path, line: int | None, answers: list[float]) -> float | None:
        """Wait until the search for a mistake has ended; when it did. Ask for code actions of a line meanwhile."""
        editor, deadline = self._editor, time.monotonic() + ANSWER_SECONDS
        while time.monotonic() < deadline:
            told = editor.journal.since(mark)
            searching = [place for place, one in enumerate(told) if says_state(one) == "searching"]
            rest = [one for one in told[searching[-1] :] if says_state(one) == "idle"] if searching else []
            if rest:
                # The file's own word may come a moment after the state.
                editor.until_calm(mark, CALM_SECONDS, QUIET_SECONDS)
                return rest[-1].at
            if line is not None:
                _, milliseconds = editor.actions(path, line)
                if searching:
                    answers.append(milliseconds)
            editor.journal.until(editor.journal.mark(), tells_of_work, ASK_EVERY_SECONDS)
        return None


def moment(told: Sequence[Arrival], begun: float, fits: Callable[[Arrival], bool]) -> float | None:
    """Milliseconds from `begun` to the first arrival that fits."""
    return next(((one.at - begun) * 1000 for one in told if fits(one)), None)


def says_problems(arrival: Arrival, path: Path, version: int) -> bool:
    """Whether our own replay has found problems in this version of a file."""
    content = arrival.content
    is_word = arrival.method == "sleepy/ready" and content.get("uri") == path.as_uri()
    return is_word and content.get("version") == version and content.get("problems", 0) > 0


def figures_of(series: Sequence[Series]) -> Iterator[Figure]:
    for one in series:
        where = f"{one.project}, {one.way.value}"
        if one.how in {SAVED, AT_ONCE}:
            yield from saved_figures(one, where if one.how == SAVED else f"{where}, {AT_ONCE}")
        elif one.how == UNSAVED:
            rest = Settings().rest_milliseconds
            waits = [timed.ready - rest for timed in one.offered if timed.ready is not None]
            ratios = [wait / timed.replays.green for wait, timed in zip(waits, one.offered, strict=True)]
            measured_on = f"{len(waits)} mistakes that were not saved; without the {rest} ms that typing has to rest"
            name = f"lsp: edit to offer without saving, p50, {where}"
            yield Figure(name, percentile(sorted(waits), 0.5), "ms", None, True, measured_on)
            name = f"lsp: edit to offer without saving, p50 in warm replays, {where}"
            yield Figure(name, percentile(sorted(ratios), 0.5), "x", None, True, measured_on)
        else:
            measured_on = f"{len(one.answers)} questions while a search ran"
            for share in (0.5, 0.99):
                yield Figure(
                    f"lsp: code actions are answered, p{share * 100:.0f}, {where}",
                    percentile(sorted(one.answers), share),
                    "ms",
                    MOST_ANSWER_MILLISECONDS,
                    True,
                    measured_on,
                )


def saved_figures(one: Series, where: str) -> Iterator[Figure]:
    """Those with the bars, and what they are made of."""
    heard = [timed for timed in one.offered if timed.wait is not None]
    waits = [timed.wait for timed in heard if timed.wait is not None]
    before = sum(wait == 0 for wait in waits)
    measured_on = f"{len(heard)} mistakes, {before} of them with an offer before the diagnostics"
    ratios = [timed.ratio for timed in heard if timed.ratio is not None]
    for share, bar in ((0.5, MOST_RATIO_P50), (0.95, MOST_RATIO_P95)):
        name = f"lsp: diagnostic to offer, p{share * 100:.0f} in warm replays, {where}"
        yield Figure(name, percentile(sorted(ratios), share), "x", bar, True, measured_on)
    for share in (0.5, 0.95):
        name = f"lsp: diagnostic to offer, p{share * 100:.0f}, {where}"
        yield Figure(name, percentile(sorted(waits), share), "ms", None, True, measured_on)
    replays = [timed.replays.green for timed in heard]
    yield Figure(
        f"lsp: one warm replay, p50, {where}", percentile(sorted(replays), 0.5), "ms", None, True, "the green text"
    )
    broken = [wait / timed.replays.broken for wait, timed in zip(waits, heard, strict=True)]
    name = f"lsp: diagnostic to offer, p50 in replays of the broken text, {where}"
    yield Figure(name, percentile(sorted(broken), 0.5), "x", None, True, "these may end at the first error")
    native = [wait_between(timed.analyzer, timed.ready) for timed in heard]
    sooner = sum(timed.analyzer != timed.rustc for timed in heard)
    yield Figure(
        f"lsp: rust-analyzer's own first word to offer, p50, {where}",
        percentile(sorted(wait for wait in native if wait is not None), 0.5),
        "ms",
        None,
        True,
        f"for {sooner} mistakes it had one before its check",
    )


def notes_of(series: Sequence[Series], projects: Sequence[Project]) -> Iterator[str]:
    yield f"Projects: {labels(projects)}."
    for one in series:
        silent = sum(timed.rustc is None for timed in one.offered) if one.how != UNSAVED else 0
        without = len(one.timed) - len(one.offered)
        yield (
            f"{one.project}, {one.way.value}, {one.how}: {len(one.timed)} mistakes, {without} without an offer, "
            f"{silent} offered although rust-analyzer's check showed no error in that file."
        )


def words_of(timed: Timed) -> str:
    """One line for whoever watches."""

    def number(value: float | None) -> str:
        return "-" if value is None else f"{value:.0f}"

    ratio = "-" if timed.ratio is None else f"{timed.ratio:.2f}x"
    return (
        f"{ratio:>6} replay {timed.replays.broken:.0f}/{timed.replays.green:.0f} analyzer {number(timed.analyzer)} "
        f"rustc {number(timed.rustc)} checked {number(timed.checked)} ready {number(timed.ready)} "
        f"ended {number(timed.ended)} {timed.trigger} | {timed.kind} | {timed.file}"
    )
