"""`python -m trainer.pretrain.crates`: how many verified pairs a second published crates give."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from itertools import islice

from sleepy_agent.errors import SleepyError
from sleepy_agent.process import CancelToken, InterruptSignals
from trainer.pretrain.crates.breaking import verified
from trainer.pretrain.crates.fetching import crates_folder, fetched_crates
from trainer.pretrain.crates.listed import listed_crates
from trainer.pretrain.records import Verified


@dataclass(frozen=True, slots=True)
class Rate:
    """What was made in how long. `codes`: how often each error code came up, the most frequent first."""

    pairs: int
    seconds: float
    pairs_a_second: float
    functions: int
    kinds: int
    codes: dict[str, int]


def measure(pairs: Iterable[Verified], most: int, clock: Callable[[], float]) -> Rate:
    """Take at most so many pairs and count them."""
    started = clock()
    taken = list(islice(pairs, most))
    seconds = clock() - started
    codes = Counter(pair.broken.code or "none" for pair in taken)
    return Rate(
        pairs=len(taken),
        seconds=round(seconds, 1),
        pairs_a_second=round(len(taken) / seconds, 1) if seconds else 0.0,
        functions=len({pair.broken.program.source for pair in taken}),
        kinds=len({pair.broken.mutation for pair in taken}),
        codes=dict(codes.most_common()),
    )


def main() -> int:
    """Print the rate as JSON."""
    parser = argparse.ArgumentParser(prog="python -m trainer.pretrain.crates", description=__doc__)
    parser.add_argument("--pairs", type=int, default=2000, help="so many pairs, at most (default: 2000)")
    parser.add_argument("--seed", default="rate")
    arguments = parser.parse_args()
    cancel = CancelToken()
    with InterruptSignals(cancel):
        try:
            # What has to be fetched is fetched before the clock starts.
            fetched_crates(listed_crates(), crates_folder(), cancel)
            rate = measure(verified(arguments.seed, cancel), arguments.pairs, time.perf_counter)
        except SleepyError as error:
            sys.stderr.write(f"{error.message} {error.remedy}\n")
            return error.exit_code
    sys.stdout.write(json.dumps(asdict(rate), indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
