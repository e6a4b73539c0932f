"""Koans small enough for a test, and folders of them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from sleepy_agent.koans.records import Koan

TESTS = """\
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_visit_counts() {
        let mut door = Door::default();
        door.let_in(2);
        assert_eq!(door.let_in(3), 5);
    }
}
"""
MENDED = (
    """\
/// Counts who goes through a door.
#[derive(Default)]
pub struct Door {
    visitors: u32,
}

impl Door {
    /// How many came so far.
    pub fn let_in(&mut self, more: u32) -> u32 {
        self.visitors += more;
        self.visitors
    }
}

"""
    + TESTS
)
DOOR = Koan(
    name="museum_door",
    family="borrow_checker",
    code="E0594",
    hint="Look at what `let_in` does to the door.",
    exercise=MENDED.replace("&mut self", "&self"),
    solution=MENDED,
)
"""rustc itself says how to mend it, and its test passes then."""

FOUNTAIN_TEXT = """\
use std::collections::BTreeMap;

/// Coins in a fountain, by their value.
pub fn richest(coins: &BTreeMap<u32, u32>) -> Option<u32> {
    let mut best = None;
    for (value, count) in coins {
        let sum = value * count;
        if best.map_or(true, |most| sum > most) {
            best = Some(sum);
        }
    }
    best
}

pub fn label(coins: &BTreeMap<u32, u32>) -> String {
    format!("{} cents", richest(coins).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_fountain_has_a_label_too() {
        assert_eq!(label(&BTreeMap::new()), "0 cents");
        assert_eq!(label(&BTreeMap::from([(50, 3), (10, 20)])), "200 cents");
    }
}
"""
FOUNTAIN = Koan(
    name="wishing_fountain",
    family="missing_items",
    code="E0425",
    hint="The name of the sum is written in two ways.",
    exercise=FOUNTAIN_TEXT.replace("best = Some(sum)", "best = Some(summ)"),
    solution=FOUNTAIN_TEXT.replace("best.map_or(true, |most| sum > most)", "best.is_none_or(|most| sum > most)"),
)
"""Clippy would write the exercise in another way; that is nobody's mistake."""


def changed(koan: Koan, *, exercise: tuple[str, str] | None = None, both: tuple[str, str] | None = None) -> Koan:
    """A koan with one piece of text replaced, in the exercise or in both of its texts."""
    if exercise is not None:
        assert exercise[0] in koan.exercise
        return replace(koan, exercise=koan.exercise.replace(*exercise))
    assert both is not None and both[0] in koan.exercise and both[0] in koan.solution
    return replace(koan, exercise=koan.exercise.replace(*both), solution=koan.solution.replace(*both))


def write_koans(folder: Path, koans: Iterable[Koan], more: str = "", lock: str | None = None) -> Path:
    """A folder as `read_koans` reads it. `more`: what else stands at the top of the table."""
    lines = ["schema = 1", more]
    for part in ("exercises", "solutions"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    for koan in koans:
        (folder / "exercises" / f"{koan.name}.rs").write_text(koan.exercise, encoding="utf-8")
        (folder / "solutions" / f"{koan.name}.rs").write_text(koan.solution, encoding="utf-8")
        lines.append(entry_of(koan))
    (folder / "koans.toml").write_text("\n".join(lines), encoding="utf-8")
    if lock is not None:
        (folder / "frozen.lock").write_text(lock, encoding="utf-8")
    return folder


def entry_of(koan: Koan) -> str:
    """The entry of a koan in the table."""
    entry: dict[str, object] = {key: getattr(koan, key) for key in ("name", "family", "code", "hint")}
    if koan.frozen:
        entry["frozen"] = True
    if koan.dependencies:
        entry["dependencies"] = list(koan.dependencies)
    if koan.shape is not None:
        entry["shape"] = koan.shape
    # JSON writes texts, flags and lists of texts as TOML does.
    return "[[koan]]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in entry.items())
