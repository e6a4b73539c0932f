"""Functions of published crates, broken in place: real code among the lessons."""

from trainer.pretrain.crates.verified import verified

__all__ = ["verified"]
