"""Small programs composed at random out of typed productions (`productions.toml`, `shapes.toml`): no two alike.

They have no mistakes of their own; the mutators of syntax trees break them.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from trainer.pretrain.programs.composed.composer import composed
from trainer.pretrain.records import Broken, Program

__all__ = ["mutations", "programs"]


def programs(seed: str) -> Iterator[Program]:
    """Programs without end. The source of each says which statements it is made of."""
    for number in itertools.count():
        program = composed(f"{seed}:composed:{number}")
        if program is not None:
            yield program


def mutations(program: Program, seed: str) -> Iterator[Broken]:  # noqa: ARG001 - every generator is asked so
    """None of their own."""
    return iter(())
