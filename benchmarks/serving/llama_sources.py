"""llama.cpp's own benchmark, built from the source distribution of the llama-cpp-python that is installed here.

Everything lies in the benchmarks' cache, by version: the sources, the build tools (from the package index, as wheels)
and the build, which goes on where it was broken off.
"""

from __future__ import annotations

import json
import shutil
import sys
import tarfile
from importlib.metadata import version
from pathlib import Path

from benchmarks.machine import cache_directory
from sleepy_agent.process import CancelToken, run_process

PACKAGE = "llama-cpp-python"
BUILD_TOOLS = ("cmake", "ninja")
FETCH_SECONDS = 600.0
BUILD_SECONDS = 3600.0
RUN_SECONDS = 300.0
SWITCHED_OFF = ("LLAMA_BUILD_TESTS", "LLAMA_BUILD_EXAMPLES", "LLAMA_BUILD_SERVER", "LLAMA_BUILD_MTMD", "LLAMA_OPENSSL")
"""What llama-bench does not need."""


def serving_cache() -> Path:
    """Where what these benchmarks make is kept."""
    folder = cache_directory() / "serving"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def llama_folder() -> Path:
    """The folder of the installed version."""
    return serving_cache() / f"llama-{version(PACKAGE)}"


def llama_source(cancel: CancelToken) -> Path:
    """The sources of llama.cpp as they lie in the source distribution; fetched once. Raises RuntimeError."""
    source = llama_folder() / "source"
    if not source.is_dir():
        fetched, unpacked = llama_folder() / "fetched", llama_folder() / "unpacked"
        wanted = f"{PACKAGE}=={version(PACKAGE)}"
        # Only this package as source: what pip builds its metadata with may come as wheels.
        _pip(["download", "--no-deps", "--no-binary", PACKAGE, "--dest", str(fetched), wanted], cancel)
        shutil.rmtree(unpacked, ignore_errors=True)
        with tarfile.open(next(fetched.glob("*.tar.gz"))) as archive:
            archive.extractall(unpacked, filter="data")
        next(unpacked.glob("*/vendor/llama.cpp")).rename(source)
        shutil.rmtree(fetched)
        shutil.rmtree(unpacked)
    return source


def built_llama_bench(cancel: CancelToken) -> Path:
    """The program `llama-bench`, built with its own defaults; takes some minutes once. Raises RuntimeError."""
    build = llama_folder() / "build"
    program = build / "bin" / "llama-bench"
    if not (build / ".complete").exists():
        tools = llama_folder() / "tools"
        if not tools.is_dir():
            _pip(["install", "--target", str(tools), *BUILD_TOOLS], cancel)
        print("llama-bench is built, once: this takes some minutes.", flush=True)
        cmake, ninja = (next(tools.glob(f"{name}/data/bin/{name}"), tools / "bin" / name) for name in BUILD_TOOLS)
        options = [f"-D{name}=OFF" for name in SWITCHED_OFF]
        configure = [str(cmake), "-S", str(llama_source(cancel)), "-B", str(build), "-G", "Ninja", *options]
        _run([*configure, f"-DCMAKE_MAKE_PROGRAM={ninja}", "-DCMAKE_BUILD_TYPE=Release"], BUILD_SECONDS, cancel)
        _run([str(cmake), "--build", str(build), "--target", "llama-bench"], BUILD_SECONDS, cancel)
        (build / ".complete").touch()
    return program


def tokens_per_second(
    program: Path, model: Path, threads: int, prompt: int, written: int, cancel: CancelToken
) -> float:
    """What llama-bench says of reading `prompt` tokens, or of writing `written` one after the other (one of them 0)."""
    arguments = ["-m", str(model), "-t", str(threads), "-p", str(prompt), "-n", str(written), "-r", "1", "-o", "json"]
    found = json.loads(_run([str(program), *arguments], RUN_SECONDS, cancel))
    return float(found[0]["avg_ts"])


def _pip(arguments: list[str], cancel: CancelToken) -> None:
    _run([sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments], FETCH_SECONDS, cancel)


def _run(command: list[str], seconds: float, cancel: CancelToken) -> bytes:
    outcome = run_process(command, timeout_seconds=seconds, cancel=cancel)
    cancel.raise_if_cancelled()
    if outcome.returncode != 0:
        said = (outcome.stderr or outcome.stdout).decode(errors="replace")[-2000:]
        raise RuntimeError(f"{Path(command[0]).name} failed ({outcome.returncode}): {said}")
    return outcome.stdout
