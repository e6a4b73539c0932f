"""Who answers when a fix is offered: the user at a prompt, or a rule."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from rich.text import Text

from sleepy_agent.cli.progress import Progress
from sleepy_agent.cli.render import INDENT, print_mended_too, print_offer
from sleepy_agent.cli.terminal import Terminal, ask
from sleepy_agent.domain import Problem
from sleepy_agent.fixes.events import Decide, Decision, Emit, Event, FixAccepted, Offer
from sleepy_agent.process import CancelToken

if TYPE_CHECKING:
    from rich.console import Console

QUESTION = "Apply this fix [y,n,a,s,q,?]? "
ANSWERS = {
    "y": (Decision.YES, "apply this fix"),
    "n": (Decision.NO, "do not apply it, go to the next problem"),
    "a": (Decision.ALL, "apply this one and every preferred one that follows; flagged ones are still asked"),
    "s": (Decision.SKIP_FILE, "leave this problem and the rest of this file"),
    "q": (Decision.QUIT, "quit; what was applied stays applied"),
}
"""Letter: what it decides, and what `?` says of it. The letters are those of `git add -p` where it has them."""


OfferKey = tuple[str, Path | None, str, tuple[str, ...]]


@dataclass(slots=True)
class _Standing:
    """Answers that hold for later offers, too."""

    take_preferred: bool = False
    skipped_files: set[Path] = field(default_factory=set)
    answers: dict[OfferKey, Decision] = field(default_factory=dict)


def offer_key(offer: Offer) -> OfferKey:
    """The same change for the same mistake, also when the lines around it have moved.

    A round takes in what goes together; the rest is found, and offered, again in the next one.
    """
    span = offer.fix.problem.span
    changed = tuple(line for line in offer.diff.splitlines() if line.startswith(("+", "-")))
    return (offer.fix.problem.signature, span.file if span else None, offer.fix.candidate.title, changed)


def take_preferred(offer: Offer) -> Decision:
    """The rule of --apply and --dry-run: what no flag speaks against is taken, the rest is left to the user."""
    return Decision.YES if offer.fix.preferred else Decision.NO


def show_what_is_taken(console: Console, root: Path, progress: Progress, *, why: bool = False) -> tuple[Decide, Emit]:
    """`take_preferred`, and events shown with a block for each fix once it is taken: what is left stands in the
    report at the end."""
    offers: dict[Problem, Offer] = {}
    shown: set[OfferKey] = set()

    def decide(offer: Offer) -> Decision:
        offers[offer.fix.problem] = offer
        return take_preferred(offer)

    def emit(event: Event) -> None:
        if not isinstance(event, FixAccepted):
            progress.show(event)
            return
        problem = event.fix.problem
        offer = offers.get(problem)
        if offer is None and event.diff:
            # It was agreed to in an earlier round, and the text around it has moved since.
            offer = Offer(event.fix, event.diff, event.why, (), 1, 1, event.ranking)
        key = offer_key(offer) if offer else (problem.signature, None, event.fix.candidate.title, (str(problem.span),))
        if key in shown:
            # A run that begins again without one of its fixes takes the others once more.
            return
        shown.add(key)
        progress.pause()
        if offer is None:
            print_mended_too(console, event.fix, root)
        else:
            print_offer(console, offer, root, why=why)
        console.print()

    return decide, emit


def ask_for_each(
    terminal: Terminal,
    console: Console,
    root: Path,
    cancel: CancelToken,
    pause: Callable[[], None],
    *,
    why: bool = False,
) -> Decide:
    """Show each offer and ask. `pause` stops whatever moves on the screen; `why`: show the order of candidates."""
    standing = _Standing()

    def decide(offer: Offer) -> Decision:
        file = offer.fix.problem.span.file if offer.fix.problem.span else None
        key = offer_key(offer)
        if file in standing.skipped_files:
            return Decision.SKIP_FILE
        if key in standing.answers:
            return standing.answers[key]
        pause()
        print_offer(console, offer, root, numbered=True, why=why)
        if standing.take_preferred and offer.fix.preferred:
            console.print(Text(f"{INDENT}applied, as you said", "dim"))
            decision = Decision.YES
        else:
            decision = _ask(terminal, console, cancel)
        console.print()
        if decision is Decision.ALL:
            # The engine is told yes, once: what follows is decided here, where each is shown.
            standing.take_preferred = True
            decision = Decision.YES
        if decision is Decision.SKIP_FILE and file is not None:
            standing.skipped_files.add(file)
        standing.answers[key] = decision
        return decision

    return decide


def _ask(terminal: Terminal, console: Console, cancel: CancelToken) -> Decision:
    while True:
        answer = ask(terminal, QUESTION, cancel)
        if answer is None:
            # The input has ended: nobody will answer the next one either.
            console.print()
            return Decision.QUIT
        letter = answer[:1].lower()
        if letter in ANSWERS:
            return ANSWERS[letter][0]
        for known, (_, meaning) in ANSWERS.items():
            console.print(Text(f"{known} - {meaning}", "red" if letter == "?" else "yellow"))
