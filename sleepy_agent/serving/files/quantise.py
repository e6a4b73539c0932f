"""llama.cpp's own quantiser, in a process of its own: it knows no stop, so whoever loses patience ends the process.

`python -m sleepy_agent.serving.files.quantise SOURCE TARGET FILE_TYPE THREADS` writes `DONE TOTAL` (tensors) to its
standard output as it goes on, and ends with 1 and the reason on its standard error where it cannot.
"""

from __future__ import annotations

import ctypes
import logging
import os
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from sleepy_agent.errors import ModelError
from sleepy_agent.process import CancelToken, own_command, run_process

COUNTER: Final = re.compile(r"^\[\s*(\d+)/\s*(\d+)\]")
"""How each line of the quantiser's log begins that is about a tensor."""


def quantise(
    source: Path,
    target: Path,
    file_type: int,
    name: str,
    *,
    threads: int,
    niceness: int = 0,
    progress: Callable[[float], None],
    cancel: CancelToken,
) -> None:
    """Store the model in `source` as coarsely as `file_type` (llama.cpp's number; `name`: for messages) says.

    `progress` hears the share that is done. Raises ModelError, Interrupted.
    """

    def take(line: bytes) -> None:
        done, _, total = line.partition(b" ")
        progress(int(done) / max(int(total), 1))

    command = own_command(__name__, str(source), str(target), str(int(file_type)), str(threads))
    ended = run_process(command, niceness=niceness, cancel=cancel, on_stdout_line=take)
    cancel.raise_if_cancelled()
    if ended.succeeded:
        return
    lines = ended.stderr.decode(errors="replace").strip().splitlines()
    why = f"signal {-ended.returncode}" if ended.returncode is not None and ended.returncode < 0 else ""
    reason = (lines[-1] if lines else why or str(ended.start_error or "")).rstrip(".")
    raise ModelError(
        f"llama.cpp could not store the model as {name}{': ' + reason if reason else ''}.",
        "Choose another quantisation (Q8_0, F16).",
    )


class _TellCounts(logging.Handler):
    """Writes how far it is to standard output."""

    def emit(self, record: logging.LogRecord) -> None:
        match = COUNTER.match(record.getMessage())
        if match:
            sys.stdout.write(f"{match[1]} {match[2]}\n")
            sys.stdout.flush()


def main(words: Sequence[str]) -> int:
    """Quantise, and say why it cannot be done."""
    import llama_cpp

    from sleepy_agent.serving.llama.native import native_log

    source, target, file_type, threads = words
    logger = logging.getLogger("sleepy.llama")
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    logger.addHandler(_TellCounts())
    log = native_log()
    parameters = llama_cpp.llama_model_quantize_default_params()
    parameters.ftype = int(file_type)
    parameters.nthread = int(threads)
    code = llama_cpp.llama_model_quantize(os.fsencode(source), os.fsencode(target), ctypes.byref(parameters))
    if code != 0:
        sys.stderr.write(f"{log.reason}\n")
    return 1 if code else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
