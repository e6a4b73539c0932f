"""Both readings of one broken text: what Sleepy applies unasked, and what it makes with every best offer taken."""

from __future__ import annotations

import traceback
from collections.abc import Callable

from benchmarks.real_crates.judging import JudgedCopy, Texts
from benchmarks.real_crates.report import EVERY_OFFER, UNASKED
from benchmarks.real_crates.scoring import UNCHANGED, Score, score_texts
from benchmarks.real_crates.sleepy import Repair, WarmSession, repaired
from sleepy_agent.errors import Interrupted
from sleepy_agent.process import CancelToken


def both_readings(
    session: WarmSession, copy: JudgedCopy, broken: Texts, name: str, say: Callable[[str], None], cancel: CancelToken
) -> tuple[dict[str, Score], Repair | None]:
    """The scores of both readings by their names, and the repair with every offer taken; None where Sleepy failed,
    which is said under `name`."""
    try:
        unasked = repaired(session, broken, cancel)
        # Where nothing was refused, whoever says yes to everything gets the same.
        every_offer = repaired(session, broken, cancel, take_every_offer=True) if unasked.declined else unasked
    except Interrupted:
        raise
    except Exception:  # One defect must not cost the figures of all others; it is counted and shown.
        say(f"    Sleepy failed at {name}:\n{traceback.format_exc()}")
        return {UNASKED: UNCHANGED, EVERY_OFFER: UNCHANGED}, None
    first = score_texts(copy, broken, unasked.after, unasked.seconds, cancel)
    second = first
    if every_offer is not unasked:
        # The offers were there when the first reading ended.
        second = score_texts(copy, broken, every_offer.after, unasked.seconds, cancel)
    return {UNASKED: first, EVERY_OFFER: second}, every_offer
