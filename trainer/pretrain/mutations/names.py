"""Mistakes with names: imports, `self.`, methods of other languages, missing fields, paths; typos, which are capped."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files

from tree_sitter import Node

from trainer.pretrain.mutations.dispatch import by_kind, fields_of, is_method_call, method_name, only, said
from trainer.pretrain.mutations.mutant import ByteEdit, Mutant

__all__ = ["MUTATORS"]

UNKNOWN_NAMES = ("E0425", "E0433", "E0412", "E0405", "E0404", "E0423", "E0422", "E0531", "E0532")
LONGEST_LET = 48


@cache
def words() -> Mapping[str, Mapping[str, list[str]]]:
    """The table of words that are taken for others."""
    return tomllib.loads(files(__package__).joinpath("words.toml").read_text(encoding="utf-8"))


def import_removed(node: Node, text: bytes) -> Iterator[Mutant]:
    """An import is missing, one of a list, or its path is wrong."""
    whole = said(node, text)
    argument = node.child_by_field_name("argument")
    codes = (*UNKNOWN_NAMES, "E0599", "E0277", "E0407")
    end = node.end_byte + (text[node.end_byte : node.end_byte + 1] == b"\n")
    if "{" not in whole:
        yield only("import.removed", codes, node.start_byte, end)
    if argument is None or not said(argument, text).startswith("std::"):
        return
    path = said(argument, text).split("::")
    if len(path) > 2:
        shorter = "::".join([path[0], *path[2:]])
        yield only("import.module_left_out", ("E0432", "E0433"), argument.start_byte, argument.end_byte, shorter)
        other = words()["modules"].get(path[1])
        for one in other or ():
            new = "::".join([path[0], one, *path[2:]])
            yield only("import.other_module", ("E0432", "E0433"), argument.start_byte, argument.end_byte, new)
        other_root = "::".join(path[1:])
        yield only("import.root_left_out", ("E0432", "E0433"), argument.start_byte, argument.end_byte, other_root)
    yield only("import.with_dots", ("",), argument.start_byte, argument.end_byte, ".".join(path))


def import_list_shortened(node: Node, _text: bytes) -> Iterator[Mutant]:
    if node.parent is None or node.parent.type not in {"scoped_use_list", "use_declaration"}:
        return
    names = node.named_children
    for number, name in enumerate(names):
        if len(names) > 1 and name.type == "identifier":
            start, end = (name.start_byte, names[1].start_byte) if number == 0 else (
                names[number - 1].end_byte, name.end_byte,
            )  # fmt: skip
            yield only("import.one_of_list_removed", (*UNKNOWN_NAMES, "E0599", "E0277"), start, end)


def self_removed(node: Node, text: bytes) -> Iterator[Mutant]:
    value, field = node.child_by_field_name("value"), node.child_by_field_name("field")
    if value is None or field is None:
        return
    if said(value, text) == "self":
        is_call = node.parent is not None and node.parent.type == "call_expression"
        kind = "scope.self_of_method_removed" if is_call else "scope.self_of_field_removed"
        yield only(kind, ("E0425",), node.start_byte, field.start_byte)
        yield only(
            "scope.type_for_self", ("E0423", "E0424", "E0609", "E0599"), value.start_byte, value.end_byte, "Self"
        )
        yield only("scope.path_of_self", ("E0433", "E0425", "E0599"), value.start_byte, field.start_byte, "Self::")
    if field.type == "field_identifier" and node.parent is not None:
        if node.parent.type == "call_expression":
            yield only("scope.path_for_dot", ("E0433", "E0425"), value.end_byte, field.start_byte, "::")
        else:
            yield only("scope.field_called", ("E0599",), node.end_byte, node.end_byte, "()")
            yield only("typo.field", ("E0609",), field.start_byte, field.end_byte, misspelt(said(field, text)))


def path_changed(node: Node, text: bytes) -> Iterator[Mutant]:
    """`Type.function` and a bare `function` for `Type::function`."""
    path, name = node.child_by_field_name("path"), node.child_by_field_name("name")
    if path is None or name is None or node.parent is None:
        return
    if node.parent.type == "call_expression":
        yield only("scope.dot_for_path", ("E0423", "E0425", "E0599"), path.end_byte, name.start_byte, ".")
        if said(path, text) == "Self":
            yield only("scope.type_of_function_removed", ("E0425",), node.start_byte, name.start_byte)
            yield only("scope.self_for_type", ("E0424", "E0423", "E0599"), node.start_byte, name.start_byte, "self.")
        for other in words()["functions"].get(said(node, text), ()):
            yield only("foreign.function", ("E0599",), node.start_byte, node.end_byte, other)
    elif node.parent.type not in {"use_declaration", "scoped_identifier", "use_list", "attribute"}:
        yield only("scope.type_of_variant_removed", ("E0425", "E0433", "E0531"), node.start_byte, name.start_byte)
    if said(path, text) not in {"std", "Self", "self", "super", "crate"} and "::" not in said(path, text):
        yield only("typo.variant_or_function", ("E0599", "E0433", "E0425"), name.start_byte, name.end_byte,
                   misspelt(said(name, text)))  # fmt: skip


def method_of_another_language(node: Node, text: bytes) -> Iterator[Mutant]:
    name = method_name(node)
    if name is None or not is_method_call(node):
        return
    word = said(name, text)
    for other in words()["methods"].get(word, ()):
        yield only(f"foreign.{word}", ("E0599",), name.start_byte, name.end_byte, other)
    arguments = node.child_by_field_name("arguments")
    if arguments is not None and not arguments.named_children:
        yield only("scope.method_as_field", ("E0615", "E0616", "E0609"), arguments.start_byte, arguments.end_byte)
    yield only("typo.method", ("E0599",), name.start_byte, name.end_byte, misspelt(word))


def type_of_another_language(node: Node, text: bytes) -> Iterator[Mutant]:
    for other in words()["types"].get(said(node, text), ()):
        yield only("foreign.type", ("E0412", "E0425"), node.start_byte, node.end_byte, other)
    is_declared = node.parent is not None and node.parent.child_by_field_name("name") == node
    if node.type == "type_identifier" and not is_declared and len(said(node, text)) > 3:
        yield only("typo.type", ("E0412", "E0433", "E0425", "E0405", "E0422"), node.start_byte, node.end_byte,
                   misspelt(said(node, text)))  # fmt: skip


def value_of_another_language(node: Node, text: bytes) -> Iterator[Mutant]:
    if node.parent is not None and node.parent.type in {"self_parameter", "scoped_identifier", "use_declaration"}:
        return
    for other in words()["values"].get(said(node, text), ()):
        yield only("foreign.value", ("E0425", "E0433", "E0412"), node.start_byte, node.end_byte, other)


def variable_misspelt(node: Node, text: bytes) -> Iterator[Mutant]:
    parent = node.parent
    if parent is None or parent.type not in {
        "arguments",
        "binary_expression",
        "reference_expression",
        "call_expression",
    }:
        return
    word = said(node, text)
    if len(word) > 3 and word[0].islower():
        yield only("typo.variable", ("E0425",), node.start_byte, node.end_byte, misspelt(word))
        if parent.type != "call_expression":
            yield only("scope.self_for_local", ("E0609", "E0424"), node.start_byte, node.start_byte, "self.")


def misspelt(word: str) -> str:
    """A word with one letter gone, or two swapped; of a short one with one more. Always the same for the same word."""
    if len(word) < 4:
        return f"{word}s"
    place = sum(map(ord, word)) % (len(word) - 2) + 1
    if len(word) % 2 and word[place - 1] != word[place]:
        return word[: place - 1] + word[place] + word[place - 1] + word[place + 1 :]
    return word[:place] + word[place + 1 :]


def let_removed(node: Node, text: bytes) -> Iterator[Mutant]:
    """A short statement that introduces a name is missing, or its `let`, or it names another."""
    pattern, value = node.child_by_field_name("pattern"), node.child_by_field_name("value")
    line_start = text.rfind(b"\n", 0, node.start_byte) + 1
    if pattern is None or pattern.type != "identifier" or value is None:
        return
    if len(said(node, text)) <= LONGEST_LET and text[node.end_byte : node.end_byte + 1] == b"\n":
        yield only("scope.let_removed", ("E0425",), line_start, node.end_byte + 1)
    if node.child_by_field_name("type") is None:
        yield only("scope.let_word_removed", ("E0425",), node.start_byte, pattern.start_byte)
    yield only("scope.other_name_in_let", ("E0425",), pattern.start_byte, pattern.end_byte, "_")


def let_in_block(node: Node, text: bytes) -> Iterator[Mutant]:
    """A name that is made in a block of its own and used behind it."""
    value = node.child_by_field_name("value")
    if value is not None and node.child_by_field_name("pattern") is not None and len(said(node, text)) <= LONGEST_LET:
        yield only("scope.let_in_block", ("E0425",), node.start_byte, node.end_byte, f"{{ {said(node, text)} }}")


def field_removed(node: Node, text: bytes) -> Iterator[Mutant]:
    """A field that gets no value."""
    entries = fields_of(node, "field_initializer", "shorthand_field_initializer", "base_field_initializer")
    for number, entry in enumerate(entries):
        if len(entries) < 2 or len(said(entry, text)) > LONGEST_LET:
            continue
        codes = ("E0063",)
        if b"\n" in text[node.start_byte : node.end_byte]:
            start = text.rfind(b"\n", 0, entry.start_byte)
            end = text.find(b"\n", entry.end_byte)
            yield only("field.removed", codes, start, end)
        elif number:
            yield only("field.removed", codes, entries[number - 1].end_byte, entry.end_byte)
        else:
            yield only("field.removed", codes, entry.start_byte, entries[1].start_byte)
        name = entry.child_by_field_name("field") or (entry.named_children[0] if entry.named_children else None)
        if entry.type == "field_initializer" and name is not None:
            yield only(
                "typo.field_of_value", ("E0560", "E0559"), name.start_byte, name.end_byte, misspelt(said(name, text))
            )
            yield only("field.named_twice", ("E0062",), entry.end_byte, entry.end_byte, f", {said(entry, text)}")
        if entry.type == "shorthand_field_initializer":
            yield only(
                "field.expanded_wrongly", ("E0425",), entry.end_byte, entry.end_byte, f": {misspelt(said(entry, text))}"
            )


def field_declaration_changed(node: Node, text: bytes) -> Iterator[Mutant]:
    """A field that is not declared, or is declared twice, or is private."""
    line_start, line_end = text.rfind(b"\n", 0, node.start_byte) + 1, text.find(b"\n", node.end_byte) + 1
    line = text[line_start:line_end].decode(errors="replace")
    if line.strip().rstrip(",") != said(node, text) or len(line) > LONGEST_LET:
        return
    yield only("field.not_declared", ("E0560", "E0609"), line_start, line_end)
    yield only("field.declared_twice", ("E0124",), line_end, line_end, line)
    if inside_module(node) and line.strip().startswith("pub "):
        yield only("private.field", ("E0616", "E0451"), node.start_byte, node.start_byte + 4)


def inside_module(node: Node) -> bool:
    while node.parent is not None:
        node = node.parent
        if node.type == "mod_item":
            return True
    return False


def item_made_private(node: Node, _text: bytes) -> Iterator[Mutant]:
    """Without `pub` nobody outside of the module can use it."""
    if node.children and node.children[0].type == "visibility_modifier" and inside_module(node):
        codes = ("E0603", "E0624", "E0616", "E0433", "E0364", "E0446")
        yield only("private.item", codes, node.start_byte, node.children[1].start_byte)


def associated_type_removed(node: Node, text: bytes) -> Iterator[Mutant]:
    """`type Item = ..` or a constant of a trait is missing in an impl."""
    if node.parent is None or node.parent.type != "declaration_list":
        return
    start = text.rfind(b"\n", 0, node.start_byte) + 1
    yield only("item.associated_removed", ("E0046", "E0220", "E0425"), start, node.end_byte + 1)


def constant_removed(node: Node, text: bytes) -> Iterator[Mutant]:
    if len(said(node, text)) <= LONGEST_LET and text[node.end_byte : node.end_byte + 1] == b"\n":
        start = text.rfind(b"\n", 0, node.start_byte) + 1
        yield only("item.constant_removed", ("E0425", "E0046"), start, node.end_byte + 1)


def macro_as_function(node: Node, text: bytes) -> Iterator[Mutant]:
    name = node.child_by_field_name("macro")
    if name is not None and text[name.end_byte : name.end_byte + 2] == b"!(":
        yield only("scope.macro_as_function", ("E0423", "E0425"), name.end_byte, name.end_byte + 1)


def receiver_removed(node: Node, _text: bytes) -> Iterator[Mutant]:
    """`self` is used in a function that has none."""
    parameters = node.named_children
    first = parameters[0] if parameters else None
    if first is not None and first.type == "self_parameter":
        end = parameters[1].start_byte if len(parameters) > 1 else first.end_byte
        yield only("scope.receiver_removed", ("E0424", "E0186", "E0599", "E0061"), first.start_byte, end)


def type_parameters_removed(node: Node, _text: bytes) -> Iterator[Mutant]:
    """A type parameter that is not declared."""
    yield only("scope.type_parameters_removed", ("E0412", "E0425"), node.start_byte, node.end_byte)


def variant_removed(node: Node, text: bytes) -> Iterator[Mutant]:
    """A variant that is not declared."""
    line_start, line_end = text.rfind(b"\n", 0, node.start_byte) + 1, text.find(b"\n", node.end_byte) + 1
    if text[line_start:line_end].decode(errors="replace").strip().rstrip(",") == said(node, text):
        yield only("item.variant_removed", ("E0599",), line_start, line_end)


def struct_expression_changed(node: Node, _text: bytes) -> Iterator[Mutant]:
    """`..base` is missing."""
    body = node.child_by_field_name("body")
    base = fields_of(body, "base_field_initializer") if body is not None else []
    previous = base[0].prev_named_sibling if base else None
    if base and previous is not None:
        edit = ByteEdit(previous.end_byte, base[0].end_byte, b"")
        yield Mutant("field.base_removed", ("E0063",), (edit,))


MUTATORS = (
    by_kind(
        {
            "use_declaration": (import_removed,),
            "use_list": (import_list_shortened,),
            "field_expression": (self_removed,),
            "scoped_identifier": (path_changed,),
            "call_expression": (method_of_another_language,),
            "type_identifier": (type_of_another_language,),
            "primitive_type": (type_of_another_language,),
            "boolean_literal": (value_of_another_language,),
            "self": (value_of_another_language,),
            "identifier": (value_of_another_language, variable_misspelt),
            "let_declaration": (let_removed, let_in_block),
            "field_initializer_list": (field_removed,),
            "field_declaration": (field_declaration_changed, item_made_private),
            "function_item": (item_made_private,),
            "struct_item": (item_made_private,),
            "const_item": (item_made_private, constant_removed),
            "type_item": (associated_type_removed,),
            "macro_invocation": (macro_as_function,),
            "parameters": (receiver_removed,),
            "type_parameters": (type_parameters_removed,),
            "enum_variant": (variant_removed,),
            "struct_expression": (struct_expression_changed,),
        }
    ),
)
"""All mistakes of this file, for any text."""
