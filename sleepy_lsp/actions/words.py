"""How offers are called: what they change, how that was proven, and what they do beyond compiling. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePath

from sleepy_agent.code.flags import all_flags
from sleepy_agent.domain import Verdict
from sleepy_agent.live.messages import BundleKind, FixBundle, LiveOffer

NAME = "Sleepy: "
JUDGES = {"replay": "rustc", "cargo": "cargo check"}
ANY_JUDGE = "the compiler"
LONGEST_CHANGE = 120
"""Characters; what is longer is cut, as menus do, but where we choose."""
LONGEST_QUOTED_LINE = 60


def proof_words(verdict: Verdict) -> str:
    """How a fix was proven."""
    return f"{JUDGES.get(verdict.method, ANY_JUDGE)} accepts it"


def flag_words(flags: Iterable[str]) -> tuple[str, ...]:
    """What flags say; a flag that this version does not know is called by its name."""
    table = all_flags()
    return tuple(table[name].says if name in table else name for name in flags)


def what_else(verdict: Verdict) -> tuple[str, ...]:
    """Everything a fix does beyond mending its problem."""
    hidden = len(verdict.unmasked)
    if not hidden:
        return flag_words(verdict.flags)
    return (*flag_words(verdict.flags), f"brings {counted(hidden, 'error')} to light that it hid")


def change_words(offer: LiveOffer) -> str:
    """What an offer changes. rustc's own words often name nothing ("consider importing one of these"): then the line
    that comes in is added."""
    title = one_line(offer.fix.candidate.title)
    return title if "`" in title else with_line(title, offer)


def with_line(title: str, offer: LiveOffer) -> str:
    """A title and the only line that comes in, where there is only one and it is short."""
    line = only_inserted_line(offer.diff)
    return f"{title}: `{line}`" if line and len(line) <= LONGEST_QUOTED_LINE and line not in title else title


def only_inserted_line(diff: str) -> str | None:
    """The line that a diff inserts, None where there are several or none."""
    lines = [line[1:].strip() for line in diff.splitlines() if line.startswith("+") and not line.startswith("+++ ")]
    return lines[0] if len(lines) == 1 else None


def offer_title(offer: LiveOffer, change: str | None = None) -> str:
    """The title of an offer: what changes, how it was proven, what else it does."""
    verdict = offer.fix.verdict
    says = "; ".join([proof_words(verdict), *what_else(verdict)])
    return f"{NAME}{change or change_words(offer)} ({says})"


def offer_titles(offers: Iterable[LiveOffer]) -> dict[str, str]:
    """The titles of offers that stand side by side, by id: equal words get the lines that tell them apart."""
    together = tuple(offers)
    plain = {offer.offer_id: change_words(offer) for offer in together}
    words = list(plain.values())
    return {
        offer.offer_id: offer_title(
            offer, with_line(plain[offer.offer_id], offer) if words.count(plain[offer.offer_id]) > 1 else None
        )
        for offer in together
    }


def bundle_title(bundle: FixBundle, members: Iterable[LiveOffer]) -> str:
    """The title of several fixes at once."""
    together = tuple(members)
    count = len(bundle.offer_ids)
    of_kind = f"{counted(count, f'{bundle.subject} problem')} in the workspace"
    all_of_them = f"{counted(count, 'safe problem')} in this file" if bundle.kind == BundleKind.FILE else of_kind
    proof = f"{JUDGES.get(method_of(together), ANY_JUDGE)} accepts the whole"
    return f"{NAME}fix all {all_of_them} ({'; '.join([proof, *flag_words(flags_of(together))])})"


def method_of(members: Iterable[LiveOffer]) -> str:
    """How the whole was proven: what is verified by cargo alone is so together."""
    methods = {offer.fix.verdict.method for offer in members}
    return methods.pop() if len(methods) == 1 else "cargo"


def flags_of(members: Iterable[LiveOffer]) -> tuple[str, ...]:
    """The flags of all members, each once."""
    return tuple(dict.fromkeys(flag for offer in members for flag in offer.fix.verdict.flags))


def source_of(members: Iterable[LiveOffer]) -> str:
    """Who proposed the members, as combined sources are called: `template+compiler`."""
    return "+".join(dict.fromkeys(offer.fix.candidate.source for offer in members))


def one_line(text: str) -> str:
    """Any words on one line, cut where they are too long for a menu."""
    words = " ".join(text.split())
    return words if len(words) <= LONGEST_CHANGE else words[: LONGEST_CHANGE - 1].rstrip() + "…"


def counted(count: int, noun: str) -> str:
    """`1 problem`, `2 problems`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def shown_path(path: PurePath, root: PurePath) -> str:
    """A path as the user knows it: from the root of the workspace where it lies there."""
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)
