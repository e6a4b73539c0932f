"""`python -m trainer.pretrain evaluate`: measures a model and other sources on exam items."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final, TextIO

from sleepy_agent.cli.values import read_duration, split_commas
from sleepy_agent.config import find_places, load_settings, settings_from
from sleepy_agent.errors import BadUsage
from sleepy_agent.koans.run import RunOptions
from sleepy_agent.process import CancelToken, InterruptSignals
from sleepy_agent.serving.manifest import sha256_of
from trainer.pretrain.behaviour import behaving
from trainer.pretrain.exams.comparing import compare
from trainer.pretrain.exams.items import Item, read_items
from trainer.pretrain.exams.quick import quick_items
from trainer.pretrain.exams.repairing import Mended, repaired_items
from trainer.pretrain.exams.report import Setting, comparison_text, read_solved, table_of, written
from trainer.pretrain.exams.results import ItemResult
from trainer.pretrain.heldback.dependencies import built_externs, externs_folder
from trainer.pretrain.heldback.judging import working_with
from trainer.pretrain.records import Program

__all__ = ["add_arguments", "run"]

MODEL: Final = "model"
MODEL_NAME: Final = "seed.gguf"
"""A model is asked as its name says (`sleepy_agent.fixes.prompts.profiles`); whatever this package trains is a seed."""
TOLD_EVERY: Final = 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `evaluate`."""
    parser.epilog = (
        "Each item is mended by the product's own search; it counts as verified when nothing is broken afterwards. "
        "What was measured is kept beside the result: the same command again goes on where it was stopped."
    )
    parser.add_argument("--items", type=Path, metavar="FILE", help="JSON lines that `exam` made")
    parser.add_argument("--sources", metavar="NAMES", help="whom to ask (default: model)", default=MODEL)
    parser.add_argument("--model", type=Path, metavar="FILE", help="the GGUF file of a seed model")
    parser.add_argument("--samples", type=int, default=8, help="answers to each question (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of questions (default: %(default)s)")
    parser.add_argument("--budget", default="1m", metavar="TIME", help="the most for each item (default: %(default)s)")
    parser.add_argument(
        "--threads", type=int, metavar="N", help="of the model's server; 1 is quickest where processors are busy"
    )
    parser.add_argument("--only-family", metavar="NAMES", help="only items of these families")
    parser.add_argument("--first", type=int, default=0, metavar="N", help="only the first items; they stand for all")
    parser.add_argument("--quick", action="store_true", help="judge the model's answers in batches, without the search")
    parser.add_argument("--details", type=Path, metavar="FILE", help="write what was asked, answered and tried, too")
    parser.add_argument("--out", type=Path, metavar="RESULT", help="the result, as JSON")
    parser.add_argument(
        "--compare", type=Path, nargs=2, metavar=("WITH", "WITHOUT"), help="instead, compare two results, item by item"
    )


def run(arguments: argparse.Namespace) -> int:
    """Measure or compare, and print a table."""
    if arguments.compare is not None:
        first, second = arguments.compare
        sys.stdout.write(comparison_text(compare(read_solved(first), read_solved(second))) + "\n")
        return 0
    if arguments.items is None or arguments.out is None:
        raise BadUsage("--items and --out are needed.", "Name a file of items, and one for the result.")
    setting = setting_of(arguments)
    items = chosen_items(read_items(arguments.items), setting)
    kept = arguments.out.with_suffix(".measured.jsonl")
    done = begun_results(kept, setting)
    cancel = CancelToken()
    with (
        InterruptSignals(cancel),
        kept.open("w", encoding="utf-8") as lines,
        tempfile.TemporaryDirectory(prefix="sleepy-exam-") as scratch,
    ):
        # Written again, since the last line may be half of one.
        lines.write(json.dumps(asdict(setting)) + "\n")
        lines.writelines(line_of(one) for one in done.values())
        left = [item for item in items if item.id not in done]
        for one in measured(left, arguments, setting, Path(scratch), cancel):
            done[one.item.id] = Kept(one.result, one.text)
            lines.write(line_of(done[one.item.id]))
            lines.flush()
        results = with_behaviour(items, done, Path(scratch), cancel)
    command = ["python", "-m", "trainer.pretrain", *map(shlex.quote, sys.argv[1:])]
    arguments.out.write_text(written(setting, command, results), encoding="utf-8")
    kept.unlink()
    sys.stdout.write(table_of(setting, results) + "\n")
    return 0


def setting_of(arguments: argparse.Namespace) -> Setting:
    """What is measured. Raises BadUsage."""
    sources = split_commas([arguments.sources])
    if (MODEL in sources) != (arguments.model is not None):
        raise BadUsage("The source `model` and --model go together.", "Name both or neither.")
    if arguments.model is not None and not arguments.model.is_file():
        raise BadUsage(f"There is no file {arguments.model}.", "`python -m trainer.pretrain export` writes one.")
    if arguments.quick and sources != (MODEL,):
        raise BadUsage("--quick asks the model alone.", "Leave out --quick, or the other sources.")
    return Setting(
        way="quick" if arguments.quick else "engine",
        items=arguments.items.name,
        items_sha256=sha256_of(arguments.items) if arguments.items.is_file() else "",
        model=arguments.model.name if arguments.model is not None else "",
        model_sha256=sha256_of(arguments.model) if arguments.model is not None else "",
        sources=sources,
        samples=arguments.samples,
        rounds=arguments.rounds,
        seconds=read_duration(arguments.budget, "--budget"),
        only_family=split_commas([arguments.only_family]) if arguments.only_family else (),
        first=arguments.first,
    )


def chosen_items(items: Sequence[Item], setting: Setting) -> list[Item]:
    """The items that are measured. Raises BadUsage where there are none."""
    found = [item for item in items if not setting.only_family or item.family in setting.only_family]
    found = found[: setting.first] if setting.first > 0 else found
    if not found:
        raise BadUsage("There is no such item.", "Leave out --only-family, or make the items again.")
    return found


@dataclass(frozen=True, slots=True)
class Kept:
    """What is measured of an item, and the text that it has become."""

    result: ItemResult
    text: str


def begun_results(kept: Path, setting: Setting) -> dict[str, Kept]:
    """What an earlier run with the same setting has measured; nothing where the file is of another one."""
    try:
        head, *lines = kept.read_text(encoding="utf-8").splitlines()
    except (FileNotFoundError, ValueError):
        return {}
    if json.loads(head) != json.loads(json.dumps(asdict(setting))):
        return {}
    found = [kept_from(json.loads(line)) for line in lines if line.endswith("}")]
    return {one.result.id: one for one in found}


def line_of(kept: Kept) -> str:
    """A line of the file that is gone on with."""
    return json.dumps(asdict(kept)) + "\n"


def kept_from(said: dict[str, Any]) -> Kept:
    """What was kept, as JSON has it."""
    result = said["result"]
    return Kept(ItemResult(**{**result, "sources": tuple(result["sources"])}), said["text"])


def with_behaviour(
    items: Sequence[Item], done: Mapping[str, Kept], scratch: Path, cancel: CancelToken
) -> list[ItemResult]:
    """The results in the order of the items, their behaviour tests run together. Raises CannotBuild."""
    by_crates: dict[tuple[str, ...], list[Item]] = {}
    for item in items:
        if item.behaviour and done[item.id].result.verified:
            by_crates.setdefault(tuple(name for name, _ in item.dependencies), []).append(item)
    behaves: dict[str, bool] = {}
    for names, tested in by_crates.items():
        programs = [Program(item.source, item.family, done[item.id].text, item.behaviour) for item in tested]
        folder = scratch / "-".join(("tests", *names))
        folder.mkdir()
        if names:
            passed = working_with(programs, built_externs(names, externs_folder(), cancel), folder, cancel)
        else:
            passed = behaving(programs, folder, cancel)
        behaves.update((item.id, one) for item, one in zip(tested, passed, strict=True))
    return [replace(done[item.id].result, behaves=behaves.get(item.id)) for item in items]


def measured(
    items: Sequence[Item], arguments: argparse.Namespace, setting: Setting, scratch: Path, cancel: CancelToken
) -> Iterator[Mended]:
    """Items after their repair, as they come."""
    started = time.monotonic()

    def progress(text: str) -> None:
        sys.stderr.write(f"{time.monotonic() - started:7.1f} s  {text}\n")
        sys.stderr.flush()

    places = find_places()
    said = {"model_samples": setting.samples, "model_rounds": setting.rounds, "serve_threads": arguments.threads}
    settings = settings_from(said, load_settings(places), "the options")
    options = RunOptions(setting.sources, named_as_seed(arguments.model, scratch), setting.seconds)
    repaired = quick_items if setting.way == "quick" else repaired_items
    verified = 0
    with details_file(arguments.details) as details:
        for number, one in enumerate(repaired(items, options, places, settings, cancel, progress), 1):
            if details is not None:
                details.write(json.dumps(asdict(one)) + "\n")
                details.flush()
            verified += one.result.verified
            if number % TOLD_EVERY == 0 or number == len(items):
                progress(f"{number} of {len(items)} items: {verified} verified")
            yield one


@contextmanager
def details_file(file: Path | None) -> Iterator[TextIO | None]:
    """The file that details go to, if they are wanted."""
    if file is None:
        yield None
        return
    with file.open("a", encoding="utf-8") as lines:
        yield lines


def named_as_seed(model: Path | None, scratch: Path) -> str | None:
    """The model under a name by which it is asked as a seed model."""
    if model is None:
        return None
    link = scratch / MODEL_NAME
    link.symlink_to(model.absolute())
    return str(link)
