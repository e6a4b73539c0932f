"""Pairs of an erroneous and a corrected example that behave as they say, found at run time and cached."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.error_index.explanations import EDITIONS, Block, Claim, Form, blocks_of, program_of
from benchmarks.error_index.judge import Judgement, judge
from benchmarks.machine import cache_directory, rustc_version
from sleepy_agent.process import CancelToken, run_process

HIGHEST_CODE = 1000
"""Codes are asked for one by one up to here; rustc 1.95 ends at E0806."""

CACHE_SCHEMA = 2
"""Raised when the way of pairing changes, so that old caches are not used."""

Judge = Callable[[str, str, bool], Judgement]


@dataclass(frozen=True, slots=True)
class Setting:
    """How a block is compiled."""

    edition: str
    form: Form
    bootstrap: bool


@dataclass(frozen=True, slots=True)
class Example:
    """A pair: `erroneous` fails with `code` and no other, `corrected` compiles, both as `setting` says."""

    name: str
    """`E0382-1`: the code, and the number of the erroneous block among all blocks of its explanation."""
    code: str
    edition: str
    bootstrap: bool
    erroneous: str
    corrected: str
    shared_reference: bool
    """Whether an erroneous example before this one has the same corrected one."""


def settings_for(block: Block) -> tuple[Setting, ...]:
    """All ways to compile a block, in the order of preference."""
    editions = (block.edition,) if block.edition else EDITIONS
    # With a main function of its own both forms give the same program.
    forms = (Form.AS_RUSTDOC,) if block.has_main else (Form.AS_RUSTDOC, Form.WITH_EMPTY_MAIN)
    return tuple(Setting(edition, form, block.needs_bootstrap) for form in forms for edition in editions)


def pairs_of(code: str, blocks: Sequence[Block], judge_program: Judge) -> Iterator[Example]:
    """Each erroneous block of one explanation with the next block that compiles.

    Both must be programs of one edition, because a member crate has only one.
    """
    seen: dict[tuple[int, Setting], Judgement] = {}

    def judged(block: Block, setting: Setting) -> Judgement:
        key = (block.index, setting)
        if key not in seen:
            seen[key] = judge_program(program_of(block.text, setting.form), setting.edition, setting.bootstrap)
        return seen[key]

    used: set[int] = set()
    code_blocks = [block for block in blocks if block.claim is not Claim.NOT_CODE]
    for position, block in enumerate(code_blocks):
        if block.claim is Claim.CORRECTED:
            continue
        for setting in settings_for(block):
            if judged(block, setting).codes != {code}:
                continue
            found = _next_corrected(code_blocks[position + 1 :], setting.edition, judged)
            if found:
                corrected, corrected_setting = found
                yield Example(
                    name=f"{code}-{block.index + 1}",
                    code=code,
                    edition=setting.edition,
                    bootstrap=setting.bootstrap or corrected_setting.bootstrap,
                    erroneous=program_of(block.text, setting.form),
                    corrected=program_of(corrected.text, corrected_setting.form),
                    shared_reference=corrected.index in used,
                )
                used.add(corrected.index)
                break


def _next_corrected(
    blocks: Sequence[Block], edition: str, judged: Callable[[Block, Setting], Judgement]
) -> tuple[Block, Setting] | None:
    for block in blocks:
        if block.claim is Claim.ERRONEOUS:
            continue
        for setting in settings_for(block):
            if setting.edition == edition and judged(block, setting).compiles:
                return block, setting
    return None


def explanation_of(code: str, cancel: CancelToken | None = None) -> str:
    """What `rustc --explain CODE` prints; empty where there is no such code."""
    if cancel:
        cancel.raise_if_cancelled()
    outcome = run_process(["rustc", "--explain", code], timeout_seconds=30, cancel=cancel)
    return outcome.stdout.decode(errors="replace") if outcome.succeeded else ""


def collect_examples(cancel: CancelToken, workers: int, say: Callable[[str], None]) -> tuple[Example, ...]:
    """All pairs of this compiler, from the cache where it has them for this very compiler."""
    key = hashlib.sha256(f"{rustc_version()} {CACHE_SCHEMA}".encode()).hexdigest()[:16]
    path = cache_directory() / "error_index" / f"pairs-{key}.json"
    if path.exists():
        say("taking the pairs from the cache of this compiler")
        return tuple(Example(**entry) for entry in json.loads(path.read_text(encoding="utf-8")))
    codes = [f"E{number:04d}" for number in range(1, HIGHEST_CODE)]
    say("reading `rustc --explain` and compiling every example in it (some minutes, once for each compiler)")

    def pairs(code: str) -> tuple[Example, ...]:
        blocks = blocks_of(explanation_of(code, cancel))

        def judge_program(source: str, edition: str, bootstrap: bool) -> Judgement:
            return judge(source, edition, bootstrap, cancel)

        return tuple(pairs_of(code, blocks, judge_program))

    with ThreadPoolExecutor(workers) as pool:
        found = tuple(example for examples in pool.map(pairs, codes) for example in examples)
    cancel.raise_if_cancelled()
    _write_atomically(path, json.dumps([asdict(example) for example in found]))
    return found


def _write_atomically(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".new")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)
