"""The outcome desk with real files and a real store: what is said on the event loop is in the store at the end."""

from __future__ import annotations

import gc
import json
import subprocess
import sys
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import jsonschema  # type: ignore[import-untyped]
import pytest

from lsp.offers import known_problem, live_offer, replacing, text_checked
from sleepy_agent.code.edits import unified_diff
from sleepy_agent.config import Places, find_places
from sleepy_agent.domain import Episode, Outcome
from sleepy_agent.errors import SleepyError
from sleepy_agent.live.messages import LiveOffer, VanishedProblem
from sleepy_agent.live.outcomes.episodes import episode_of_offer
from sleepy_agent.live.outcomes.records import Moment
from sleepy_agent.memory.database import open_database, write_transaction
from sleepy_agent.memory.episodes import list_episodes, record_episodes, task_id_of, utc_timestamp
from sleepy_agent.memory.export import export_lines
from sleepy_agent.memory.pending import waiting_owners
from sleepy_agent.memory.runs import begin_run, record_written_file
from sleepy_lsp.outcomes.desk import OutcomeDesk

TEXT = b"fn sum(values: &[u32]) -> u32 {\n    let total = 0;\n    total += values[0];\n    total\n}\n"
MADE = TEXT.replace(b"let total", b"let mut total")
OTHERWISE = TEXT.replace(b"let total = 0;\n    total += values[0];", b"let total = values[0];")


@dataclass
class Clock:
    """Moves when the test says so, on both faces."""

    seconds: float = 1000.0

    def now(self) -> float:
        return self.seconds

    def utc(self) -> datetime:
        return datetime(2026, 1, 2, tzinfo=UTC) + timedelta(seconds=self.seconds)


@dataclass
class Project:
    """One file of a workspace, a problem in it, an offer, and the desks of the servers that look at it."""

    root: Path
    places: Places
    clock: Clock = field(default_factory=Clock)
    desks: list[OutcomeDesk] = field(default_factory=list)
    troubles: list[SleepyError] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.root.mkdir()
        self.file = self.root / "lib.rs"
        self.file.write_bytes(TEXT)
        self.problem = known_problem(self.file, TEXT, "total +=")
        self.offer = self.offer_of("let total", "let mut total")

    def offer_of(self, old: str, new: str) -> LiveOffer:
        texts = {self.file: TEXT}
        return live_offer(self.problem, texts, replacing(self.file, TEXT, old, new), offer_id=new, root=self.root)

    def desk(self, *, opened: bool = True) -> OutcomeDesk:
        """A server that has the file open, and knows what is broken."""
        made = OutcomeDesk(
            self.places, self.root, now=self.clock.now, clock=self.clock.utc, on_trouble=self.troubles.append
        )
        self.desks.append(made)
        if opened:
            made.text_changed(self.file, self.file.read_bytes())
        return made

    def store_attempt(self) -> None:
        """What the worker does before it offers a fix."""
        moment = Moment(0.0, utc_timestamp(self.clock.utc()))
        with open_database(self.places.store_file) as database:
            attempt = episode_of_offer(self.offer, self.root, "a worker's run", moment)
            (number,) = record_episodes(database, [attempt])
        self.offer = replace(self.offer, episode_id=number)

    def pass_time(self, seconds: float = 10.0) -> None:
        for desk in self.desks:
            assert desk.flush()
        self.clock.seconds += seconds
        for desk in self.desks:
            desk.tick()
            assert desk.flush()

    def gone(self, now: bytes) -> VanishedProblem:
        diff = unified_diff({self.file: TEXT}, {self.file: now}, self.root)
        return VanishedProblem(self.problem.problem_id, self.problem.problem, diff, deleted=False, new_errors=0)

    def episodes(self) -> list[Episode]:
        with open_database(self.places.store_file) as database:
            return [stored.episode for stored in list_episodes(database)]

    def outcomes(self) -> list[tuple[str, Outcome]]:
        return [(episode.source, episode.outcome) for episode in self.episodes()]

    def waiting_owners(self) -> frozenset[str]:
        with open_database(self.places.store_file) as database:
            return waiting_owners(database, task_id_of(self.root))


@pytest.fixture
def project(tmp_path: Path, sleepy_home: Path) -> Iterator[Project]:
    made = Project(tmp_path / "project", find_places({"SLEEPY_HOME": str(sleepy_home)}))
    yield made
    for desk in made.desks:
        desk.close()


def take(desk: OutcomeDesk, project: Project) -> None:
    desk.checked(text_checked(1, project.problem))
    desk.shown([project.offer])
    desk.text_changed(project.file, MADE)
    desk.applied(project.offer)


def test_an_offer_that_is_kept_is_settled_in_the_store(project: Project) -> None:
    project.store_attempt()
    desk = project.desk()
    take(desk, project)
    assert desk.flush()
    assert project.outcomes() == [("compiler", Outcome.ACCEPTED)]
    assert desk.next_deadline() == project.clock.seconds + 10
    project.pass_time(9)
    assert project.outcomes() == [("compiler", Outcome.ACCEPTED)]
    project.pass_time(1)
    (episode,) = project.episodes()
    assert (episode.outcome, episode.settled_text) == (Outcome.SETTLED, "    let mut total = 0;")
    assert episode.metadata["offer_id"] == project.offer.offer_id
    assert desk.next_deadline() is None


def test_an_offer_that_is_shown_before_its_attempt_is_stored_is_one_attempt(project: Project) -> None:
    desk = project.desk()
    desk.shown([project.offer])
    assert desk.flush()
    project.store_attempt()
    desk.shown([project.offer])
    assert desk.flush()
    assert project.outcomes() == [("compiler", Outcome.SHOWN)]
    desk.dismissed(project.offer)
    assert desk.flush()
    assert project.outcomes() == [("compiler", Outcome.DISMISSED)]


@pytest.mark.parametrize(("asked", "outcome"), [(True, Outcome.SHOWN), (False, Outcome.NONE)])
def test_only_what_was_asked_for_is_shown(project: Project, asked: bool, outcome: Outcome) -> None:
    project.store_attempt()
    desk = project.desk()
    desk.shown([project.offer], asked=asked)
    desk.shown([])
    assert desk.flush()
    assert project.outcomes() == [("compiler", outcome)]


def test_what_was_not_saved_is_undone_when_the_document_is_closed(project: Project) -> None:
    desk = project.desk()
    take(desk, project)
    desk.text_closed(project.file)
    project.pass_time()
    assert project.outcomes() == [("compiler", Outcome.UNDONE)]


def test_a_file_that_is_not_open_is_read_from_the_disk(project: Project) -> None:
    project.store_attempt()
    desk = project.desk(opened=False)
    desk.shown([project.offer])
    assert desk.flush()
    project.file.write_bytes(MADE)
    desk.applied(project.offer)
    desk.disk_changed([project.file])
    project.pass_time(9)
    project.file.write_bytes(MADE + b"// more\n")
    desk.disk_changed([project.file])
    project.pass_time(9)
    assert project.outcomes() == [("compiler", Outcome.ACCEPTED)]
    project.pass_time(1)
    assert project.outcomes() == [("compiler", Outcome.SETTLED)]


def test_a_desk_looks_by_itself(project: Project) -> None:
    desk = OutcomeDesk(project.places, project.root, settle_seconds=0.05)
    desk.text_changed(project.file, TEXT)
    take(desk, project)
    assert desk.flush()
    eventually(lambda: project.outcomes() == [("compiler", Outcome.SETTLED)])
    desk.close()


def eventually(condition: Callable[[], bool]) -> None:
    """Look again and again: nothing tells when another thread has stored something."""
    pause = threading.Event()
    for _ in range(500):
        if condition():
            return
        pause.wait(0.02)
    raise AssertionError("it has not come true within ten seconds")


# ---- other processes -------------------------------------------------------------------------------------


def test_what_a_closed_desk_leaves_the_next_one_settles(project: Project) -> None:
    first = project.desk()
    take(first, project)
    first.close()
    project.desks.clear()
    project.file.write_bytes(MADE)
    project.clock.seconds += 3600
    second = project.desk()
    second.checked(text_checked(1))
    assert second.flush()
    assert project.outcomes() == [("compiler", Outcome.SETTLED)]


def test_what_is_left_is_found_where_nothing_is_ever_checked(project: Project) -> None:
    first = project.desk()
    take(first, project)
    first.close()
    project.desks.clear()
    second = project.desk()
    assert second.flush()
    project.pass_time(5)
    project.pass_time(5)
    # The document is open, with the former text: what was taken was never saved.
    assert project.outcomes() == [("compiler", Outcome.UNDONE)]


def test_a_living_desk_keeps_what_is_its_own(project: Project) -> None:
    project.store_attempt()
    first, second = project.desk(), project.desk()
    take(first, project)
    assert first.flush()
    project.clock.seconds += 3600
    second.checked(text_checked(1))
    assert second.flush()
    assert project.outcomes() == [("compiler", Outcome.ACCEPTED)]
    first.tick()
    assert first.flush()
    assert project.outcomes() == [("compiler", Outcome.SETTLED)]


def test_a_killed_process_loses_nothing(project: Project, sleepy_home: Path) -> None:
    program = (
        "import sys; from pathlib import Path; sys.path.insert(0, sys.argv[1])\n"
        "from lsp.outcomes.test_desk import Project, take; from sleepy_agent.config import find_places\n"
        "project = Project(Path(sys.argv[2]), find_places({'SLEEPY_HOME': sys.argv[3]}))\n"
        "desk = project.desk(); take(desk, project); desk.flush(); print('ready', flush=True); sys.stdin.read()\n"
    )
    elsewhere = project.root / "elsewhere"
    with subprocess.Popen(
        [sys.executable, "-c", program, str(Path(__file__).parents[2]), str(elsewhere), str(sleepy_home)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        (killed,) = list((project.places.state / "desks").glob("*.lock"))
        process.kill()
    (elsewhere / "lib.rs").write_bytes(MADE + b"// saved before it died\n")
    successor = OutcomeDesk(project.places, elsewhere)
    successor.checked(text_checked(1))
    assert successor.flush()
    assert project.outcomes() == [("compiler", Outcome.SETTLED)]
    assert not killed.exists()
    successor.close()
    assert list((project.places.state / "desks").iterdir()) == []


def test_two_servers_record_one_own_fix(project: Project) -> None:
    typing, listening = project.desk(), project.desk(opened=False)
    for desk in (typing, listening):
        desk.checked(text_checked(1, project.problem))
    project.pass_time(3)
    typing.text_changed(project.file, OTHERWISE)
    typing.checked(replace(text_checked(2), vanished=(project.gone(OTHERWISE),)))
    assert typing.flush()
    project.file.write_bytes(OTHERWISE)
    listening.disk_changed([project.file])
    listening.checked(replace(text_checked(2), vanished=(project.gone(OTHERWISE),)))
    project.pass_time()
    (episode,) = project.episodes()
    assert (episode.source, episode.outcome, episode.metadata["provenance"]) == ("own", Outcome.SETTLED, "typing")


@pytest.mark.parametrize("first_shown", [0, 1])
def test_what_was_taken_in_another_server_is_taken_once(project: Project, first_shown: int) -> None:
    one, other = project.desk(), project.desk()
    for desk in (one, other) if first_shown == 0 else (other, one):
        desk.checked(text_checked(1, project.problem))
        desk.shown([project.offer])
        assert desk.flush()
    take(one, project)
    project.pass_time()
    project.file.write_bytes(MADE)
    # The other editor shows the file as it is on the disk now, and its server hears of that in either order.
    other.text_changed(project.file, MADE)
    other.disk_changed([project.file])
    other.checked(replace(text_checked(2), vanished=(project.gone(MADE),)))
    project.pass_time()
    project.pass_time()
    assert project.outcomes() == [("compiler", Outcome.SETTLED)]
    assert project.episodes()[0].metadata["taken_by"] == "command"


def test_what_is_exported_follows_the_schema(project: Project) -> None:
    desk = project.desk()
    desk.checked(text_checked(1, project.problem))
    desk.shown([project.offer])
    desk.text_changed(project.file, OTHERWISE)
    desk.checked(replace(text_checked(2), vanished=(project.gone(OTHERWISE),)))
    project.pass_time()
    schema = json.loads((Path(__file__).parents[3] / "docs" / "episodes.schema.json").read_text(encoding="utf-8"))
    with open_database(project.places.store_file) as database:
        lines = [json.loads(line) for line in export_lines(database)]
    for line in lines:
        jsonschema.Draft202012Validator(schema).validate(line)
    assert [(line["source"], line["outcome"]) for line in lines] == [("compiler", "ignored"), ("own", "settled")]
    assert lines[1]["metadata"]["offers_not_taken"] == lines[0]["metadata"]["offer_id"]


@pytest.mark.parametrize(("written", "own_fixes"), [(MADE, 0), (MADE + b"// more\n", 1)])
def test_what_sleepy_fix_wrote_is_no_own_fix(project: Project, written: bytes, own_fixes: int) -> None:
    desk = project.desk(opened=False)
    desk.checked(text_checked(1, project.problem))
    with open_database(project.places.store_file) as database:
        run = begin_run(database, project.root, "sleepy fix")
        record_written_file(database, run.run_id, project.file, bytes_before=TEXT, bytes_after=MADE, file_mode=0o644)
    project.file.write_bytes(written)
    desk.disk_changed([project.file])
    desk.checked(replace(text_checked(2), vanished=(project.gone(written),)))
    project.pass_time()
    assert project.outcomes() == [("own", Outcome.SETTLED)] * own_fixes


@pytest.mark.parametrize("editor_reloads_small_change", [True, False])
def test_a_file_that_another_tool_wrote_is_not_typed(project: Project, editor_reloads_small_change: bool) -> None:
    desk = project.desk()
    desk.checked(text_checked(1, project.problem))
    project.pass_time(3)
    if editor_reloads_small_change:
        project.file.write_bytes(MADE)
        desk.disk_changed([project.file])
        assert desk.flush()
    desk.text_changed(project.file, MADE)
    desk.checked(replace(text_checked(2), vanished=(project.gone(MADE),)))
    project.pass_time()
    (episode,) = project.episodes()
    assert episode.metadata["provenance"] == ("other_tool" if editor_reloads_small_change else "typing")


# ---- trouble ---------------------------------------------------------------------------------------------


def test_a_locked_store_delays_nobody_and_loses_nothing(project: Project) -> None:
    desk = project.desk()
    with open_database(project.places.store_file) as database, write_transaction(database):
        take(desk, project)
        for number in range(200):
            desk.text_changed(project.file, MADE + b"// %d\n" % number)
        assert not desk.flush(0.0)
    project.pass_time()
    assert project.outcomes() == [("compiler", Outcome.SETTLED)]


def test_a_store_that_cannot_be_used_is_told_once_and_tried_again(project: Project) -> None:
    project.places.state.parent.mkdir(parents=True, exist_ok=True)
    project.places.state.write_text("no folder")
    desk = project.desk()
    take(desk, project)
    project.pass_time()
    assert len(project.troubles) == 1
    assert project.troubles[0].remedy
    project.places.state.unlink()
    desk.tick()
    desk.shown([project.offer_of("= 0;", "= 1;")])
    assert desk.flush()
    assert (Outcome.SETTLED in {episode.outcome for episode in project.episodes()}, project.troubles[1:]) == (True, [])


def test_a_mistake_of_ours_costs_only_itself(project: Project, caplog: pytest.LogCaptureFixture) -> None:
    desk = project.desk()
    desk.text_changed(project.file, None)  # type: ignore[arg-type]
    desk.text_changed(project.file, TEXT)
    take(desk, project)
    project.pass_time()
    assert project.outcomes() == [("compiler", Outcome.SETTLED)]
    assert "could not be noted" in caplog.text


def test_after_the_end_nothing_is_heard(project: Project) -> None:
    desk = project.desk()
    desk.close()
    take(desk, project)
    assert desk.flush()
    assert not project.places.store_file.exists()
    OutcomeDesk(project.places, project.root).close()


# ---- for a long time -------------------------------------------------------------------------------------


def test_memory_is_flat_over_five_thousand_edits(project: Project) -> None:
    desk = project.desk()
    others = [replace(project.problem, problem_id=f"another problem {number}") for number in range(2000)]
    desk.checked(text_checked(0, *others))

    def edit(numbers: range, offer_after: int) -> int:
        for number in numbers:
            text = TEXT + b"// " + b"x" * 4000 + b"%d\n" % number
            desk.text_changed(project.file, text)
            if number % offer_after == 0:
                known = replace(project.problem, problem_id=f"problem {number}")
                edits = replacing(project.file, text, "let total", "let mut total")
                offer = live_offer(known, {project.file: text}, edits, offer_id=f"offer {number}", root=project.root)
                desk.checked(text_checked(number, known))
                desk.shown([offer], asked=False)
            if number % 20 == 0:
                desk.disk_changed([project.root / f"{number}.rs"], head_changed=True)
                assert desk.flush()
        assert desk.flush()
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        # By then everything that is bounded has its full size.
        after_the_first = edit(range(1000), offer_after=2)
        after_all = edit(range(1000, 6000), offer_after=10)
    finally:
        tracemalloc.stop()
    assert after_all - after_the_first < 1_000_000
