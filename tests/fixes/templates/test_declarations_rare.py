"""What people meet rarely: forms of types, patterns, jumps, closures and literals beyond the catalogue's examples."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.programs import errors_of
from fixes.templates.marked_programs import repaired_texts, right_and_wrong, squeezed

LIMITS = "pub trait Limits {\n    const LOW: u32;\n    const HIGH: u32;\n}\n"
MAKE = (
    "pub trait Make {\n    fn make() -> u32;\n}\npub struct Meter;\nimpl Make for Meter {\n"
    "    fn make() -> u32 {\n        1\n    }\n}\n"
)
POINT = "pub struct Point {\n    pub across: u8,\n    pub down: u8,\n}\n"
DOOR = "pub enum Door {\n    Open { width: u32, height: u32 },\n    Closed,\n}\n"

PROGRAMS = {
    "alternatives in a guard": (
        LIMITS + "pub fn name<L: Limits>(number: u32) -> u8 {\n    match number {\n"
        "        «value if value == L::LOW || value == L::HIGH || value == 7¦L::LOW | L::HIGH | 7» => 1,\n"
        "        _ => 2,\n    }\n}\n"
    ),
    "a constant within a pattern": (
        LIMITS + "pub fn name<L: Limits>(number: Option<u32>) -> u8 {\n    match number {\n"
        "        Some(«value¦L::LOW»)« if value == L::LOW¦» => 1,\n        _ => 2,\n    }\n}\n"
    ),
    "a range in a guard": (
        LIMITS + "pub fn name<L: Limits>(number: u32) -> u8 {\n    match number {\n"
        "        «value if (L::LOW..=L::HIGH).contains(&value)¦L::LOW..=L::HIGH» => 1,\n        _ => 2,\n    }\n}\n"
    ),
    "a parameter as a pattern": (
        "pub fn name<const N: usize>(number: usize) -> u8 {\n    match number {\n"
        "        «value if value == N¦N» => 1,\n        _ => 2,\n    }\n}\n"
    ),
    "a slice behind a reference": (
        "pub fn first<const N: usize>(row: &[u32; N]) -> u32 {\n    match «&row[..]¦row» {\n"
        "        [first, ..] => *first,\n        _ => 0,\n    }\n}\n"
    ),
    "a search in a while": (
        "pub fn has_two(list: &[u8]) -> bool {\n    let mut place = 0;\n"
        "    let found = «'search: { ¦»while place < list.len() {\n"
        "        if list[place] == 2 {\n            break «'search ¦»true;\n        }\n        place += 1;\n"
        "    }«\nfalse }¦»;\n    found\n}\n"
    ),
    "the loop around the loop": (
        "pub fn run() {\n    «'outer: ¦»loop {\n        while { if true { break« 'outer¦» } true } {}\n    }\n}\n"
    ),
    "an enum of std": "pub fn some() -> «Option¦Some»<u8> {\n    Some(1)\n}\n",
    "a field that is an impl": "pub struct Task {\n    pub run: «Box<dyn Fn(u8) -> u8>¦impl Fn(u8) -> u8»,\n}\n",
    "a nested impl": (
        "pub fn all«<T: Copy>¦»(values: impl Into<Option<«T¦impl Copy»>>) {\n    let _ = values.into();\n}\n"
    ),
    "a pointer to a function with a bound": (
        "pub trait Shape {}\npub struct Scene<'a> {\n    pub make: fn() -> «Box<dyn ¦»Shape + 'a«>¦»,\n}\n"
    ),
    "a bound that cannot be relaxed": "pub struct Holder<T: ?Sized« ¦ + ?Send»>(pub Box<T>);\n",
    "another module of the crate": (
        "pub mod reef {\n    pub mod pool {}\n}\npub mod pond {\n"
        "    pub(«crate¦in crate::reef::pool») struct Frog;\n}\n"
    ),
    "the type of a literal": "pub struct Holder {\n    pub value: «u8¦typeof(4u8)»,\n}\n",
    "a variant behind a reference": (
        DOOR + "pub fn wider(door: &Door) -> Door {\n    match door {\n        Door::Open { width, height } => "
        "Door::Open { width: width + 1, «height: *height¦..*door» },\n        Door::Closed => Door::Closed,\n    }\n}\n"
    ),
    "the type around": MAKE + "impl Meter {\n    pub fn made() -> u32 {\n        «Self¦Make»::make()\n    }\n}\n",
    "the parameter of the implementation": (
        MAKE + "pub struct Holder<T>(T);\nimpl<T: Make + Clone> Holder<T> {\n    pub fn made() -> u32 {\n"
        "        «T¦Make»::make()\n    }\n}\n"
    ),
    "a closure as an impl": (
        "fn later(make: impl «FnOnce¦Fn»() -> String) -> String {\n    make()\n}\n"
        "pub fn run(text: String) -> String {\n    later(move || text)\n}\n"
    ),
    "a closure that lends": (
        "pub struct Report;\nfn show<T>(_: T) {}\nfn twice<F: Fn()>(action: F) {\n    action();\n    action();\n}\n"
        "pub fn run(report: Report) {\n    let action = || show(«&¦»report);\n    twice(action);\n}\n"
    ),
    "a constant function that drops": (
        "«¦const »fn length(text: String) -> usize {\n    text.len()\n}\n"
        "pub fn run() -> usize {\n    length(String::new())\n}\n"
    ),
    "a default for the other fields": (
        "#[derive(Default)]\n"
        + POINT
        + "pub fn right() -> Point {\n    Point { across: 1, ..«Default::default()¦» }\n}\n"
    ),
    "a spread in front": POINT
    + "pub fn moved(point: Point) -> Point {\n    Point { «across: 1, ..point¦...point, across: 1» }\n}\n",
    "functions in an enum": (
        "pub enum Level {\n    Low,\n    High,\n«}\nimpl Level {¦» \n    pub fn is_low(&self) -> bool {\n"
        "        matches!(self, Level::Low)\n    }\n}\n"
    ),
    "a number of another size": "pub fn byte() -> u8 {\n    unsafe { std::mem::transmute(«7u8¦7u16») }\n}\n",
    "a word for what all may see": "pub struct Meter {\n    «pub¦public» level: u8,\n}\n",
    "a foreign function with one type": (
        'extern "C" {\n    fn twice«¦<T>»(number: «i32¦T») -> «i32¦T»;\n}\n'
        "pub fn run() -> i32 {\n    unsafe { twice«¦::<i32>»(3) }\n}\n"
    ),
    "a program without arguments": "«¦async »fn main() {}\n",
    "parameters nobody uses": "fn main(«¦_count: i32») {}\n",
    "a where that says nothing": "fn main()« ¦ where (): Copy »{}\n",
}


@pytest.mark.parametrize("text", PROGRAMS.values(), ids=PROGRAMS.keys())
def test_the_right_text_is_among_the_candidates(text: str, tmp_path: Path) -> None:
    right, wrong = right_and_wrong(text)
    assert errors_of(tmp_path, right) == ()
    assert squeezed(right) in repaired_texts(tmp_path, wrong)
