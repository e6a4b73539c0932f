"""Conversions, addresses and literals that cannot be taken as they are written."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sleepy_agent.code.syntax import code_children
from sleepy_agent.fixes.templates.patterns_rare import fresh_name
from sleepy_agent.fixes.templates.scene import Proposal, Scene

INTEGER = r"[iu](?:8|16|32|64|128|size)"
LARGEST = {"u8": 2**8, "i8": 2**7, "u16": 2**16, "i16": 2**15, "u32": 2**32, "i32": 2**31, "u64": 2**64, "i64": 2**63}
LITERAL = re.compile(rf"(0x[\da-fA-F_]+?|0b[01_]+?|0o[0-7_]+?|[\d_]+?)_?({INTEGER})")


def types_of_transmute(scene: Scene) -> tuple[str, str] | None:
    """The type that comes in and the type that is wanted, as the notes say."""
    found = re.search(r"source type: `?([^`\n]*?)`?(?: \(\d+ bits\))?$", scene.said, re.MULTILINE)
    target = re.search(r"target type: `?([^`\n]*?)`?(?: \(\d+ bits\))?$", scene.said, re.MULTILINE)
    return (found[1], target[1]) if found is not None and target is not None else None


def number_by_cast(scene: Scene) -> Iterator[Proposal]:
    """`transmute` between integers of different sizes: `as` converts; a literal is written with the other type."""
    call = scene.around("call_expression")
    arguments = call.child_by_field_name("arguments") if call is not None else None
    types = types_of_transmute(scene)
    values = code_children(arguments) if arguments is not None else []
    if call is None or types is None or len(values) != 1:
        return
    target = types[1]
    written = scene.of(values[0])
    literal = LITERAL.fullmatch(written)
    if literal is not None and int(literal[1].replace("_", ""), 0) < LARGEST.get(target, 0):
        way = {"way": f"write the number as `{literal[1]}{target}`"}
        yield Proposal((scene.replace(values[0], f"{literal[1]}{target}"),), way)
    elif all(re.fullmatch(INTEGER, one) for one in types):
        value = written if re.fullmatch(r"[\w.]+(\([^()]*\))?", written) else f"({written})"
        yield Proposal((scene.replace(call, f"{value} as {target}"),), {"way": f"convert to `{target}` with `as`"}, 0.1)


def function_as_pointer(scene: Scene) -> Iterator[Proposal]:
    """A function itself has no size: it is converted to a pointer first."""
    call = scene.around("call_expression")
    arguments = call.child_by_field_name("arguments") if call is not None else None
    types = types_of_transmute(scene)
    values = code_children(arguments) if arguments is not None else []
    if call is None or types is None or len(values) != 1:
        return
    source = re.sub(r"\s*\{.*\}$", "", types[0])
    if re.match(r"(unsafe |extern \"\w+\" )*fn\(", source):
        yield Proposal((scene.insert(values[0].end_byte, f" as {source}"),), {"type": source})


def value_without_field(scene: Scene) -> Iterator[Proposal]:
    """A field of a number, a character or a truth value: it is the value itself."""
    # In the arguments of a macro there is no field expression: the text in front of the field has to do.
    value = re.search(r"(?<![\w.)\]])([a-z_]\w*(?:\.\w+)*)\s*\.\s*$", scene.code(0, scene.span.byte_start))
    behind = scene.text[scene.span.byte_end : scene.span.byte_end + 1]
    if value is not None and not scene.span.from_macro and behind != b"(":
        start = len(scene.code(0, scene.span.byte_start)[: value.end(1)].encode())
        yield Proposal((scene.delete(start, scene.span.byte_end),), {"value": value[1]})


def promoted_argument(scene: Scene) -> Iterator[Proposal]:
    """An argument behind the declared ones has one of C's larger types."""
    found = re.search(r"cast the value to `(c_\w+)`", scene.said)
    if found is None or scene.span.from_macro:
        return
    written = scene.code(scene.span.byte_start, scene.span.byte_end)
    value = written if re.fullmatch(r"[\w.]+(\([^()]*\))?", written) else f"({written})"
    yield Proposal((scene.replace(scene.span, f"{value} as std::ffi::{found[1]}"),), {"type": found[1]})


def pointer_of_known_kind(scene: Scene) -> Iterator[Proposal]:
    """`as *const _` where nothing says to what: to nothing that is known."""
    cast = scene.around("type_cast_expression") or next(
        (one for one in scene.node.named_children if one.type == "type_cast_expression"), None
    )
    of_type = cast.child_by_field_name("type") if cast is not None else None
    found = re.fullmatch(r"\*\s*(const|mut)\s+_", scene.of(of_type)) if of_type is not None else None
    if of_type is not None and found is not None:
        text = f"*{found[1]} ()"
        yield Proposal((scene.replace(of_type, text),), {"type": text})


def value_with_an_address(scene: Scene) -> Iterator[Proposal]:
    """A value that nobody keeps has no address: it is bound to a name first."""
    statement = scene.statement()
    reference = scene.around("reference_expression")
    function = scene.function()
    if statement is None or function is None or scene.span.from_macro:
        return
    written = scene.code(scene.span.byte_start, scene.span.byte_end)
    before = scene.code(reference.start_byte if reference is not None else 0, scene.span.byte_start)
    name = fresh_name(scene, function, ("value", "held", "kept"))
    if name is None or not re.fullmatch(r"&\s*raw\s+(const|mut)\s+", before):
        return
    mutable = "mut " if re.search(r"\bmut\s+$", before) else ""
    value = written[1:-1] if re.fullmatch(r"\([^()]*\)", written) else written
    line = f"let {mutable}{name} = {value};\n{scene.indentation(statement.start_byte)}"
    yield Proposal((scene.insert(statement.start_byte, line), scene.replace(scene.span, name)), {"name": name})
