"""The model's server as a process: how soon its first token comes after a cold start, and what it holds in memory."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import psutil

from benchmarks.machine import environment_with, machine_facts, median, scratch_directory
from benchmarks.results import Figure, Result
from benchmarks.serving.engines import prompt_of
from benchmarks.serving.true_shape import true_shape
from sleepy_agent.config import HOME_VARIABLE, Places, Settings, find_places
from sleepy_agent.process import CancelToken
from sleepy_agent.serving.chat import CompletionAnswer, CompletionRequest
from sleepy_agent.serving.clients.lifecycle import SERVE_COMMAND, stop_server
from sleepy_agent.serving.clients.served_model import ServedModel
from sleepy_agent.serving.serve_folder import read_address, serve_folder_of

STARTS, QUICK_STARTS = 3, 2
PROMPT_TOKENS = 64
SAMPLE_PROMPT_TOKENS, SAMPLE_TOKENS, SAMPLES = 200, 48, 8
LONG_PROMPT_TOKENS = 3900
LONG_PROMPTS = 3
"""More than the server keeps, so that what it keeps is at its limit."""
MOST_START_SECONDS = 4.0
MOST_MEGABYTES = 600.0
MEGABYTE = 1_000_000
ANSWER_SECONDS = 300.0


def run(quick: bool, command: str, cancel: CancelToken) -> Result:
    """Start servers one after the other, then load the last one with work and weigh it."""
    starts = QUICK_STARTS if quick else STARTS
    model = true_shape(cancel)
    with scratch_directory("serving-start") as directory:
        home = directory / "home"
        places = find_places(environment_with(home))
        places.config.mkdir(parents=True)
        settings = Settings(model=str(model))
        places.settings_file.write_text(f"model = '{model}'\n", encoding="utf-8")
        try:
            # The first start fills the disk cache, remembers the file's checksum, and is not counted.
            seconds = [first_token_seconds(places, settings, home, number, cancel) for number in range(starts + 1)][1:]
            print(f"first token after {', '.join(f'{one:.2f}' for one in seconds)} s", flush=True)
            held = weighed(places, settings, home, 0 if quick else LONG_PROMPTS, cancel)
        finally:
            stop_server(places)
    file_bytes = model.stat().st_size
    over = {name: (value - file_bytes) / MEGABYTE for name, value in held.items()}
    print(f"memory over the file, in MB: {over}", flush=True)
    return Result(
        name="serving_start",
        title="The model's server: start and memory (true shape of 1.5B, Q4_K_M)",
        command=command,
        machine=machine_facts(),
        figures=(
            Figure(
                "serving: first token after a cold start",
                median(seconds),
                "s",
                bar=MOST_START_SECONDS,
                at_most=True,
                measured_on=f"median of {starts}, {PROMPT_TOKENS} tokens of prompt",
            ),
            Figure(
                "serving: memory of the server over the model's file, at most",
                max(over.values()),
                "MB",
                bar=MOST_MEGABYTES,
                at_most=True,
                measured_on="RSS at 4k context, after full prompts and 8 samples",
            ),
        ),
        notes=(f"Memory over the file: {', '.join(f'{name} {value:.0f} MB' for name, value in over.items())}.",),
        details={"seconds": seconds, "bytes": held, "file_bytes": file_bytes},
    )


def served(places: Places, settings: Settings, home: Path) -> ServedModel:
    """The model as a client has it; a server that it starts finds its settings in `home`."""
    command = ("env", f"{HOME_VARIABLE}={home}", *SERVE_COMMAND)
    return ServedModel(places, settings, "true-shape", command=command)


def first_token_seconds(places: Places, settings: Settings, home: Path, number: int, cancel: CancelToken) -> float:
    """From a client's question, while no server runs, to its answer of one token."""
    stop_server(places)
    started = time.perf_counter()
    ask(served(places, settings, home), PROMPT_TOKENS, number, cancel, CompletionRequest(max_tokens=1))
    return time.perf_counter() - started


def weighed(places: Places, settings: Settings, home: Path, long_prompts: int, cancel: CancelToken) -> dict[str, int]:
    """What the running server holds (RSS, in bytes) after each kind of work."""
    address = read_address(serve_folder_of(places))
    if address is None:
        raise RuntimeError("The server has ended in the meantime.")
    process = psutil.Process(address.pid)
    model = served(places, settings, home)
    held = {"after one token": process.memory_info().rss}
    samples = CompletionRequest(n=SAMPLES, temperature=1.0, max_tokens=SAMPLE_TOKENS)
    ask(model, SAMPLE_PROMPT_TOKENS, 100, cancel, samples)
    held[f"after {SAMPLES} samples"] = process.memory_info().rss
    for number in range(long_prompts):
        ask(model, LONG_PROMPT_TOKENS, 200 + number, cancel, CompletionRequest(max_tokens=8))
        held[f"after {number + 1} full prompts"] = process.memory_info().rss
    return held


def ask(model: ServedModel, tokens: int, number: int, cancel: CancelToken, request: CompletionRequest) -> None:
    """Ask, and raise RuntimeError where no whole answer comes."""
    wanted = replace(request, parts=prompt_of(tokens, number), deadline_seconds=ANSWER_SECONDS)
    answer = model.complete(wanted, cancel)
    if not isinstance(answer, CompletionAnswer):
        raise RuntimeError(f"{answer.reason} {answer.remedy}")
    if answer.tokens_in != tokens or not answer.completions:
        raise RuntimeError(f"The server read {answer.tokens_in} tokens and not {tokens}.")
