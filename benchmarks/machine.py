"""What a benchmark runs on and in: facts for the results file, a directory of its own, programs with a time limit."""

from __future__ import annotations

import datetime
import os
import platform
import shutil
import statistics
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import platformdirs

from sleepy_agent.config import HOME_VARIABLE, Places
from sleepy_agent.process import CancelToken, ProcessOutcome, run_process

CACHE_VARIABLE = "SLEEPY_BENCHMARK_CACHE"
REPOSITORY = Path(__file__).resolve().parent.parent


def machine_facts() -> dict[str, str | int]:
    """What a reader needs to compare the figures with their own: no paths and no names of machines."""
    return {
        "cores": os.cpu_count() or 1,
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "rustc": rustc_version(),
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
    }


def rustc_version() -> str:
    outcome = run_process(["rustc", "--version"], timeout_seconds=60)
    return outcome.stdout.decode(errors="replace").strip() or "no rustc"


def cache_directory() -> Path:
    """Where what takes long to make is kept between runs. It can be deleted at any time."""
    chosen = os.environ.get(CACHE_VARIABLE)
    directory = Path(chosen) if chosen else Path(platformdirs.user_cache_dir("sleepy-benchmarks", appauthor=False))
    directory.mkdir(parents=True, exist_ok=True)
    return directory


@contextmanager
def scratch_directory(name: str) -> Iterator[Path]:
    """An empty directory that is gone afterwards, Ctrl-C included."""
    path = Path(tempfile.mkdtemp(prefix=f"sleepy-benchmark-{name}-")).resolve()
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def places_below(directory: Path) -> Places:
    """Places of Sleepy's that belong to one benchmark only."""
    return Places(cache=directory / "cache", state=directory / "state", config=directory / "config")


def environment_with(home: Path | None = None, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """This process's environment without what would change cargo's behaviour, with Sleepy's home in `home`."""
    unwanted = ("CARGO_TARGET_DIR", "RUSTC_WRAPPER", "RUSTFLAGS", "CARGO_INCREMENTAL", "RUSTC_BOOTSTRAP")
    environment = {key: value for key, value in os.environ.items() if key not in unwanted}
    environment["CARGO_TERM_COLOR"] = "never"
    if home is not None:
        environment[HOME_VARIABLE] = str(home)
    return environment | dict(extra or {})


def run_sleepy(
    arguments: Sequence[str],
    *,
    home: Path,
    timeout_seconds: float,
    extra: Mapping[str, str] | None = None,
    cancel: CancelToken | None = None,
) -> ProcessOutcome:
    """Run the `sleepy` that lies beside this Python, or on PATH, as a user would."""
    return run_process(
        [sleepy_program(), *arguments],
        cwd=home.parent,
        environment=environment_with(home, extra),
        timeout_seconds=timeout_seconds,
        cancel=cancel,
    )


def sleepy_program() -> str:
    """The path of the command. Raises FileNotFoundError where it is not installed."""
    beside = shutil.which("sleepy", path=str(Path(sys.executable).parent))
    found = beside or shutil.which("sleepy")
    if found is None:
        raise FileNotFoundError("`sleepy` is not installed beside this Python: run `make install` first.")
    return found


def median(values: Sequence[float]) -> float:
    """The median; not-a-number for no values, so that a failed part shows instead of stopping the rest."""
    return statistics.median(values) if values else float("nan")
