"""Screens of a terminal as one animated SVG: text, colors and underlines, each line stored once. Pure.

The colors come as escape sequences (ECMA-48, "SGR", with the colon forms of ISO 8613-6 for underlines). The animation
is CSS, so that a picture in a README moves; who asks for less motion sees one chosen frame.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from xml.sax.saxutils import escape

FOREGROUND, BACKGROUND = "#e0e2ea", "#14161b"
DULL = ("#07080d", "#ffc0b9", "#b3f6c0", "#fce094", "#a6dbff", "#ffcaff", "#8cf8f7", "#eef1f8")
PALETTE = (*DULL, "#4f5258", *DULL[1:])
"""The sixteen colors that have no value of their own; Neovim's."""
CELL_WIDTH, CELL_HEIGHT, MARGIN, BAR = 8.4, 18.0, 12.0, 30.0
FONT_SIZE = 14
SEQUENCE = re.compile(r"\x1b\[([0-9;:]*)m|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[()][A-B0]|[\x0e\x0f]")


@dataclass(frozen=True, slots=True)
class Style:
    """How a stretch of text looks. `line`: "solid" or "wavy" below it, or nothing."""

    foreground: str | None = None
    background: str | None = None
    is_bold: bool = False
    is_italic: bool = False
    is_reversed: bool = False
    line: str = ""
    line_color: str | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """Cells of one style. `column`: of the first one."""

    column: int
    text: str
    style: Style


@dataclass(frozen=True, slots=True)
class Frame:
    """What is seen for some seconds. `caption` stands in the bar above. `cursor`: row and column, from 0."""

    screen: str
    seconds: float
    caption: str
    cursor: tuple[int, int] | None = None


PLAIN = Style()


def runs_of(line: str, style: Style) -> tuple[list[Run], Style]:
    """The runs of one line of a screen, and the style that the next line begins with."""
    runs: list[Run] = []
    column = place = 0
    for found in [*SEQUENCE.finditer(line), None]:
        text = line[place : found.start() if found else len(line)]
        if text:
            runs.append(Run(column, text, style))
            column += len(text)
        if found is not None:
            place = found.end()
            if found[1] is not None:
                style = styled(style, found[1])
    return runs, style


def styled(style: Style, codes: str) -> Style:
    """The style after one sequence of codes."""
    parts = iter((codes or "0").split(";"))
    for part in parts:
        head, *rest = part.split(":")
        number = int(head or 0)
        if number in {38, 48, 58}:
            color = color_of(rest or parts)
            name = {38: "foreground", 48: "background", 58: "line_color"}[number]
            style = replace(style, **{name: color})  # type: ignore[arg-type]
        elif number == 4:
            style = replace(style, line={"0": "", "3": "wavy"}.get(rest[0] if rest else "1", "solid"))
        else:
            style = after_simple_code(style, number)
    return style


def after_simple_code(style: Style, number: int) -> Style:
    """The style after a code that stands alone."""
    if number == 0:
        return PLAIN
    if 30 <= number <= 37 or 90 <= number <= 97:
        return replace(style, foreground=PALETTE[number - 30 if number < 90 else number - 82])
    if 40 <= number <= 47 or 100 <= number <= 107:
        return replace(style, background=PALETTE[number - 40 if number < 100 else number - 92])
    simple: dict[int, dict[str, object]] = {
        1: {"is_bold": True},
        3: {"is_italic": True},
        7: {"is_reversed": True},
        22: {"is_bold": False},
        23: {"is_italic": False},
        24: {"line": ""},
        27: {"is_reversed": False},
        39: {"foreground": None},
        49: {"background": None},
        59: {"line_color": None},
    }
    return replace(style, **simple.get(number, {}))  # type: ignore[arg-type]


def color_of(parts: Sequence[str] | Iterator[str]) -> str | None:
    """The color behind 38, 48 or 58: `5;n` of the 256, or `2;r;g;b`."""
    rest = iter(parts)
    kind = next(rest, "")
    if kind == "5":
        return color_of_256(int(next(rest, "0")))
    if kind == "2":
        values = (
            [int(one) for one in rest if one]
            if not isinstance(parts, Iterator)
            else [int(next(rest, "0")) for _ in "rgb"]
        )
        return "#{:02x}{:02x}{:02x}".format(*values[-3:])
    return None


def color_of_256(number: int) -> str:
    if number < 16:
        return PALETTE[number]
    if number < 232:
        steps = [(number - 16) // 36, (number - 16) // 6 % 6, (number - 16) % 6]
        return "#{:02x}{:02x}{:02x}".format(*(step * 40 + 55 if step else 0 for step in steps))
    gray = (number - 232) * 10 + 8
    return f"#{gray:02x}{gray:02x}{gray:02x}"


def animated_svg(frames: Sequence[Frame], columns: int, rows: int, still: int) -> str:
    """The frames, one after the other and from the beginning again. `still`: the number of the one that is shown
    where no motion is wanted."""
    width = round(columns * CELL_WIDTH + 2 * MARGIN, 1)
    height = round(rows * CELL_HEIGHT + BAR + MARGIN, 1)
    lines: dict[str, str] = {}
    bodies = [frame_body(frame, lines) for frame in frames]
    total = sum(frame.seconds for frame in frames)
    steps, begun = [], 0.0
    for number, frame in enumerate(frames):
        steps.append(f"{begun / total * 100:.3f}%{{transform:translateX({-number * width:.1f}px)}}")
        begun += frame.seconds
    definitions = "".join(f'<g id="{name}">{body}</g>' for body, name in lines.items())
    shown = "".join(
        f'<g transform="translate({number * width:.1f} 0)">{body}</g>' for number, body in enumerate(bodies)
    )
    style = (
        f"text{{white-space:pre;font:{FONT_SIZE}px ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',"
        "'Liberation Mono',monospace}"
        f"@keyframes play{{{''.join(steps)}}}"
        f"#film{{animation:play {total:.2f}s infinite step-end}}"
        f"@media(prefers-reduced-motion:reduce){{#film{{animation:none;transform:translateX({-still * width:.1f}px)}}}}"
    )
    dots = "".join(
        f'<circle cx="{18 + 18 * number}" cy="15" r="5.5" fill="{color}"/>'
        for number, color in enumerate(("#ff5f57", "#febc2e", "#28c840"))
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">'
        f"<style>{style}</style><defs>{definitions}</defs>"
        f'<rect width="100%" height="100%" rx="8" fill="{BACKGROUND}"/>{dots}'
        f'<svg width="{width}" height="{height}"><g id="film">{shown}</g></svg></svg>\n'
    )


def frame_body(frame: Frame, lines: dict[str, str]) -> str:
    """One frame: its caption, its lines (those that are new are added to `lines`, with their names), its cursor."""
    parts = []
    if frame.caption:
        parts.append(f'<text x="80" y="20" fill="#9b9ea4">{escape(frame.caption)}</text>')
    style = PLAIN
    for row, line in enumerate(frame.screen.split("\n")):
        runs, style = runs_of(line, style)
        body = line_body(runs)
        if body:
            name = lines.setdefault(body, f"l{len(lines)}")
            parts.append(f'<use href="#{name}" y="{BAR + row * CELL_HEIGHT:g}"/>')
    if frame.cursor is not None:
        row, column = frame.cursor
        parts.append(
            f'<rect x="{MARGIN + column * CELL_WIDTH:.1f}" y="{BAR + row * CELL_HEIGHT:g}" width="{CELL_WIDTH}" '
            f'height="{CELL_HEIGHT:g}" fill="{FOREGROUND}" fill-opacity=".55"/>'
        )
    return "".join(parts)


def line_body(runs: Sequence[Run]) -> str:
    """One line at the top of its own coordinates; empty where nothing is seen of it."""
    return "".join(part for run in runs for part in run_parts(run))


def run_parts(run: Run) -> Iterator[str]:
    style = run.style
    foreground, background = style.foreground or FOREGROUND, style.background
    if style.is_reversed:
        foreground, background = background or BACKGROUND, style.foreground or FOREGROUND
    left, length = MARGIN + run.column * CELL_WIDTH, len(run.text) * CELL_WIDTH
    if background and background != BACKGROUND:
        yield f'<rect x="{left:.1f}" width="{length:.1f}" height="{CELL_HEIGHT:g}" fill="{background}"/>'
    stripped = run.text.strip(" ")
    if stripped:
        begin = left + (len(run.text) - len(run.text.lstrip(" "))) * CELL_WIDTH
        looks = ' font-weight="bold"' * style.is_bold + ' font-style="italic"' * style.is_italic
        # The length is given, so that the columns stay where they are in whatever font there is.
        yield (
            f'<text x="{begin:.1f}" y="{CELL_HEIGHT - 4.5:g}" fill="{foreground}"{looks} '
            f'textLength="{len(stripped) * CELL_WIDTH:.1f}" lengthAdjust="spacingAndGlyphs">{escape(stripped)}</text>'
        )
    if style.line:
        yield underline(left, length, style.line, style.line_color or foreground)


def underline(left: float, length: float, kind: str, color: str) -> str:
    """A straight or a wavy line below some cells."""
    low = CELL_HEIGHT - 1.5
    if kind != "wavy":
        return f'<path d="M{left:.1f} {low:g}h{length:.1f}" stroke="{color}"/>'
    waves = max(1, round(length / 4.2))
    return f'<path d="M{left:.1f} {low:g}{"q1.05 -2.4 2.1 0t2.1 0" * waves}" stroke="{color}" fill="none"/>'
