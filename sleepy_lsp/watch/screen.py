"""How `sleepy watch` looks: offers as blocks, with a line below them that says what goes on; plain lines; JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TextIO

from rich.text import Text

from sleepy_agent.cli.render import INDENT, diff_lines, relative
from sleepy_agent.cli.values import counted
from sleepy_lsp.actions.words import ANY_JUDGE, JUDGES, NAME, flag_words
from sleepy_lsp.watch.offers import Item, Offer, Selection

if TYPE_CHECKING:
    from rich.console import Console
    from rich.live import Live

KEYS = {
    "a": "apply this fix; `sleepy undo` takes it back",
    "A": "apply every preferred fix, those no flag speaks against",
    "n": "next problem",
    "o": "another fix of this problem, where one was proven",
    "x": "not this fix: do not show it again",
    "e": "explain the problem and its fix",
    "p": "pause, or go on",
    "q": "quit",
    "?": "show this help",
}
KEY_LINE = "a apply  A all preferred  n next  x not this  e explain  p pause  q quit  ? help"
BUSY = {
    "starting": "starting",
    "recording": "recording how cargo builds the workspace",
    "checking": "checking",
    "searching": "searching fixes",
}
"""States of `sleepy/status` in which something goes on, and the one before the first of them."""
MOST_COMPANIONS = 5
"""So many other problems that the same change mends are named."""
QUIET = {"paused": "paused", "off": "off"}


@dataclass(frozen=True, slots=True)
class WorkState:
    """Where the work stands: a state of `sleepy/status` with its reason, and how many problems are known."""

    state: str = "starting"
    reason: str = ""
    problems: int = 0
    was_checked: bool = False
    """Whether anything was heard of the problems yet."""
    elapsed_seconds: float = 0.0
    """How long it has been in this state."""


class Screen(Protocol):
    """What the session tells whoever watches."""

    def show_selection(self, selection: Selection) -> None:
        """Other things are on offer, or another one of them is looked at."""

    def show_state(self, state: WorkState) -> None:
        """The work stands elsewhere, or goes on for a second more."""

    def show_applied(self, title: str, files: Sequence[Path], diff: str) -> None:
        """A fix was written; `diff` is empty where it was shown before."""

    def tell(self, text: str, *, is_trouble: bool = False) -> None:
        """One sentence."""

    def show_markdown(self, text: str) -> None:
        """An explanation."""

    def close(self) -> None:
        """Leave the terminal as it was."""


def title_of(offer: Offer) -> str:
    """What the offer changes: its title without who offers it and how it was proven, which lines of their own say."""
    title = offer.title.removeprefix(NAME)
    return title.rpartition(f" ({judge_of(offer)} ")[0] or title


def judge_of(offer: Offer) -> str:
    """Who accepted the offer."""
    return JUDGES.get(offer.proof, ANY_JUDGE)


def heading(item: Item, root: Path) -> Text:
    """`error[E0382]: borrow of moved value: x   src/lib.rs:12:5   borrow_checker`."""
    code = f"[{item.code}]" if item.code else ""
    first_line = item.message.splitlines()[0] if item.message else ""
    place = f"{relative(item.path, root)}:{item.line}:{item.column}"
    return Text.assemble(
        (f"error{code}", "bold red"), (f" {first_line}", "bold"), "   ", (place, "cyan"), "   ", (item.family, "dim")
    )


def offer_lines(item: Item, offer: Offer, root: Path) -> list[Text]:
    """What else it mends, title and source, the diff, how it was proven, what speaks against it, what else passed."""
    lines = [heading(other, root) for other in item.companions[:MOST_COMPANIONS]]
    if len(item.companions) > MOST_COMPANIONS:
        lines.append(Text(f"and {counted(len(item.companions) - MOST_COMPANIONS, 'more problem')}", "dim"))
    lines.append(Text.assemble((title_of(offer), "bold"), (f"   from {offer.source}", "dim")))
    lines += diff_lines(offer.diff, relative(item.path, root))
    lines.append(Text(f"proof: {judge_of(offer)} accepts it", "green"))
    if offer.flags:
        lines.append(Text(f"flags: {', '.join(flag_words(offer.flags))}", "yellow"))
    others = [title_of(other) for other in item.offers if other.offer_id != offer.offer_id]
    if others:
        lines.append(Text(f"also proven (o): {'; '.join(others[:3])}", "dim"))
    return lines


def block(title: Text, lines: Iterable[Text]) -> Text:
    """An empty line, a headline, and what belongs to it: one text, as the line below is drawn anew after each."""
    return Text("\n").join([Text(), title, *(Text.assemble(INDENT, line) for line in lines)])


def state_text(state: WorkState, selection: Selection) -> str:
    """`checking, 3 s   2 problems, 1 with a fix, 1 preferred`."""
    known = "no errors known" if state.was_checked else ""
    if state.problems or selection.items:
        mended = [(item, 1 + len(item.companions)) for item in selection.items]
        fixable = sum(count for _, count in mended)
        preferred = sum(count for item, count in mended if item.offers[0].preferred)
        known = f"{counted(max(state.problems, fixable), 'problem')}, {fixable} with a fix, {preferred} preferred"
    work = BUSY.get(state.state) or QUIET.get(state.state, "watching")
    if state.state in BUSY and state.elapsed_seconds >= 1:
        work = f"{work}, {state.elapsed_seconds:.0f} s"
    if state.reason and (state.state in QUIET or state.state == "recording"):
        work = f"{work}: {state.reason}"
    return "   ".join(filter(None, [work, known]))


class LineScreen:
    """For a file or a pipe: each offer once, as lines; and where the work stands when it takes long."""

    def __init__(self, console: Console, root: Path) -> None:
        self._console = console
        self._root = root
        self._shown: set[tuple[str, str]] = set()
        self._said = ""

    def show_selection(self, selection: Selection) -> None:
        for item in selection.items:
            offer = item.offers[0]
            if (offer.offer_id, offer.diff) not in self._shown:
                self._shown.add((offer.offer_id, offer.diff))
                self._console.print(block(heading(item, self._root), offer_lines(item, offer, self._root)))

    def show_state(self, state: WorkState) -> None:
        said = state_text(replace(state, problems=0, elapsed_seconds=0.0), Selection())
        if state.state in {"recording", *QUIET} and said != self._said:
            self._console.print(Text(said, "dim"))
        self._said = said

    def show_applied(self, title: str, files: Sequence[Path], diff: str) -> None:
        """Nothing is applied where nobody can type a key."""

    def tell(self, text: str, *, is_trouble: bool = False) -> None:
        self._console.print(Text(text, "yellow" if is_trouble else "dim"))

    def show_markdown(self, text: str) -> None:
        self._console.print(text)

    def close(self) -> None:
        """There is nothing to put back."""


class JsonScreen:
    """For a program: one JSON object a line, see `EVENTS` in command.py."""

    def __init__(self, output: TextIO, root: Path) -> None:
        self._output = output
        self._root = root
        self._shown: dict[str, tuple[str, str]] = {}
        self._state: tuple[str, str] | None = None

    def show_selection(self, selection: Selection) -> None:
        items = [one for item in selection.items for one in (item, *item.companions)]
        present = {offer.offer_id for item in items for offer in item.offers}
        for gone in [offer_id for offer_id in self._shown if offer_id not in present]:
            del self._shown[gone]
            self._write("gone", offer_id=gone)
        for item in items:
            for offer in item.offers:
                if self._shown.get(offer.offer_id) != (offer.diff, str(offer.preferred)):
                    self._shown[offer.offer_id] = (offer.diff, str(offer.preferred))
                    self._write("offer", **self._members(item, offer))

    def show_state(self, state: WorkState) -> None:
        if (state.state, state.reason) != self._state:
            self._state = (state.state, state.reason)
            self._write("status", state=state.state, reason=state.reason or None, problems=state.problems)

    def show_applied(self, title: str, files: Sequence[Path], diff: str) -> None:
        """Nothing is applied where nobody can type a key."""

    def tell(self, text: str, *, is_trouble: bool = False) -> None:
        self._write("trouble" if is_trouble else "note", message=text)

    def show_markdown(self, text: str) -> None:
        self._write("explanation", markdown=text)

    def close(self) -> None:
        """There is nothing to put back."""

    def _members(self, item: Item, offer: Offer) -> dict[str, Any]:
        return {
            "offer_id": offer.offer_id,
            "problem_id": item.problem_id,
            "file": relative(item.path, self._root),
            "line": item.line,
            "column": item.column,
            "code": item.code,
            "message": item.message,
            "family": item.family,
            "title": title_of(offer),
            "source": offer.source,
            "proof": offer.proof,
            "flags": list(offer.flags),
            "preferred": offer.preferred,
            "diff": offer.diff,
            "trigger": offer.trigger,
        }

    def _write(self, event: str, **members: Any) -> None:
        self._output.write(json.dumps({"event": event, **members}, ensure_ascii=False) + "\n")
        self._output.flush()


class TerminalScreen:
    """For somebody who looks: the shown offer as a block, and a line below it that is drawn anew in place."""

    def __init__(self, console: Console, root: Path, *, moves: bool) -> None:
        self._console = console
        self._root = root
        self._moves = moves
        self._live: Live | None = None
        self._shown: tuple[str, str, str] | None = None
        self._selection = Selection()
        self._state = WorkState()

    def show_selection(self, selection: Selection) -> None:
        self._selection = selection
        item, offer = selection.item, selection.offer
        if item is not None and offer is not None:
            key = (item.problem_id, offer.offer_id, offer.diff)
            if key != self._shown:
                self._shown = key
                number = f"[{selection.number}/{len(selection.items)}] "
                title = Text.assemble((number, "dim"), heading(item, self._root))
                self._console.print(block(title, offer_lines(item, offer, self._root)))
                if not self._moves:
                    self._console.print(Text(KEY_LINE, "dim"))
        self._draw()

    def show_state(self, state: WorkState) -> None:
        self._state = state
        self._draw()

    def show_applied(self, title: str, files: Sequence[Path], diff: str) -> None:
        names = ", ".join(relative(path, self._root) for path in files)
        self._shown = None
        title_line = Text(f"applied: {title}   wrote {names}   sleepy undo takes it back", "bold green")
        self._console.print(block(title_line, diff_lines(diff, names)))
        self._draw()

    def tell(self, text: str, *, is_trouble: bool = False) -> None:
        self._console.print(Text(text, "yellow" if is_trouble else ""))
        self._draw()

    def show_markdown(self, text: str) -> None:
        from rich.markdown import Markdown

        self._console.print(Markdown(text))
        self._draw()

    def show_help(self) -> None:
        """The keys."""
        for key, meaning in KEYS.items():
            self._console.print(Text.assemble((f"{key}  ", "bold"), meaning))
        self._draw()

    def close(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _draw(self) -> None:
        if not self._moves:
            return
        keys = KEY_LINE if self._selection.items else "p pause  q quit  ? help"
        text = state_text(self._state, self._selection)
        line = Text.assemble((text, "bold" if self._state.state in BUSY else "dim"), "   ", (keys, "dim"))
        line.no_wrap = True
        line.truncate(max(20, self._console.width - 1), overflow="ellipsis")
        if self._live is None:
            from rich.live import Live

            self._live = Live(
                line,
                console=self._console,
                auto_refresh=False,
                transient=True,
                redirect_stdout=False,
                redirect_stderr=False,
            )
            self._live.start()
        self._live.update(line, refresh=True)
