"""How fast the served model writes, on a model of the true shape: beside llama-bench, with samples, with adapters."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.machine import machine_facts, median
from benchmarks.results import Figure, Result
from benchmarks.serving.engines import alternated, decoding_speed, opened_engine, prompt_of, ratio, written
from benchmarks.serving.llama_sources import built_llama_bench, tokens_per_second
from benchmarks.serving.true_shape import Reach, adapters, true_shape
from sleepy_agent.process import CancelToken
from sleepy_agent.serving.engine import AdapterFile, GenerateRequest
from sleepy_agent.serving.llama.llama_engine import LlamaEngine
from sleepy_agent.serving.llama.native import NativeContext, NativeModel
from sleepy_agent.serving.memory_need import answering_threads

ROUNDS, QUICK_ROUNDS = 3, 1
DECODED_TOKENS = 96
PROMPT_TOKENS, SAMPLE_TOKENS, SAMPLES = 200, 48, 8
RESIDENT = 100
SWAPS, DECODED_BETWEEN = 200, 10
LEAST_OF_LLAMA_BENCH = 0.90
MOST_OF_SAMPLES = 2.5
MOST_SWAP_MILLISECONDS = 1.0
LEAST_OF_BASE = 90.0


def run(quick: bool, command: str, cancel: CancelToken) -> Result:
    """Everything that is measured inside one process, with one model."""
    rounds = QUICK_ROUNDS if quick else ROUNDS
    model, program = true_shape(cancel), built_llama_bench(cancel)
    few, many = adapters(1, Reach.EVERYTHING), adapters(RESIDENT, Reach.ATTENTION)
    threads = answering_threads()
    with opened_engine(model) as engine:
        theirs, ours = alternated(
            rounds,
            lambda _: tokens_per_second(program, model, threads, 0, DECODED_TOKENS, cancel),
            lambda number: decoding_speed(engine, DECODED_TOKENS, number, cancel),
        )
        print(f"decoding: llama-bench {median(theirs):.1f}, here {median(ours):.1f} tokens/s", flush=True)
        one, eight = alternated(
            rounds,
            lambda number: sampling_seconds(engine, 1, 2 * number, cancel),
            lambda number: sampling_seconds(engine, SAMPLES, 2 * number + 1, cancel),
        )
        print(
            f"{PROMPT_TOKENS} in, {SAMPLE_TOKENS} out: one {median(one):.2f} s, eight {median(eight):.2f} s", flush=True
        )
        shares = {
            "one on the attention": adapted_share(engine, many[:1], rounds, cancel),
            "one on every matrix": adapted_share(engine, few, rounds, cancel),
            "100 resident": adapted_share(engine, many, rounds, cancel),
        }
        print(f"decoding with adapters, % of the base: {shares}", flush=True)
    swaps = swap_milliseconds(model, many[:2], threads)
    return Result(
        name="serving",
        title="The served model's speed (true shape of 1.5B, Q4_K_M, random weights)",
        command=command,
        machine=machine_facts(),
        figures=(
            Figure(
                "serving: decoding, of llama-bench's speed",
                ratio(ours, theirs) * 100,
                "%",
                bar=LEAST_OF_LLAMA_BENCH * 100,
                measured_on=f"median of {rounds} pairs",
            ),
            Figure("serving: decoding", median(ours), "tokens/s"),
            Figure(
                f"serving: {SAMPLES} different samples, of the time of one",
                ratio(eight, one),
                "x",
                bar=MOST_OF_SAMPLES,
                at_most=True,
                measured_on=f"median of {rounds} pairs",
            ),
            Figure(
                "serving: swap of an adapter",
                median(swaps),
                "ms",
                bar=MOST_SWAP_MILLISECONDS,
                at_most=True,
                measured_on=f"median of {len(swaps)}",
            ),
            *(
                Figure(
                    f"serving: decoding with adapters of rank 8, {name}, of the base's speed", share, "%", LEAST_OF_BASE
                )
                for name, share in shares.items()
            ),
        ),
        notes=(
            f"llama-bench is built from the same source distribution and run with the same threads ({threads}).",
            f"Samples: {PROMPT_TOKENS} tokens in, {SAMPLE_TOKENS} out, prefill included; random weights at "
            "temperature 1 never write the same text twice, so no row is shared.",
        ),
        details={"llama_bench": theirs, "here": ours, "one_seconds": one, "eight_seconds": eight, "swaps": swaps[:20]},
    )


def sampling_seconds(engine: LlamaEngine, samples: int, number: int, cancel: CancelToken) -> float:
    """Seconds of a request for so many samples, from its arrival at the engine to its end."""
    request = GenerateRequest(
        parts=prompt_of(PROMPT_TOKENS, 1000 + number), n=samples, temperature=1.0, max_tokens=SAMPLE_TOKENS, seed=number
    )
    found, milliseconds = written(engine, request, cancel)
    missing = samples * SAMPLE_TOKENS - sum(sample.tokens_out for sample in found.samples)
    if found.tokens_in != PROMPT_TOKENS or missing:
        raise RuntimeError(f"The request had {found.tokens_in} tokens, and {missing} of its answers are missing.")
    return milliseconds / 1000


def adapted_share(engine: LlamaEngine, files: Sequence[Path], rounds: int, cancel: CancelToken) -> float:
    """How fast it writes with one of these adapters while all of them are loaded, in % of the base alone."""
    engine.set_adapters([AdapterFile(file.stem, file, "") for file in files])
    name = files[-1].stem
    base, adapted = alternated(
        rounds,
        lambda number: decoding_speed(engine, DECODED_TOKENS, 50 + number, cancel),
        lambda number: decoding_speed(engine, DECODED_TOKENS, 80 + number, cancel, name),
    )
    engine.set_adapters([])
    return ratio(adapted, base) * 100


def swap_milliseconds(model: Path, files: Sequence[Path], threads: int) -> list[float]:
    """What each swap to another loaded adapter takes.

    The first batch after it plans its graph anew, as the first batch of every prompt does, whoever answered before.
    """
    loaded = NativeModel(model)
    context = NativeContext(loaded, context_tokens=512, batch_tokens=64, most_outputs=1, sequences=1, threads=threads)
    handles = [loaded.load_adapter(file) for file in files]
    calls = []
    try:
        for number in range(SWAPS):
            if number % DECODED_BETWEEN == 0:
                context.forget_from(0, 0)
                context.decode([100], [0], 0, [True])
            started = time.perf_counter()
            context.use_adapter(handles[number % len(handles)])
            calls.append((time.perf_counter() - started) * 1000)
    finally:
        context.close()
        for handle in handles:
            loaded.free_adapter(handle)
        loaded.close()
    return calls
