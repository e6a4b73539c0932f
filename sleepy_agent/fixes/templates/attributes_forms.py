"""Attributes with arguments of another form than theirs, or on something that they do not fit."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tree_sitter import Node

from sleepy_agent.code.names import nearest
from sleepy_agent.code.syntax import COMMENT_KINDS, code_children
from sleepy_agent.fixes.templates.attributes import attribute_around, nodes_of_kind, without_member
from sleepy_agent.fixes.templates.scene import Proposal, Scene

STD_MACROS = (
    *("assert", "assert_eq", "assert_ne", "cfg", "column", "compile_error", "concat", "dbg", "debug_assert"),
    *("debug_assert_eq", "debug_assert_ne", "env", "eprint", "eprintln", "file", "format", "format_args", "include"),
    *("include_bytes", "include_str", "line", "matches", "module_path", "option_env", "panic", "print", "println"),
    *("stringify", "thread_local", "todo", "unimplemented", "unreachable", "vec", "write", "writeln"),
)
# Attributes whose one text has a key of its own; all others take it as their value.
KEY_OF_TEXT = {"deprecated": "note", "link": "name"}
TAKE_WORDS = frozenset({"cfg", "cfg_attr", "derive", "repr", "allow", "deny", "warn", "expect", "forbid", "macro_use"})
KINDS_OF_LIBRARIES = ("static", "dylib", "framework", "raw-dylib")


def arguments_of(attribute: Node) -> Node | None:
    """The bracketed arguments of an attribute."""
    return next(iter(nodes_of_kind(attribute, "token_tree")), None)


def name_of(scene: Scene, attribute: Node) -> str:
    """The name of an attribute, as in `#[name(..)]`."""
    found = re.match(r"#!?\[\s*(?:unsafe\s*\(\s*)?([\w:]+)", scene.of(attribute))
    return found[1] if found is not None else ""


def item_behind(attribute: Node) -> Node | None:
    """The item that an attribute belongs to."""
    item = attribute.next_named_sibling
    while item is not None and item.type in COMMENT_KINDS | {"attribute_item"}:
        item = item.next_named_sibling
    return item


def without_empty_arguments(scene: Scene) -> Iterator[Proposal]:
    """`#[inline()]`: brackets without anything in them say nothing."""
    attribute = attribute_around(scene)
    arguments = arguments_of(attribute) if attribute is not None else None
    if attribute is not None and arguments is not None and re.fullmatch(r"\(\s*\)", scene.of(arguments)):
        yield Proposal((scene.delete(arguments.start_byte, arguments.end_byte),), {"name": name_of(scene, attribute)})


def conditions_in_not(scene: Scene) -> Iterator[Proposal]:
    """`not(a, b)` takes one condition: none of them holds, or not all of them do."""
    attribute = attribute_around(scene)
    for tree in nodes_of_kind(attribute, "token_tree") if attribute is not None else []:
        before = scene.code(0, tree.start_byte).rstrip()
        members = [child for child in tree.children if child.type == ","]
        if re.search(r"\bnot$", before) and members:
            for word, extra in (("any", 0.0), ("all", 0.05)):
                edits = (scene.insert(tree.start_byte, f"({word}"), scene.insert(tree.end_byte, ")"))
                yield Proposal(edits, {"word": word}, extra)


def key_given_once(scene: Scene) -> Iterator[Proposal]:
    """A key that is given twice with different values: nobody can say which one is meant."""
    attribute = attribute_around(scene)
    twice = scene.labelled("used as a key more than once")
    if attribute is None or twice is None or twice.file != scene.file:
        return
    key = re.match(r"\w+", scene.code(twice.byte_start, twice.byte_end))
    pattern = rb"\b" + (key[0].encode() if key is not None else b"") + rb'\s*=\s*"[^"]*"'
    inside = scene.text[attribute.start_byte : attribute.end_byte]
    places = [
        (attribute.start_byte + one.start(), attribute.start_byte + one.end()) for one in re.finditer(pattern, inside)
    ]
    if key is None or len(places) != 2:
        return
    values = [scene.code(start, end).split("=", 1)[1].strip() for start, end in places]
    for number in (1,) if values[0] == values[1] else (1, 0):
        yield Proposal((without_member(scene, *places[number]),), {"key": key[0], "value": values[1 - number]})


def text_as_value(scene: Scene) -> Iterator[Proposal]:
    """`#[must_use("reason")]`: the text is the attribute's value, not an argument."""
    attribute = attribute_around(scene)
    arguments = arguments_of(attribute) if attribute is not None else None
    found = re.fullmatch(r'\(\s*("[^"]*")\s*\)', scene.of(arguments)) if arguments is not None else None
    if attribute is None or arguments is None or found is None or name_of(scene, attribute) in TAKE_WORDS:
        return
    key = KEY_OF_TEXT.get(name_of(scene, attribute))
    text = f"({key} = {found[1]})" if key is not None else f" = {found[1]}"
    yield Proposal((scene.replace(arguments, text),), {"name": name_of(scene, attribute), "text": text.strip()})


def library_by_name(scene: Scene) -> Iterator[Proposal]:
    """`#[link(dylib = "z")]`, `#[link(lib = "z")]`: the library's name stands behind `name`."""
    attribute = attribute_around(scene)
    arguments = arguments_of(attribute) if attribute is not None else None
    if attribute is None or arguments is None or name_of(scene, attribute) != "link":
        return
    written = scene.of(arguments)
    found = re.search(r'\b(static|dylib|framework|lib|library|file|path|to)\s*=\s*("[^"]+")', written)
    if found is None or re.search(r"\bname\s*=", written):
        return
    kind = f', kind = "{found[1]}"' if found[1] in KINDS_OF_LIBRARIES and "kind" not in written else ""
    text = written[: found.start()] + f"name = {found[2]}{kind}" + written[found.end() :]
    yield Proposal((scene.replace(arguments, text),), {"library": found[2]})


def attribute_of_methods(scene: Scene) -> Iterator[Proposal]:
    """An attribute of functions that stands on their `impl` belongs to each of them."""
    attribute = attribute_around(scene)
    item = item_behind(attribute) if attribute is not None else None
    body = item.child_by_field_name("body") if item is not None and item.type == "impl_item" else None
    functions = [child for child in code_children(body) if child.type == "function_item"] if body is not None else []
    if attribute is None or not functions or len(functions) > 8:
        return
    words = scene.of(attribute)
    behind = re.match(rb"[ \t]*\r?\n[ \t]*|[ \t]*", scene.text[attribute.end_byte :])
    end = attribute.end_byte + (behind.end() if behind is not None else 0)
    edits = [scene.delete(attribute.start_byte, end)]
    for function in functions:
        edits.append(scene.insert(function.start_byte, f"{words}\n{scene.indentation(function.start_byte)}"))
    yield Proposal(tuple(edits), {"attribute": words})


def derive_on_the_type(scene: Scene) -> Iterator[Proposal]:
    """A derive that stands on an `impl` belongs to the type, where this file declares it."""
    attribute = attribute_around(scene)
    item = item_behind(attribute) if attribute is not None else None
    of_type = item.child_by_field_name("type") if item is not None and item.type == "impl_item" else None
    arguments = arguments_of(attribute) if attribute is not None else None
    if attribute is None or of_type is None or arguments is None:
        return
    declared = scene.index.type_named(re.split(r"\W", scene.of(of_type), maxsplit=1)[0])
    if declared is None or declared.file != scene.file:
        return
    wanted = re.findall(r"[\w:]+", scene.of(arguments))
    missing = [name for name in wanted if name.rsplit("::", 1)[-1] not in declared.derives]
    behind = re.match(rb"[ \t]*\r?\n[ \t]*|[ \t]*", scene.text[attribute.end_byte :])
    away = scene.delete(attribute.start_byte, attribute.end_byte + (behind.end() if behind is not None else 0))
    values = {"traits": ", ".join(missing) or ", ".join(wanted), "type": declared.name}
    if not missing:
        yield Proposal((away,), values)
    elif declared.derive_end is not None:
        separator = ", " if declared.derives else ""
        yield Proposal((away, scene.insert(declared.derive_end, separator + ", ".join(missing))), values)
    else:
        line = f"#[derive({', '.join(missing)})]\n{scene.indentation(declared.byte_start)}"
        yield Proposal((away, scene.insert(declared.byte_start, line)), values)


def macros_by_import(scene: Scene) -> Iterator[Proposal]:
    """`#[macro_use(name)]` works at the root of a crate; in a module the macro is imported by its path."""
    declaration = scene.around("extern_crate_declaration")
    attribute = declaration.prev_named_sibling if declaration is not None else None
    if declaration is None or attribute is None or attribute.type != "attribute_item":
        return
    arguments = arguments_of(attribute)
    names = re.findall(r"\w+", scene.of(arguments)) if arguments is not None else []
    bound = declaration.child_by_field_name("alias") or declaration.child_by_field_name("name")
    if name_of(scene, attribute) != "macro_use" or not names or bound is None:
        return
    tree = names[0] if len(names) == 1 else "{" + ", ".join(names) + "}"
    line = f"\n{scene.indentation(declaration.start_byte)}use self::{scene.of(bound)}::{tree};"
    away = scene.delete(attribute.start_byte, declaration.start_byte)
    yield Proposal((away, scene.insert(declaration.end_byte, line)), {"names": ", ".join(names)})


def macro_of_the_crate(scene: Scene) -> Iterator[Proposal]:
    """The macro of the crate whose name comes nearest."""
    attribute = attribute_around(scene)
    declaration = item_behind(attribute) if attribute is not None else None
    crate_name = declaration.child_by_field_name("name") if declaration is not None else None
    if crate_name is None:
        return
    crate = scene.of(crate_name)
    if crate in {"std", "core", "alloc"}:
        known: tuple[str, ...] = STD_MACROS
    else:
        items = scene.index.crate(crate)
        macros = items.items if items is not None else ()
        known = tuple({item.name for item in macros if item.kind == "macro"})
    written = scene.code(scene.span.byte_start, scene.span.byte_end)
    near = [name for name, _ in nearest(written, known, 1)]
    for name in near:
        yield Proposal((scene.replace(scene.span, name),), {"way": f"use the macro `{name}`"})
    names = re.findall(r"\w+", scene.of(attribute)) if attribute is not None else []
    if not near and len(names) > 2:
        edit = without_member(scene, scene.span.byte_start, scene.span.byte_end)
        yield Proposal((edit,), {"way": f"leave `{written}` out, which the crate does not have"}, 0.4)


def attribute_beside_another(scene: Scene) -> Iterator[Proposal]:
    """An attribute that another attribute, or the kind of function, rules out."""
    attribute = attribute_around(scene)
    if attribute is not None:
        behind = re.match(rb"[ \t]*\r?\n[ \t]*|[ \t]*", scene.text[attribute.end_byte :])
        end = attribute.end_byte + (behind.end() if behind is not None else 0)
        yield Proposal((scene.delete(attribute.start_byte, end),), {"attribute": scene.of(attribute)})


def quoted_value(scene: Scene) -> Iterator[Proposal]:
    """`since = 1.0`, `must_use = reason`: the value of an attribute is a text."""
    attribute = attribute_around(scene)
    if attribute is None or scene.span.from_macro:
        return
    start = attribute.start_byte
    plain = re.compile(r"(?<==)(\s*)([A-Za-z_][\w.:]*|\d[\w.]*|b\"[^\"]*\")(?=\s*[,)\]])")
    edits = [
        scene.replace_bytes(
            start + len(scene.of(attribute)[: found.start(2)].encode()),
            start + len(scene.of(attribute)[: found.end(2)].encode()),
            found[2].removeprefix("b") if '"' in found[2] else f'"{found[2]}"',
        )
        for found in plain.finditer(scene.of(attribute))
        if found[2] not in {"true", "false"}
    ]
    if len(edits) == 1:
        yield Proposal(tuple(edits), {"value": edits[0].replacement})


def attribute_mark(scene: Scene) -> Iterator[Proposal]:
    """`[derive(Debug)]` in front of an item: the `#` is missing."""
    line_end = scene.text.find(b"\n", scene.span.byte_start)
    line = scene.code(scene.span.byte_start, line_end if line_end >= 0 else len(scene.text))
    if re.fullmatch(r"\[[a-z_]+(\(.*\)|\s*=\s*\".*\")?\]\s*", line):
        yield Proposal((scene.insert(scene.span.byte_start, "#"),), {"attribute": f"#{line.strip()}"})


def attribute_of_the_crate(scene: Scene) -> Iterator[Proposal]:
    """`#![..]` behind the items of a file: what is said of all of it stands at its beginning."""
    attribute = next((one for one in scene.root.children if one.start_byte == scene.span.byte_start), None)
    if attribute is None or attribute.type != "inner_attribute_item" or item_behind(attribute) is not None:
        return
    position = 0
    for child in scene.root.children:
        is_inner = child.type == "inner_attribute_item" or scene.of(child).startswith(("//!", "/*!", "#!"))
        if not is_inner or child.start_byte >= attribute.start_byte:
            break
        position = child.end_byte if scene.text[child.end_byte - 1 : child.end_byte] == b"\n" else child.end_byte + 1
    before = re.search(rb"\s*$", scene.text[: attribute.start_byte])
    start = before.start() if before is not None else attribute.start_byte
    edits = (scene.insert(position, f"{scene.of(attribute)}\n"), scene.delete(start, attribute.end_byte))
    yield Proposal(edits, {"attribute": scene.of(attribute)})


def parameter_without_value(scene: Scene) -> Iterator[Proposal]:
    """Parameters have no default values: every call gives all arguments."""
    if scene.around("token_tree") is not None:
        return
    before = re.search(rb"\s*$", scene.text[: scene.span.byte_start])
    if before is not None and re.match(r"=\s*\S", scene.code(scene.span.byte_start, scene.span.byte_end)):
        yield Proposal((scene.delete(before.start(), scene.span.byte_end),))


def closed_attribute(scene: Scene) -> Iterator[Proposal]:
    """An attribute on a line of its own whose brackets nobody closed."""
    opened = scene.labelled("unclosed delimiter")
    if opened is None or opened.file != scene.file:
        return
    start = scene.text.rfind(b"\n", 0, opened.byte_start) + 1
    end = scene.text.find(b"\n", opened.byte_start)
    line = scene.code(start, end if end >= 0 else len(scene.text)).rstrip()
    if not re.fullmatch(r"\s*#!?\[\s*\w+(\([\w:, ]*\)?)?", line):
        return
    closing = ")" * (line.count("(") - line.count(")")) + "]"
    yield Proposal((scene.insert(start + len(line.encode()), closing),), {"marks": closing})


def module_without_import(scene: Scene) -> Iterator[Proposal]:
    """`use {self, ..}`: the module itself is there without an import."""
    declaration = scene.around("use_declaration")
    members = scene.around("use_list")
    if declaration is None or members is None or members.parent != declaration:
        return
    if len(code_children(members)) > 1:
        yield Proposal((without_member(scene, scene.span.byte_start, scene.span.byte_end),))
    else:
        behind = re.match(rb"[ \t]*\r?\n", scene.text[declaration.end_byte :])
        end = declaration.end_byte + (behind.end() if behind is not None else 0)
        yield Proposal((scene.delete(declaration.start_byte, end),))
