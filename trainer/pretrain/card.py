"""The seed's card: what it was made from, what it cost, what it can do. A record for programs, and the text of it.

Every number of the text comes from the record, and every number of the record from a file that a command wrote: the
GGUF file, the folder of the training, the summary of its data, results of evaluations.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files
from itertools import islice, pairwise, permutations
from pathlib import Path
from string import Template
from typing import Any, Final

from sleepy_agent.cli.koans_report import share_text
from sleepy_agent.errors import BadUsage
from sleepy_agent.koans.scores import Share
from sleepy_agent.serving.files.gguf_files import describe
from sleepy_agent.serving.models.shipped import SEED
from trainer.pretrain.exams.comparing import compare

__all__ = ["card_text", "file_facts", "read_results", "training_facts"]

LICENCE: Final = "MIT OR Apache-2.0"
MODEL: Final = "model"
OF_DATA: Final = (
    "lessons",
    "split",
    "family",
    "origins",
    "sources",
    "of crates",
    "shapes",
    "with a wrong answer before",
)
"""What of the summary that `data` writes stands in a card."""
SHOWN_SHARES: Final = ("greedy", "verified", "passed", "passed_at_k", "behaves", "original")
"""Of the scores of `evaluate` and of `sleepy koans run`."""
SHOWN_GROUPS: Final = ("all", "frozen", "kind", "rustc", "answer", "family", "house rules")


def file_facts(file: Path) -> dict[str, Any]:
    """What a GGUF file says of itself. Raises ModelError."""
    found = describe(file)
    return {
        "name": SEED,
        "sha256": found.sha256,
        "size_bytes": found.file_bytes,
        "quantisation": found.quantisation,
        "parameters": found.parameters,
        "vocabulary": found.vocabulary_size,
        "licence": LICENCE,
    }


def data_facts(summary: Path, command: str) -> dict[str, Any]:
    """What of a summary of `data` stands in a card. Raises BadUsage."""
    try:
        said = json.loads(summary.read_text(encoding="utf-8"))
        return {"command": command, **{name: said[name] for name in OF_DATA}}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadUsage(f"{summary} is no summary of lessons: {error}.", "`data` writes it beside them.") from error


def training_facts(run: Path, steps: int, machine: str) -> dict[str, Any]:
    """The recipe of a training, and what so many steps of it took. `seconds`: of the steps alone."""
    from trainer.pretrain.prepared import read_prepared
    from trainer.pretrain.recipe import read_recipe
    from trainer.pretrain.training import LOG, all_batches

    recipe, prepared = read_recipe(run / "recipe.json"), read_prepared(run)
    assert prepared is not None, "the folder has a checkpoint"
    lengths = prepared.lengths.tolist()
    tokens = [0]
    for batch in islice(all_batches(prepared, recipe), steps):
        tokens.append(tokens[-1] + sum(lengths[number] - 1 for number in batch))
    lines = [json.loads(line) for line in (run / LOG).read_text(encoding="utf-8").splitlines()]
    speeds = {line["step"]: line["tokens_per_second"] for line in lines if "tokens_per_second" in line}
    measured = [0, *(step for step in sorted(speeds) if step <= steps)]
    seconds = sum((tokens[last] - tokens[first]) / max(1, speeds[last]) for first, last in pairwise(measured))
    tuned = [line for line in lines if "tune_right" in line and line["step"] <= steps]
    right = [sum(counts) for counts in zip(*tuned[-1]["tune_right"].values(), strict=True)] if tuned else []
    return {
        "recipe": json.loads((run / "recipe.json").read_text(encoding="utf-8")),
        "steps": steps,
        "tokens": tokens[-1],
        "seconds": round(seconds),
        "machine": machine,
        "lessons_sha256": prepared.lessons_hash,
        "lessons_trained": len(prepared.of_train),
        "tune_word_for_word": right,
    }


def read_results(results: Sequence[Path], sha256: str) -> list[dict[str, Any]]:
    """What evaluations and koan runs found of the file with this checksum, then comparisons of such results that
    differ in the source `model` alone. Raises BadUsage for a file that is none, or is of another model."""
    read = [(file, read_result(file)) for file in results]
    found = [result_facts(file, said, sha256) for file, said in read]
    return [*found, *comparisons([said for _, said in read])]


def read_result(file: Path) -> dict[str, Any]:
    try:
        said = json.loads(file.read_text(encoding="utf-8"))
        if isinstance(said["scores"], list) and isinstance(said["sources"], list):
            return dict(said)
    except (OSError, ValueError, KeyError, TypeError):
        pass
    raise BadUsage(f"{file} is no result.", "Name what `evaluate --out` or `sleepy koans run --json` wrote.")


def result_facts(file: Path, said: Mapping[str, Any], sha256: str) -> dict[str, Any]:
    """One result without its single items."""
    is_koans = "koans" in said
    model = str(said.get("model") or "").partition("#")[2] if is_koans else str(said.get("model_sha256") or "")
    if MODEL in said["sources"] and not (model and sha256.startswith(model)):
        raise BadUsage(f"{file} was measured with another model.", "Measure the file that is shipped.")
    samples, rounds = int(said["samples"]), int(said["rounds"])
    if is_koans:
        command = ["sleepy", "koans", "run", "--sources", ",".join(said["sources"])]
        command += ["--model", SEED, "--samples", str(samples), "--rounds", str(rounds), "--json"]
    else:
        # Where a file lay on the machine that measured means nothing anywhere else.
        command = [Path(word).name if Path(word).is_absolute() else word for word in map(str, said["command"])]
    scores = [
        {"name": one["name"], **{name: one[name] for name in SHOWN_SHARES if one.get(name)}}
        | {name: one[name] for name in one if name.endswith("milliseconds")}
        for one in said["scores"]
        if one["name"].partition(":")[0] in SHOWN_GROUPS or is_koans
    ]
    return {
        "title": "The koans" if is_koans else f"`{Path(said['items']).name}`",
        "command": shlex.join(command),
        "way": "the product's own search" if is_koans or said["way"] == "engine" else "the same questions, in batches",
        "sources": said["sources"],
        "samples": samples,
        "rounds": rounds,
        "scores": scores,
    }


def comparisons(results: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """With the model beside without it, where both were measured on the same items."""
    exams = [one for one in results if "items_sha256" in one]
    for with_it, without in permutations(exams, 2):
        others = without["sources"]
        is_pair = others and set(with_it["sources"]) - set(others) == {MODEL} and set(others) < set(with_it["sources"])
        if not is_pair or with_it["items_sha256"] != without["items_sha256"]:
            continue
        found = compare(solved_of(with_it), solved_of(without))
        yield {
            "title": f"`{Path(with_it['items']).name}`, {', '.join(others)} with and without the model",
            "count": found.count,
            "points": round(found.points, 1),
            "gained": found.gained,
            "lost": found.lost,
            "chance": found.chance,
            "of_unsolved": {"count": found.of_unsolved.count, "total": found.of_unsolved.total},
        }


def solved_of(result: Mapping[str, Any]) -> dict[str, bool]:
    """Which items are verified, by id."""
    return {one["id"]: bool(one["verified"]) for one in result["items_measured"]}


def card_text(card: Mapping[str, Any]) -> str:
    """The card in Markdown."""
    shape = card["training"]["recipe"]["shape"]
    template = Template(files(__package__).joinpath("card.md").read_text(encoding="utf-8"))
    return template.substitute(
        file=f"{card['name']}.gguf",
        size=f"{card['size_bytes'] / 1e6:.1f} MB",
        quantisation=card["quantisation"],
        sha256=card["sha256"],
        parameters=f"{card['parameters'] / 1e6:.1f} million",
        layers=shape["layers"],
        width=shape["embedding"],
        heads=shape["heads"],
        shared_heads=shape["shared_heads"],
        vocabulary=card["vocabulary"],
        licence=card["licence"].replace("OR", "or"),
        data=data_text(card["data"]),
        training=training_text(card["training"]),
        scores="\n\n".join(scores_text(card["results"])),
        commands="\n".join(commands_of(card)),
    )


def data_text(data: Mapping[str, Any]) -> str:
    """Of what the lessons are."""
    split, families = data["split"], data["family"]
    sides = ", ".join(f"{split[side]:,} {side}" for side in ("train", "tune", "gate", "report") if side in split)
    kinds = ", ".join(f"{name} {count / data['lessons']:.1%}" for name, count in families.items())
    return (
        f"{data['lessons']:,} lessons: programs with one mistake, rustc's words on it, and the edit of lines that mends"
        f" it. Every program was compiled before and after, and its tests run where it has some.\n\n"
        f"- {data['origins']:,} templates and crates with {data['sources']:,} programs and functions;"
        f" {data['of crates'] / data['lessons']:.0%} of the lessons are functions of published crates,"
        f" broken in place.\n"
        f"- {data['shapes']:,} shapes of answers, none of which is over 2 %;"
        f" {data['with a wrong answer before']:,} questions show an answer that failed before.\n"
        f"- Split by template and by crate: {sides}. Only the first side is learnt from.\n"
        f"- Families: {kinds}."
    )


def training_text(training: Mapping[str, Any]) -> str:
    """What was done with them."""
    recipe, right = training["recipe"], training["tune_word_for_word"]
    tuned = (
        f" When it was last looked, {right[0]} of {right[1]} tune lessons were answered word for word." if right else ""
    )
    return (
        f"{training['steps']:,} of {recipe['steps']:,} steps of about {recipe['batch_tokens']:,} tokens, padding"
        f" counted: {training['tokens'] / 1e6:.0f} million tokens in {training['seconds'] / 3600:.1f} hours,"
        f" on {training['machine']}. AdamW, {recipe['learning_rate']:g} at most, {recipe['warmup_steps']} steps up and"
        f" a straight line down in the last third, weight decay {recipe['weight_decay']:g}, sums in bf16. A token of a"
        f" question counts"
        f" {recipe['prompt_weight']:g} of one of an answer.{tuned}"
    )


def scores_text(results: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """A table for each result. Intervals: Wilson, 95 %."""
    if not results:
        yield "Nothing was measured on this file yet."
        return
    yield (
        "Intervals are Wilson's, 95 %. Items of exams come from templates and crates that no lesson is from; held-back"
        " families stand apart."
    )
    for one in results:
        yield comparison_text(one) if "points" in one else result_text(one)


def result_text(one: Mapping[str, Any]) -> str:
    """One result as a table, with the command that made it."""
    names = [name for name in SHOWN_SHARES if any(name in score for score in one["scores"])]
    rows = [
        [score["name"], *(shown(score.get(name)) for name in names), milliseconds_text(score)]
        for score in one["scores"]
    ]
    head = ["", *(name.replace("passed_at_k", f"pass@{one['samples']}") for name in names), "p50 ms (of it the model)"]
    lines = [head, ["---"] * len(head), *rows]
    asked = f"{', '.join(one['sources'])}; {one['samples']} answers, {one['rounds']} rounds; {one['way']}"
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return f"{one['title']}: {asked}.\n\n{table}\n\n`{one['command']}`"


def comparison_text(one: Mapping[str, Any]) -> str:
    """How much the model adds."""
    left = one["of_unsolved"]
    return (
        f"{one['title']}: {one['points']:+.1f} points on {one['count']} items ({one['gained']} gained,"
        f" {one['lost']} lost, McNemar p = {one['chance']:.2g}); {left['count']} of {left['total']} that the others"
        f" leave open."
    )


def shown(share: Mapping[str, Any] | None) -> str:
    """`27/30 90% (74-97)`."""
    return share_text(Share(**share)) if share and share["total"] else "-"


def milliseconds_text(score: Mapping[str, Any]) -> str:
    """The median, and what of it was the model."""
    middle, of_model = score.get("median_milliseconds"), score.get("median_model_milliseconds")
    return "-" if middle is None else f"{middle:.0f}" + ("" if of_model is None else f" ({of_model:.0f})")


def commands_of(card: Mapping[str, Any]) -> Iterator[str]:
    """From nothing to the file."""
    recipe = card["training"]["recipe"]
    shape = recipe["shape"]
    from trainer.pretrain.recipe import SIZES

    size = next((name for name, one in SIZES.items() if one.shape.embedding == shape["embedding"]), "small")
    options = [f"--steps {recipe['steps']}", f"--learning-rate {recipe['learning_rate']:g}", f"--seed {recipe['seed']}"]
    if not recipe.get("renumber", False):
        options.append("--no-renumber")
    yield card["data"]["command"]
    yield f"python -m trainer.pretrain train --lessons lessons.jsonl --run RUN --size {size} {' '.join(options)}"
    yield "python -m trainer.pretrain ship --run RUN --data lessons.summary.json --results RESULT ..."
