"""Which side a held-back program is on. Templates say it themselves, in the name of their file; programs of the
generators go by where the pretraining data has them."""

from __future__ import annotations

from typing import Final

from trainer.pretrain.split import split_of

__all__ = ["SIDES", "side_of"]

SIDES: Final = ("learn", "gate", "report")
"""What a developer's days show; what decides about promotion; what is reported."""
_SIDE_OF_SPLIT: Final = {"train": "learn", "tune": "learn", "gate": "gate", "report": "report"}


def side_of(source: str) -> str:
    """The side of a generator's program: what reports for the seed model reports here, too."""
    return _SIDE_OF_SPLIT[split_of(source)]
