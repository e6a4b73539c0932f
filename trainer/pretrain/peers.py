"""Several processes that train together: each reads its share of every batch, gradients are added up (gloo).

On a busy machine two processes of one thread are quicker than one of two: its threads wait for each other.
"""

from __future__ import annotations

import multiprocessing
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor, distributed

__all__ = ["Peers", "joined", "others"]

PATIENCE: Final = timedelta(minutes=30)
"""The first of them writes checkpoints and measures while the others wait."""


@dataclass(frozen=True, slots=True)
class Peers:
    """Which of how many processes this one is."""

    rank: int = 0
    count: int = 1

    @property
    def is_first(self) -> bool:
        return self.rank == 0

    def share(self, numbers: Sequence[int]) -> Sequence[int]:
        """This process's part of a batch."""
        return numbers[self.rank :: self.count]

    def add_up(self, gradients: Sequence[Tensor], figures: Tensor) -> Tensor:
        """Add the gradients of all processes up, in place, and their figures, which are returned."""
        if self.count == 1:
            return figures
        whole = torch.cat([*(gradient.flatten() for gradient in gradients), figures.to(gradients[0].dtype)])
        distributed.all_reduce(whole)
        place = 0
        for gradient in gradients:
            gradient.copy_(whole[place : place + gradient.numel()].view_as(gradient))
            place += gradient.numel()
        return whole[place:]


@contextmanager
def joined(peers: Peers, meeting_place: Path) -> Iterator[None]:
    """While entered, this process is one of its peers, who all name the same file that is not there yet."""
    if peers.count == 1:
        yield
        return
    distributed.init_process_group(
        "gloo", init_method=meeting_place.absolute().as_uri(), rank=peers.rank, world_size=peers.count, timeout=PATIENCE
    )
    try:
        yield
    finally:
        distributed.destroy_process_group()


@contextmanager
def deaf() -> Iterator[None]:
    """While entered, this process hears no Ctrl-C, and what it starts meanwhile never does: a program begins with the
    signals ignored that were ignored where it was started, and Python leaves it so."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    heard = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, heard if heard is not None else signal.SIG_DFL)


@contextmanager
def others(count: int, work: Callable[..., None], arguments: Sequence[Any]) -> Iterator[None]:
    """While entered, `count - 1` other processes run `work(Peers, *arguments)`; they end with this one.

    A terminal sends Ctrl-C to all of them. Only this process hears it, and tells the others when to stop.
    """
    spawn = multiprocessing.get_context("spawn")
    running = [
        spawn.Process(target=work, args=(Peers(rank, count), *arguments), daemon=True) for rank in range(1, count)
    ]
    with deaf():
        for process in running:
            process.start()
    try:
        yield
        for process in running:
            process.join()
    finally:
        for process in running:
            process.terminate()
