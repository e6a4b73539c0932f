"""rustc as the judge of made programs: many small modules in one call, each in a file of its own, so that places are
those of the program alone.

Only errors of the parser hide what other modules have to say. Whether they did is seen from a module that always has an
error of the last phase: where rustc does not report that one, only what it reported counts, and the others are asked
again. What rustc says with an eye on other modules of the call (their types, their imports) is asked once more alone.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from sleepy_agent.cargo.diagnostics import SUMMARY, all_texts, diagnostic_from_json
from sleepy_agent.cargo.problems import judged_diagnostics
from sleepy_agent.cargo.toolchain import cargo_environment, find_toolchain
from sleepy_agent.code.name_abstraction import IN_QUOTES, kept_words
from sleepy_agent.code.syntax import parse_rust
from sleepy_agent.domain import Diagnostic
from sleepy_agent.process import CancelToken, run_process
from trainer.pretrain.records import FILE

__all__ = ["Said", "ask_rustc", "check", "compiling"]

EDITION: Final = "2021"
MOST_TOGETHER: Final = 120
"""Modules in one call: more are not quicker, and one that rustc chokes on costs the others less."""
ROUNDS_AGAIN: Final = 3
LONGEST_SECONDS: Final = 60.0
MODULE: Final = "sleepy_m"
_MODULE_FILE: Final = re.compile(rb"sleepy_m(\d+)\.rs")
_WORD: Final = re.compile(r"[A-Za-z_]\w*")
LATE: Final = f"{MODULE}_late"
LATE_TEXT: Final = "pub fn late(text: String) {\n    drop(text);\n    drop(text);\n}\n"
ROOT: Final = "lib.rs"


@dataclass(frozen=True, slots=True)
class Said:
    """What rustc says of one text: its errors, each once, with all places in `FILE`. `about_others`: whether it would
    say something else if the text were alone."""

    errors: tuple[Diagnostic, ...]
    about_others: bool = False


@dataclass(frozen=True, slots=True)
class Reply:
    """What one call says, by module, in the order of the texts. `reached_the_end`: whether every phase had its say;
    `failed`: whether rustc itself did not come to an end."""

    said: tuple[Said, ...]
    reached_the_end: bool
    failed: bool = False


def check(texts: Sequence[str], folder: Path, cancel: CancelToken) -> list[Said]:
    """The errors of each text, as if it were compiled alone. `folder`: an empty one to write into."""
    found: dict[int, Said] = {}
    broken = [number for number, text in enumerate(texts) if parse_rust(text.encode()).has_error]
    others = [number for number in range(len(texts)) if number not in set(broken)]
    # Where the parser stops rustc, whatever has no error yet has not been heard.
    unheard = [number for part in parts_of(broken) for number in ask_some(part, texts, found, folder, cancel)]
    waiting = parts_of([*others, *unheard])
    while waiting:
        part = waiting.pop(0)
        left = ask_some(part, texts, found, folder, cancel)
        if left and len(left) == len(part):
            # Nobody said anything, and yet the end was not reached: the halves tell who is to blame.
            if len(part) == 1:
                found[part[0]] = Said((), about_others=True)
                continue
            middle = len(part) // 2
            waiting = [part[:middle], part[middle:], *waiting]
        elif left:
            waiting.insert(0, left)
    # Most are in nobody's way once those of their own kind are among themselves.
    for ask in (ask_again, ask_alone):
        ask([number for number in sorted(found) if found[number].about_others], texts, found, folder, cancel)
    return [found[number] for number in range(len(texts))]


def ask_again(
    numbers: Sequence[int], texts: Sequence[str], found: dict[int, Said], folder: Path, cancel: CancelToken
) -> None:
    """Ask about these texts once more, in a few calls without all the others."""
    for part in range(min(ROUNDS_AGAIN, len(numbers))):
        ask_some(numbers[part::ROUNDS_AGAIN], texts, found, folder, cancel)


def ask_alone(
    numbers: Sequence[int], texts: Sequence[str], found: dict[int, Said], folder: Path, cancel: CancelToken
) -> None:
    """Ask about each of these texts in a call of its own."""
    for number in numbers:
        found[number] = check_alone(texts[number], folder, cancel)


def parts_of(numbers: Sequence[int]) -> list[list[int]]:
    """The numbers in parts of equal size, small enough for one call."""
    count = -(-len(numbers) // MOST_TOGETHER)
    return [list(numbers[part::count]) for part in range(count)]


def ask_some(
    numbers: Sequence[int], texts: Sequence[str], found: dict[int, Said], folder: Path, cancel: CancelToken
) -> list[int]:
    """Ask rustc about these texts and note what it says; returns those that it has not come to."""
    reply = ask_rustc([texts[number] for number in numbers], folder, cancel)
    for number, said in zip(numbers, reply.said, strict=True):
        if reply.reached_the_end or said.errors:
            found[number] = said
    return [number for number in numbers if number not in found]


def check_alone(text: str, folder: Path, cancel: CancelToken) -> Said:
    """The errors of a text that is a crate of its own."""
    (folder / ROOT).write_text(text, encoding="utf-8")
    outcome = run_process(
        rustc_command("--crate-type=lib", "--emit=metadata", "-o", str(folder / "lib.rmeta"), ROOT),
        cwd=folder,
        environment=cargo_environment(),
        timeout_seconds=LONGEST_SECONDS,
        cancel=cancel,
    )
    cancel.raise_if_cancelled()
    messages = [message for line in outcome.stderr.splitlines() if (message := message_of(line)) is not None]
    return Said(judged_diagnostics((diagnostic_from_json(one, lambda _: FILE) for one in messages), with_clippy=False))


def compiling(texts: Sequence[str], folder: Path, cancel: CancelToken) -> list[bool]:
    """Which texts compile, deny-by-default lints included."""
    good: set[int] = set()
    waiting = parts_of(range(len(texts)))
    while waiting:
        part = waiting.pop()
        reply = ask_rustc([texts[number] for number in part], folder, cancel, with_late=False)
        left = [number for number, said in zip(part, reply.said, strict=True) if not said.errors]
        if left == part and not reply.failed:
            good.update(part)
        elif left and left != part:
            waiting.append(left)
        elif left and len(part) > 1:
            middle = len(part) // 2
            waiting += [part[:middle], part[middle:]]
    return [number in good for number in range(len(texts))]


# ---- one call ---------------------------------------------------------------------------------------------


def ask_rustc(texts: Sequence[str], folder: Path, cancel: CancelToken, *, with_late: bool = True) -> Reply:
    """Compile the texts as modules of one crate."""
    write_modules(texts, folder, with_late=with_late)
    outcome = run_process(
        rustc_command("--crate-type=lib", "--emit=metadata", "-o", str(folder / "lib.rmeta"), ROOT),
        cwd=folder,
        environment=cargo_environment(),
        timeout_seconds=LONGEST_SECONDS,
        cancel=cancel,
    )
    cancel.raise_if_cancelled()
    said, reached = read_reply(outcome.stderr.splitlines(), texts)
    failed = outcome.timed_out or outcome.returncode not in {0, 1} or (outcome.returncode == 1 and not outcome.stderr)
    return Reply(said, reached and not failed, failed)


def write_modules(texts: Iterable[str], folder: Path, *, with_late: bool = False) -> None:
    """The files of a crate with a module for each text."""
    names = []
    for number, text in enumerate(texts):
        names.append(f"{MODULE}{number}")
        (folder / f"{names[-1]}.rs").write_text(text, encoding="utf-8")
    if with_late:
        names.append(LATE)
        (folder / f"{LATE}.rs").write_text(LATE_TEXT, encoding="utf-8")
    (folder / ROOT).write_text("".join(f"mod {name};\n" for name in names), encoding="utf-8")


def rustc_command(*arguments: str) -> list[str]:
    """rustc for made programs: nobody's warnings, messages for machines."""
    common = ["--edition", EDITION, "--crate-name=lessons", "-Awarnings", "--error-format=json"]
    return [str(rustc_path()), *common, *arguments]


@cache
def rustc_path() -> Path:
    """The rustc of the working directory's toolchain, past rustup."""
    return find_toolchain(Path()).rustc


def read_reply(lines: Iterable[bytes], texts: Sequence[str]) -> tuple[tuple[Said, ...], bool]:
    """rustc's messages by module, and whether the last phase had its say."""
    errors: list[list[Diagnostic]] = [[] for _ in texts]
    foreign: set[int] = set()
    reached = False
    for line in lines:
        if LATE.encode() in line and b'"E0382"' in line:
            reached = True
            continue
        modules = {int(one) for one in _MODULE_FILE.findall(line)}
        if not modules:
            continue
        message = message_of(line) if len(modules) > 1 else message_of(with_own_names(line, *modules))
        if message is None or message["level"] not in {"error", "error: internal compiler error"}:
            continue
        if len(modules) > 1:
            # Both sides hear that they are not alone.
            foreign |= modules
            for module in modules:
                errors[module].append(diagnostic_from_json(message, lambda _: FILE))
            continue
        module = next(iter(modules))
        errors[module].append(diagnostic_from_json(message, lambda _: FILE))
        if MODULE in json.dumps([message["message"], message["children"], message["spans"]]):
            foreign.add(module)
    for module in find_talk_of_others(errors, texts):
        foreign.add(module)
    said = tuple(
        Said(judged_diagnostics(own, with_clippy=False), about_others=number in foreign)
        for number, own in enumerate(errors)
    )
    return said, reached


def with_own_names(line: bytes, module: int) -> bytes:
    """A message without the module that a text stands in: as the root of a crate sees it."""
    name = f"{MODULE}{module}".encode()
    line = line.replace(name + b".rs", str(FILE).encode())
    return re.sub(rb"\b" + name + rb"::", b"", line)


def message_of(line: bytes) -> dict[str, Any] | None:
    """A message of rustc that is no summary."""
    if not line.startswith(b"{"):
        return None
    message: dict[str, Any] = json.loads(line)
    return None if "level" not in message or SUMMARY.match(message["message"]) else message


def find_talk_of_others(errors: Sequence[Sequence[Diagnostic]], texts: Sequence[str]) -> Iterator[int]:
    """Modules whose errors name something that stands in other modules only."""
    spoken = {number: set(words_said(own)) for number, own in enumerate(errors) if own}
    if not any(spoken.values()):
        return
    own_words = [set(_WORD.findall(text)) for text in texts]
    holders: Mapping[str, int] = Counter(word for words in own_words for word in words)
    for number, words in spoken.items():
        if any(word in holders and word not in own_words[number] for word in words):
            yield number


def words_said(errors: Iterable[Diagnostic]) -> Iterator[str]:
    """The names that errors have in them, std's apart: its type parameters are single letters."""
    for error in errors:
        for text in all_texts(error):
            for quoted in IN_QUOTES.findall(text):
                yield from (word for word in _WORD.findall(quoted) if len(word) > 1 and word not in kept_words())
            if "\n" in text:
                # Lists of types ("the following other types implement ..") are not always quoted.
                words = _WORD.findall(text)
                yield from (word for word in words if len(word) > 1 and word[0].isupper() and word not in kept_words())
