"""Freed memory goes back to the system."""

from __future__ import annotations

import subprocess
import sys

import psutil
import pytest

from sleepy_agent.heap import give_back_memory, use_one_heap

PROGRAM = """
import sys, threading, psutil
from sleepy_agent.heap import give_back_memory, use_one_heap
use_one_heap()
kept = []
def work():
    # Many small pieces with one that stays on top, as a heap looks after a day.
    pieces = [bytes(200) for _ in range(200_000)]
    kept.append(bytes(200))
    del pieces
threads = [threading.Thread(target=work) for _ in range(4)]
for one in threads: one.start()
for one in threads: one.join()
before = psutil.Process().memory_info().rss
give_back_memory()
print(before, psutil.Process().memory_info().rss)
"""


def test_what_threads_freed_is_given_back() -> None:
    said = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True).stdout
    before, after = map(int, said.split())
    assert after <= before


def test_what_is_loaded_is_not_looked_at_again() -> None:
    program = "import gc; from sleepy_agent.heap import *; keep_what_is_loaded(); print(gc.get_freeze_count())"
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert int(said) > 1000


@pytest.mark.parametrize("system", ["darwin", "win32"])
def test_elsewhere_nothing_is_done(system: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", system)
    use_one_heap()
    give_back_memory()
    assert psutil.Process().is_running()
