"""Mistakes about names, imports, visibility, attributes and macros."""

from __future__ import annotations

from collections.abc import Iterator

from tree_sitter import Node

from benchmarks.real_crates.mutation import (
    Mutation,
    Mutator,
    SourceFile,
    Topic,
    cut,
    cut_item,
    cut_line,
    cut_with_space,
    is_inside,
    list_items,
    method_calls,
    replaced,
    token_of,
)
from benchmarks.real_crates.words import wrong_words
from sleepy_agent.code.syntax import code_children

_SHORTEST_NAME = 4
"""A slip in a shorter word often gives another word, which is a different mistake."""

_OWN_ROOTS = frozenset({"crate", "super", "self"})
_STANDARD_ROOTS = frozenset({"std", "core", "alloc"})


def slips(name: str) -> tuple[str, ...]:
    """A name with two letters exchanged, one dropped, one doubled: in its middle, where the eye does not see it."""
    middle = len(name) // 2
    exchanged = name[: middle - 1] + name[middle] + name[middle - 1] + name[middle + 1 :]
    dropped = name[:middle] + name[middle + 1 :]
    doubled = name[:middle] + name[middle] + name[middle:]
    return tuple(dict.fromkeys(other for other in (exchanged, dropped, doubled) if other != name))


def _with_slips(source: SourceFile, node: Node) -> Iterator[Mutation]:
    name = source.words(node)
    if len(name) >= _SHORTEST_NAME and name.isidentifier() and name not in {"self", "Self", "crate", "super"}:
        for other in slips(name):
            yield replaced(node, other)


def _used_variables(source: SourceFile) -> Iterator[Node]:
    """Identifiers that stand for a value: no names of functions that are called, no patterns, no paths."""
    holders = {
        "arguments",
        "binary_expression",
        "field_expression",
        "reference_expression",
        "index_expression",
        "unary_expression",
        "assignment_expression",
        "compound_assignment_expr",
        "return_expression",
        "match_expression",
        "try_expression",
        "if_expression",
        "block",
    }
    for node in source.nodes("identifier"):
        if node.parent is not None and node.parent.type in holders and source.words(node).islower():
            yield node


def _typo_in_a_variable(source: SourceFile) -> Iterator[Mutation]:
    for node in _used_variables(source):
        yield from _with_slips(source, node)


def _used_fields(source: SourceFile) -> Iterator[Node]:
    for node in source.nodes("field_expression"):
        name = node.child_by_field_name("field")
        is_called = node.parent is not None and node.parent.type in {"call_expression", "generic_function"}
        if name is not None and name.type == "field_identifier" and not is_called:
            yield name
    for node in source.nodes("field_initializer"):
        name = node.child_by_field_name("field")
        if name is not None:
            yield name


def _typo_in_a_field(source: SourceFile) -> Iterator[Mutation]:
    for node in _used_fields(source):
        yield from _with_slips(source, node)


def _typo_in_a_method(source: SourceFile) -> Iterator[Mutation]:
    for _, _, name, _ in method_calls(source):
        yield from _with_slips(source, name)


def _typo_in_a_type(source: SourceFile) -> Iterator[Mutation]:
    for node in source.nodes("type_identifier"):
        declares = node.parent is not None and node.parent.child_by_field_name("name") == node
        is_declaration = declares and node.parent is not None and not node.parent.type.startswith("scoped")
        if not is_declaration and not is_inside(node, "use_declaration"):
            yield from _with_slips(source, node)


def _typo_in_a_path(source: SourceFile) -> Iterator[Mutation]:
    """Variants, associated functions and modules behind `::`, and functions that are called."""
    for node in source.nodes("scoped_identifier"):
        name = node.child_by_field_name("name")
        if name is not None and not is_inside(node, "use_declaration", "attribute_item"):
            yield from _with_slips(source, name)
    for node in source.nodes("call_expression"):
        function = node.child_by_field_name("function")
        if function is not None and function.type == "identifier" and source.words(function).islower():
            yield from _with_slips(source, function)


def _singular_for_plural(source: SourceFile) -> Iterator[Mutation]:
    methods = (name for _, _, name, _ in method_calls(source))
    for node in (*_used_variables(source), *_used_fields(source), *methods):
        name = source.words(node)
        if len(name) >= _SHORTEST_NAME and not name.endswith(("ss", "us", "is")):
            yield replaced(node, name[:-1] if name.endswith("s") else name + "s")


def _word_of_another_language(source: SourceFile) -> Iterator[Mutation]:
    for _, _, name, _ in method_calls(source):
        for other in wrong_words("foreign_methods").get(source.words(name), ()):
            yield replaced(name, other)


def camel_case(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


def _camel_case(source: SourceFile) -> Iterator[Mutation]:
    methods = (name for _, _, name, _ in method_calls(source))
    for node in (*_used_variables(source), *_used_fields(source), *methods):
        name = source.words(node)
        if "_" in name.strip("_") and camel_case(name) != name and not name.startswith("_"):
            yield replaced(node, camel_case(name))


def _self_forgotten(source: SourceFile) -> Iterator[Mutation]:
    """`name` for `self.name`, and `Name` for `Self::Name`."""
    for node in source.nodes("field_expression"):
        value, name = node.child_by_field_name("value"), node.child_by_field_name("field")
        if value is not None and name is not None and source.words(value) == "self" and name.type == "field_identifier":
            yield cut(node.start_byte, name.start_byte)
    for node in source.nodes("scoped_identifier"):
        path, name = node.child_by_field_name("path"), node.child_by_field_name("name")
        if path is not None and name is not None and source.words(path) == "Self":
            yield cut(node.start_byte, name.start_byte)


def _imports(source: SourceFile) -> Iterator[tuple[Node, str, list[Node], Node]]:
    """(declaration, first word of its path, names in its list or the one name, list or declaration)."""
    for node in source.nodes("use_declaration"):
        argument = node.child_by_field_name("argument")
        if argument is None or argument.type in {"use_wildcard", "identifier"}:
            continue
        root = source.words(argument).split("::")[0].strip()
        if argument.type == "scoped_use_list":
            names = argument.child_by_field_name("list")
            if names is not None:
                yield node, root, list_items(names), names
        else:
            yield node, root, [argument], node


def _without_import(source: SourceFile, roots: frozenset[str], *, traits: bool) -> Iterator[Mutation]:
    for declaration, root, names, _ in _imports(source):
        if root not in roots:
            continue
        for position, name in enumerate(names):
            last = source.words(name).split("::")[-1].split(" as ")[0].strip()
            is_trait = last in wrong_words("traits")["names"]
            if is_trait is traits and name.type not in {"self", "use_wildcard", "scoped_use_list", "use_list"}:
                yield cut_line(source, declaration) if len(names) == 1 else cut_item(source, names, position)


def _import_forgotten(source: SourceFile) -> Iterator[Mutation]:
    yield from _without_import(source, _STANDARD_ROOTS, traits=False)


def _own_import_forgotten(source: SourceFile) -> Iterator[Mutation]:
    yield from _without_import(source, _OWN_ROOTS, traits=False)


def _import_of_a_trait_forgotten(source: SourceFile) -> Iterator[Mutation]:
    yield from _without_import(source, _STANDARD_ROOTS | _OWN_ROOTS, traits=True)


def _wrong_path_of_an_import(source: SourceFile) -> Iterator[Mutation]:
    """A module of the path left out, `super` and `crate` taken for each other, or a module misspelt."""
    for node in source.nodes("use_declaration"):
        argument = node.child_by_field_name("argument")
        path = argument.child_by_field_name("path") if argument is not None else None
        while path is not None and path.type in {"scoped_identifier", "identifier", "crate", "super", "self"}:
            name, inner = path.child_by_field_name("name"), path.child_by_field_name("path")
            if name is not None and inner is not None:
                yield cut(inner.end_byte, path.end_byte)
                yield from _with_slips(source, name)
            elif source.words(path) in {"crate", "super"}:
                yield replaced(path, "super" if source.words(path) == "crate" else "crate")
            path = inner


def _pub_forgotten(source: SourceFile) -> Iterator[Mutation]:
    for node in source.nodes("visibility_modifier"):
        if node.parent is not None and node.parent.type != "use_declaration":
            yield cut_with_space(source, node)


def _typo_in_an_attribute(source: SourceFile) -> Iterator[Mutation]:
    for node in source.nodes("attribute_item"):
        attribute = next(iter(code_children(node)), None)
        if attribute is None:
            continue
        arguments = attribute.child_by_field_name("arguments")
        name = next(iter(code_children(attribute)), None)
        if name is not None and name.type == "identifier":
            yield from _with_slips(source, name)
        if arguments is not None and name is not None and source.words(name) == "derive":
            for word in arguments.named_children:
                yield from _with_slips(source, word)


def _typo_in_a_macro(source: SourceFile) -> Iterator[Mutation]:
    for node in source.nodes("macro_invocation"):
        name = node.child_by_field_name("macro")
        if name is not None and name.type == "identifier":
            yield from _with_slips(source, name)


def _macro_without_exclamation_mark(source: SourceFile) -> Iterator[Mutation]:
    for node in source.nodes("macro_invocation"):
        mark = token_of(node, "!")
        if mark is not None:
            yield cut(mark.start_byte, mark.end_byte)


MUTATORS = (
    Mutator("typo in a variable", Topic.NAMES, "two letters exchanged, one dropped or doubled", _typo_in_a_variable),
    Mutator("typo in a field", Topic.NAMES, "two letters exchanged, one dropped or doubled", _typo_in_a_field),
    Mutator("typo in a method", Topic.NAMES, "two letters exchanged, one dropped or doubled", _typo_in_a_method),
    Mutator("typo in a type", Topic.NAMES, "two letters exchanged, one dropped or doubled", _typo_in_a_type),
    Mutator("typo in a path", Topic.NAMES, "a variant, a function or a module is misspelt", _typo_in_a_path),
    Mutator("singular for plural", Topic.NAMES, "`item` for `items`, or the other way", _singular_for_plural),
    Mutator(
        "word of another language",
        Topic.NAMES,
        "`length` for `len`, `append` for `push`",
        _word_of_another_language,
    ),
    Mutator("camel case", Topic.NAMES, "`isReady` for `is_ready`", _camel_case),
    Mutator("self forgotten", Topic.NAMES, "`name` for `self.name`", _self_forgotten, held_out=True),
    Mutator("import forgotten", Topic.IMPORTS, "a type of the standard library is not imported", _import_forgotten),
    Mutator(
        "own import forgotten", Topic.IMPORTS, "an item of the crate itself is not imported", _own_import_forgotten
    ),
    Mutator(
        "import of a trait forgotten",
        Topic.TRAITS,
        "a trait's methods are called and the trait is not imported",
        _import_of_a_trait_forgotten,
    ),
    Mutator("wrong path of an import", Topic.IMPORTS, "a module too few, or a wrong one", _wrong_path_of_an_import),
    Mutator("pub forgotten", Topic.VISIBILITY, "another module uses what is private", _pub_forgotten),
    Mutator(
        "typo in an attribute",
        Topic.ATTRIBUTES_AND_MACROS,
        "a derive or another attribute is misspelt",
        _typo_in_an_attribute,
    ),
    Mutator("typo in a macro", Topic.ATTRIBUTES_AND_MACROS, "a macro's name is misspelt", _typo_in_a_macro),
    Mutator(
        "macro without exclamation mark",
        Topic.ATTRIBUTES_AND_MACROS,
        "`format(..)` for `format!(..)`",
        _macro_without_exclamation_mark,
    ),
)
