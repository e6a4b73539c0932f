"""Functions of published crates, broken in place: real code among the lessons."""

from trainer.pretrain.crates.breaking import verified

__all__ = ["verified"]
