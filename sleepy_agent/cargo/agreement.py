"""Does a replay see what cargo sees? Asked once for each recording, on the unchanged text.

Macros that read the source tree, inputs outside the overlay, wrappers and configurations we know nothing of:
whatever the reason, a package whose replay disagrees with cargo is verified by cargo from then on.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from sleepy_agent.cargo.copied_tree import read_cargo_answer
from sleepy_agent.cargo.problems import error_key, judged_diagnostics
from sleepy_agent.cargo.recorder import Recording, Tree, cargo_check_command, remove_own_metadata
from sleepy_agent.cargo.slots import UnitReport, UnitStatus
from sleepy_agent.cargo.toolchain import cargo_build_environment
from sleepy_agent.config import Settings
from sleepy_agent.process import CancelToken, run_process


def disagreeing_packages(
    tree: Tree,
    recording: Recording,
    reports: Mapping[str, UnitReport],
    settings: Settings,
    cancel: CancelToken | None,
) -> frozenset[str]:
    """Names of packages about which plain `cargo check` says something else than the replays in `reports`.

    Packages that cargo did not come to (something they need does not compile) are trusted: nobody knows.
    """
    command = cargo_check_command(recording.target_directory, settings, locked=tree.copy_root is None)
    environment = cargo_build_environment(recording.target_directory)
    outcome = run_process(command, cwd=tree.cargo_folder, environment=environment, cancel=cancel)
    if cancel:
        cancel.raise_if_cancelled()
    answer = read_cargo_answer(outcome, tree.copy_root, tree.workspace, None)
    remove_own_metadata(recording.target_directory, recording.units)
    disagreeing = users_of_reading_macros(recording, reports)
    for package in {unit.package for unit in recording.units}:
        own = [report for unit in recording.units if unit.package == package and (report := reports.get(unit.unit_id))]
        if any(report.status == UnitStatus.CRASHED or report.foreign_inputs for report in own):
            disagreeing.add(package)
            continue
        said_by_cargo = keys(answer.diagnostics.get(package, ()))
        said_by_replay = keys(diagnostic for report in own for diagnostic in report.diagnostics)
        if any(report.status == UnitStatus.BLOCKED for report in own):
            # A library that is broken keeps cargo from its tests and binaries; what both saw must agree.
            continue
        only_cargo = not said_by_cargo <= said_by_replay
        only_replay = bool(said_by_replay) and not said_by_cargo
        if package in answer.built and (only_cargo or only_replay):
            disagreeing.add(package)
    return frozenset(disagreeing)


# What a macro needs to look at files that no dependency list of rustc's names.
READS_FILES = re.compile(rb"CARGO_MANIFEST_DIR|\bfs::|\bFile::open|\bread_to_string|\bsource_file\b|\blocal_file\b")


def users_of_reading_macros(recording: Recording, reports: Mapping[str, UnitReport]) -> set[str]:
    """Packages that use a macro crate of the user's which looks at files: a replay may agree now, but nobody
    knows which other edits such a macro would notice."""
    reading = {
        unit.unit_id
        for unit in recording.units
        if unit.is_procedural_macro and (report := reports.get(unit.unit_id)) is not None
        if any(READS_FILES.search(text_of(path)) for path in report.inputs)
    }
    return {unit.package for unit in recording.units if reading & set(unit.depends_on)}


def text_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def keys(diagnostics: Iterable[object]) -> set[object]:
    """What makes errors comparable: code, words and place."""
    return {error_key(found) for found in judged_diagnostics(diagnostics, with_clippy=False)}  # type: ignore[arg-type]
