"""Several processes of one training: who hears a Ctrl-C."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from trainer.pretrain.peers import Peers, others


def interrupted(peers: Peers, file: Path) -> None:
    """What a terminal does to every process of a command."""
    os.kill(os.getpid(), signal.SIGINT)
    file.write_text(f"{peers.rank} of {peers.count} goes on")


def test_only_the_first_process_hears_ctrl_c(tmp_path: Path) -> None:
    file, heard = tmp_path / "said", signal.getsignal(signal.SIGINT)
    with others(2, interrupted, (file,)):
        assert signal.getsignal(signal.SIGINT) is heard
    assert file.read_text() == "1 of 2 goes on"
