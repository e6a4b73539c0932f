"""`python -m benchmarks.error_index.yes_to_all ROOT`: the developer who says yes to every verified offer.

`--apply` takes only what needs no decision. A peer that applies whatever compiles is compared fairly with
both: with that, and with the sum of all that Sleepy offers. A process of its own, because the environment
(RUSTC_BOOTSTRAP, SLEEPY_HOME) belongs to a process.
"""

from __future__ import annotations

import sys
from pathlib import Path

from sleepy_agent.config import find_places, load_settings
from sleepy_agent.fixes.engine import FixOptions, fix_workspace
from sleepy_agent.fixes.events import Decision, Event, Offer
from sleepy_agent.process import CancelToken, InterruptSignals


def main(root: Path, budget_seconds: float) -> int:
    """Repair `root`, taking the first offer for every problem; 0 if it ends green, 1 if not."""
    places = find_places()
    cancel = CancelToken()
    with InterruptSignals(cancel):
        report = fix_workspace(
            root,
            FixOptions(budget_seconds=budget_seconds),
            places=places,
            settings=load_settings(places),
            decide=_yes,
            emit=_ignore,
            cancel=cancel,
        )
    return 0 if report.green else 1


def _yes(_offer: Offer) -> Decision:
    return Decision.YES


def _ignore(_event: Event) -> None:
    """Nobody watches."""


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), float(sys.argv[2])))
