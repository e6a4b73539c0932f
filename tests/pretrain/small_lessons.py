"""Made-up lessons of two easy kinds, in the form of the seed's questions: enough to see whether anything is learnt."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from trainer.pretrain.records import Lesson

SPLITS = ("train",) * 8 + ("tune", "report")


def small_lessons(count: int) -> list[Lesson]:
    """So many lessons, always the same."""
    return list(lessons(count, random.Random("small lessons")))


def lessons(count: int, choose: random.Random) -> Iterator[Lesson]:
    for number in range(count):
        kind = choose.choice(("mut", "some"))
        before = [f'    println!("{{}}", {choose.randint(1, 99)}u32);' for _ in range(choose.randint(0, 3))]
        row = 2 + len(before)
        if kind == "mut":
            body = [*before, "    let v1 = Vec::new();", f"    v1.push({choose.randint(1, 9)});", "    v1.len()"]
            head, code = "pub fn f1() -> usize {", "E0596"
            said = "E0596 cannot borrow `v1` as mutable, as it is not declared as mutable"
            answer = f"L{row} v1 <=> mut v1"
        else:
            body = [*before, "    v2"]
            head, code = "pub fn f1(v2: u64) -> Option<u64> {", "E0308"
            said = "E0308 mismatched types"
            answer = f"L{row} v2 <=> Some(v2)"
        shown = "".join(f"L{place}|{line}\n" for place, line in enumerate([head, *body, "}"], 1))
        prompt = f"<code>\n{shown}<error>\n{said}\nL{row} `v1`: here\n<edit>\n"
        split = SPLITS[number % len(SPLITS)]
        yield Lesson(f"template:{kind}", kind, "borrow_checker", code, prompt, answer, split, kind)


def write_lessons(file: Path, count: int) -> Path:
    """The same in a file of JSON lines."""
    lines = [json.dumps(asdict(lesson)) for lesson in small_lessons(count)]
    file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return file
