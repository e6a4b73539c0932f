"""Attributes and representations beyond the catalogue's examples."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.programs import errors_of
from fixes.templates.marked_programs import repaired_texts, right_and_wrong, squeezed

PROGRAMS = {
    "a reason as an argument": '#[deprecated(«note = ¦»"use `new`")]\npub fn old() {}\n',
    "the name of a symbol as an argument": '#[export_name« = "go"¦("go")»]\npub fn start() {}\n',
    "a library without its key": '#[link(«name = ¦»"z")]\nextern "C" {}\n',
    "a library behind another key": '#[link(«name¦lib» = "z")]\nextern "C" {}\n',
    "not all of the conditions": "#[cfg(not(«all(¦»unix, windows«)¦»))]\npub fn somewhere() {}\n",
    "the second of two values": '#[deprecated(«¦since = "1", »since = "2")]\npub fn old() {}\n',
    "representations in one list": "#[repr(u8«¦, u16»)]\npub enum Level {\n    Low,\n    High,\n}\n",
    "the first of two representations": "#[repr(«¦u8, »u16)]\npub enum Level {\n    Low,\n    High,\n}\n",
    "packed in two ways": "#[repr(C, «¦packed(4), »packed(2))]\npub struct Header(u8, u32);\n",
    "packed and aligned": "#[repr(C, packed«¦, align(8)»)]\npub struct Header(u8, u32);\n",
    "the next number as the compiler notes": "#[repr(i8)]\npub enum Code {\n    Last = 127,\n    After« = -128¦»,\n}\n",
    "an attribute of several methods": (
        "pub struct Meter(u8);\n«¦#[inline]\n»impl Meter {\n    «#[inline]\n    ¦»pub fn level(&self) -> u8 {\n"
        "        self.0\n    }\n    «#[inline]\n    ¦»pub fn reset(&mut self) {\n        self.0 = 0;\n    }\n}\n"
    ),
    "a derive of a type without derives": (
        "«#[derive(Clone)]\n¦»pub struct Meter(u8);\n«¦#[derive(Clone)]\n»impl Meter {}\n"
    ),
    "bytes for a text": '#[deprecated(since = «¦b»"1.2")]\npub fn old() {}\n',
    "a macro that is not there": "#[macro_use(println«¦, say_hello»)]\nextern crate std as standard;\n",
    "a condition in quotes": '#[cfg(«unix¦"unix"»)]\npub fn here() {}\n',
    "an import of nothing": "«¦use {self};\n»pub fn one() {}\n",
}


@pytest.mark.parametrize("text", PROGRAMS.values(), ids=PROGRAMS.keys())
def test_the_right_text_is_among_the_candidates(text: str, tmp_path: Path) -> None:
    right, wrong = right_and_wrong(text)
    assert errors_of(tmp_path, right) == ()
    assert squeezed(right) in repaired_texts(tmp_path, wrong)
