"""The picture of a terminal: what its escape sequences mean, and that the SVG says it."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType
from xml.etree import ElementTree

import pytest

TOOLS = Path(__file__).parents[1] / "tools"


@pytest.fixture(scope="module")
def svg() -> ModuleType:
    specification = importlib.util.spec_from_file_location("terminal_svg", TOOLS / "terminal_svg.py")
    assert specification is not None and specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    # Its records look themselves up by their module's name.
    sys.modules["terminal_svg"] = module
    specification.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        ("1;31", {"is_bold": True, "foreground": "#ffc0b9"}),
        ("38;2;1;2;255", {"foreground": "#0102ff"}),
        ("48:2::16:32:48", {"background": "#102030"}),
        ("38;5;196", {"foreground": "#ff0000"}),
        ("38;5;244;3", {"foreground": "#808080", "is_italic": True}),
        ("4:3;58;2;255;0;0", {"line": "wavy", "line_color": "#ff0000"}),
        ("7", {"is_reversed": True}),
        ("4;24", {}),
        ("31;0", {}),
        ("", {}),
    ],
)
def test_codes_become_styles(svg: ModuleType, codes: str, expected: dict[str, object]) -> None:
    assert svg.styled(svg.PLAIN, codes) == svg.Style(**expected)


def test_a_line_is_split_where_its_style_changes(svg: ModuleType) -> None:
    runs, style = svg.runs_of("ab\x1b[31mcd\x1b[0m e", svg.PLAIN)
    assert [(run.column, run.text, run.style.foreground) for run in runs] == [
        (0, "ab", None),
        (2, "cd", "#ffc0b9"),
        (4, " e", None),
    ]
    assert style == svg.PLAIN


def test_each_frame_has_its_time_and_each_line_is_stored_once(svg: ModuleType) -> None:
    frames = [svg.Frame("one <1>\ntwo", 1.0, "first"), svg.Frame("one <1>\nthree", 3.0, "", cursor=(1, 2))]
    drawn = svg.animated_svg(frames, columns=10, rows=2, still=1)
    tree = ElementTree.fromstring(drawn)
    texts = ["".join(element.itertext()) for element in tree.iter("{http://www.w3.org/2000/svg}text")]
    assert texts.count("one <1>") == 1
    assert {"first", "two", "three"} <= set(texts)
    assert re.findall(r"([\d.]+)%\{", drawn) == ["0.000", "25.000"]
    assert "4.00s infinite" in drawn
