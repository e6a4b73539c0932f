"""Missing members of trait implementations, and missing implementations, where their code follows from the types."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from tree_sitter import Node

from sleepy_agent.code.items import Item, ItemKind
from sleepy_agent.code.scopes import type_of_expression
from sleepy_agent.code.syntax import code_children
from sleepy_agent.code.type_text import bare_type_name, type_arguments
from sleepy_agent.domain import Edit
from sleepy_agent.fixes.templates.derivable import BUILDS_ON, has_trait
from sleepy_agent.fixes.templates.derives import item_meant
from sleepy_agent.fixes.templates.implementations_bodies import (
    ASSIGNING,
    BODIES,
    NUMBERS,
    OPERATORS,
    TYPE_IN_METHOD,
    Wanted,
)
from sleepy_agent.fixes.templates.lifetimes_flow import last_expression
from sleepy_agent.fixes.templates.scene import Proposal, Scene

NAME = re.compile(r"`(\w+)`")


def missing_members(scene: Scene) -> Iterator[Proposal]:
    """Write the missing members of an implementation, where all of them follow from the type (E0046)."""
    implementation = scene.around("impl_item")
    names = NAME.findall(scene.problem.message.split("missing:")[-1])
    body = implementation.child_by_field_name("body") if implementation is not None else None
    if implementation is None or body is None or not names:
        return
    written = {name: member_text(scene, implementation, name) for name in names}
    if all(written.values()):
        texts = [text for text in written.values() if text is not None]
        words = ", ".join(f"`{name}`" for name in names)
        # What a variant is called is not always how it is shown.
        extra = 0.3 if any("match self" in text for text in texts) else 0.0
        yield Proposal((insert_members(scene, body, texts),), {"members": words}, extra_cost=extra)


def stub_members(scene: Scene) -> Iterator[Proposal]:
    """All missing members at once, those whose code does not follow from anything as honest stubs."""
    implementation = scene.around("impl_item")
    names = NAME.findall(scene.problem.message.split("missing:")[-1])
    body = implementation.child_by_field_name("body") if implementation is not None else None
    trait = implementation.child_by_field_name("trait") if implementation is not None else None
    if implementation is None or body is None or trait is None:
        return
    texts = []
    for name in names:
        text = member_text(scene, implementation, name) or stub_text(scene, scene.of(trait), name)
        if text is None:
            return
        texts.append(text)
    if texts:
        words = ", ".join(f"`{name}`" for name in names)
        yield Proposal((insert_members(scene, body, texts),), {"members": words})


def stub_text(scene: Scene, trait: str, name: str) -> str | None:
    """A function of a trait of the workspace, as it is declared there, with a stub for a body."""
    members = [one for one in scene.index.members_of(trait) if one.name == name and one.is_in_trait]
    if len(members) != 1 or members[0].kind is not ItemKind.METHOD:
        return None
    text = scene.context.read(members[0].file)
    declared = text[members[0].byte_start : members[0].byte_end].decode(errors="replace").rstrip(" ;\n")
    return f"{declared} {{\ntodo!()\n}}"


def member_text(scene: Scene, implementation: Node, name: str) -> str | None:
    """The code of one member, where it follows from the type."""
    of_type, trait = implementation.child_by_field_name("type"), implementation.child_by_field_name("trait")
    if of_type is None or trait is None:
        return None
    trait_name = bare_type_name(scene.of(trait))
    given = type_in_method(scene, implementation, trait_name, name)
    if given is not None:
        return f"type {name} = {given};"
    item = scene.index.meant_type(scene.of(of_type))
    write = BODIES.get((trait_name, name))
    if write is None or item is None:
        return None
    body = implementation.child_by_field_name("body")
    types = {}
    for member in code_children(body) if body is not None else ():
        if member.type == "type_item":
            alias, value = member.child_by_field_name("name"), member.child_by_field_name("type")
            if alias is not None and value is not None:
                types[scene.of(alias)] = scene.of(value)
    return write(wanted_for(scene, item, type_arguments(scene.of(trait)), types))


def wanted_for(scene: Scene, item: Item, arguments: tuple[str, ...], types: dict[str, str]) -> Wanted:
    visible = {one.name for one in scene.index.imports_at(scene.file, scene.span.byte_start)}
    traits = {one.trait_name for one in scene.index.implementations_of(item.name) if one.trait_name is not None}
    fmt = "fmt" if "fmt" in visible else "std::fmt"
    return Wanted(scene.index, item, arguments, types, fmt, frozenset(traits | set(item.derives)))


def type_in_method(scene: Scene, implementation: Node, trait: str, name: str) -> str | None:
    """An associated type, read from what a method of the implementation returns."""
    body = implementation.child_by_field_name("body")
    methods = {}
    for member in code_children(body) if body is not None else ():
        member_name, returned = member.child_by_field_name("name"), member.child_by_field_name("return_type")
        if member.type == "function_item" and member_name is not None and returned is not None:
            methods[scene.of(member_name)] = scene.of(returned)
    if (trait, name) in TYPE_IN_METHOD:
        method, pattern = TYPE_IN_METHOD[trait, name]
        found = re.fullmatch(pattern, methods.get(method, ""), re.DOTALL)
        if found is not None and f"Self::{name}" in found[1]:
            found = re.fullmatch(pattern, returned_type(scene, implementation, method) or "", re.DOTALL)
        return found[1] if found is not None and f"Self::{name}" not in found[1] else None
    for declared in scene.index.members_of(trait):
        returns = declared.returns
        if declared.is_in_trait and returns is not None and f"Self::{name}" in returns and declared.name in methods:
            pattern = re.escape(returns).replace(re.escape(f"Self::{name}"), "(.+)", 1)
            found = re.fullmatch(pattern, methods[declared.name], re.DOTALL)
            if found is not None and f"Self::{name}" not in found[1]:
                return found[1]
    return None


def returned_type(scene: Scene, implementation: Node, method: str) -> str | None:
    """The type of what a method ends with, where its signature only names the associated type."""
    body = implementation.child_by_field_name("body")
    for member in code_children(body) if body is not None else ():
        name, block = member.child_by_field_name("name"), member.child_by_field_name("body")
        if member.type == "function_item" and name is not None and block is not None and scene.of(name) == method:
            last = last_expression(block)
            found = type_of_expression(scene.index, scene.root, scene.text, last) if last is not None else None
            return found if found is not None and not re.search(r"\b_\b", found) else None
    return None


# ---- whole implementations ----------------------------------------------------------------------------------

LACKS_IMPLEMENTATION = (
    re.compile(r"the trait `(?P<trait>[\w:]+(?:<.+>)?)` is not implemented for `(?P<type>[^`]+)`"),
    re.compile(r"the trait bound `(?P<type>[^`:]+): (?P<trait>[\w:]+(?:<.+>)?)` is not satisfied"),
    re.compile(r"`(?P<type>[^`]+)` doesn't implement `(?P<trait>[\w:]+)`"),
    re.compile(r"an implementation of `(?P<trait>\w+(?:<.+>)?)` might be missing for `(?P<type>[^`]+)`"),
    re.compile(r"^`(?P<type>[^`:]+): (?P<trait>[\w:]+)`$", re.MULTILINE),
    re.compile(r"couldn't convert the error: `(?P<type>[^`:]+): (?P<trait>[\w:]+)` is not satisfied"),
)
METHODS = {"Display": "fmt", "From": "from", "Neg": "neg", "PartialOrd": "partial_cmp"}
MADE = frozenset({"PartialOrd", "Display", "From", "Add", "Sub", "Mul", "Div", "Neg", *ASSIGNING})


def missing_implementation(scene: Scene) -> Iterator[Proposal]:
    """Implement a simple trait of std for a type of the workspace, where the code follows from its fields."""
    for pattern in LACKS_IMPLEMENTATION:
        for found in pattern.finditer(scene.said):
            item = item_meant(scene, found["type"])
            trait = bare_type_name(found["trait"])
            if item is None or trait not in MADE or item.generics or item.name != bare_type_name(found["type"]):
                continue
            arguments = operand(type_arguments(found["trait"]), item)
            is_same = any(
                one.trait_name == trait and type_arguments(one.trait_text or "") == arguments
                for one in scene.index.implementations_of(item.name)
            )
            if is_same:
                continue
            text = implementation_text(scene, item, trait, arguments)
            is_error = any(one.trait_name == "Error" for one in scene.index.implementations_of(item.name))
            if text is None and trait == "Display" and is_error and has_trait(scene.index, item, "Debug"):
                values = {"trait": trait, "type": item.name}
                yield Proposal((behind(scene, item, shown_as_debug(scene, item)),), values, extra_cost=0.3)
                return
            if text is not None:
                extra = 0.3 if "match self" in text else 0.0
                values = {"trait": trait, "type": item.name}
                if trait == "PartialOrd":
                    # Nothing else would agree with the order that is written already.
                    yield Proposal((behind(scene, item, text),), values, extra_cost=-0.15, keeps_behaviour=True)
                    return
                yield Proposal((behind(scene, item, text),), values, extra_cost=extra)
                return


def operand(arguments: tuple[str, ...], item: Item) -> tuple[str, ...]:
    """The arguments of an operator's trait; a number without a type is one of the type's fields."""
    types = {field.type for field in item.fields}
    kinds = {"{float}": {"f32", "f64"}, "{integer}": NUMBERS - {"f32", "f64"}}
    if len(arguments) == 1 and arguments[0] in kinds and len(types) == 1 and types <= kinds[arguments[0]]:
        return tuple(types)
    return arguments


def implementation_text(scene: Scene, item: Item, trait: str, arguments: tuple[str, ...]) -> str | None:
    """The whole implementation."""
    method = OPERATORS.get(trait, ASSIGNING.get(trait, ("", "")))[0]
    method = method or METHODS.get(trait, "")
    wanted = wanted_for(scene, item, arguments, {})
    write = BODIES.get((trait, method))
    body = write(wanted) if write is not None else None
    if body is None:
        return None
    path = {"Display": f"{wanted.fmt}::Display", "From": "From", "PartialOrd": "PartialOrd"}.get(
        trait, f"std::ops::{trait}"
    )
    if any(one.name == trait for one in scene.index.imports_at(item.file, item.byte_start)):
        path = trait
    given = f"<{', '.join(arguments)}>" if arguments else ""
    lines = [f"impl {path}{given} for {item.name} {{"]
    if trait in {*OPERATORS, "Neg"}:
        lines += ["type Output = Self;", ""]
    return "\n".join([*lines, body, "}"])


def error_implementation(scene: Scene) -> Iterator[Proposal]:
    """A type that can be shown both ways is meant as an error: `impl std::error::Error`."""
    for pattern in LACKS_IMPLEMENTATION:
        for found in pattern.finditer(scene.said):
            if bare_type_name(found["trait"]) != "Error" or "error" not in found["trait"]:
                continue
            item = item_meant(scene, found["type"])
            if item is None or has_trait(scene.index, item, "Error") or item.generics:
                continue
            if not has_trait(scene.index, item, "Debug"):
                return
            text = f"impl std::error::Error for {item.name} {{}}"
            extra = 0.0
            if not has_trait(scene.index, item, "Display"):
                shown = implementation_text(scene, item, "Display", ()) or shown_as_debug(scene, item)
                text = f"{shown}\n\n{text}"
                extra = 0.3
            keeps = extra == 0.0
            yield Proposal((behind(scene, item, text),), {"type": item.name}, extra_cost=extra, keeps_behaviour=keeps)
            return


def shown_as_debug(scene: Scene, item: Item) -> str:
    """`Display` in the words of `Debug`, where nothing better is known."""
    fmt = wanted_for(scene, item, (), {}).fmt
    head = f"impl {fmt}::Display for {item.name} {{\nfn fmt(&self, f: &mut {fmt}::Formatter<'_>) -> {fmt}::Result {{"
    return f'{head}\nwrite!(f, "{{:?}}", self)\n}}\n}}'


def implementation_of_own_trait(scene: Scene) -> Iterator[Proposal]:
    """A trait of the workspace that has nothing to write, or only what must be thought of (a stub)."""
    for found in LACKS_IMPLEMENTATION[1].finditer(scene.said):
        item, trait = item_meant(scene, found["type"]), scene.index.trait_named(found["trait"])
        if item is None or trait is None or item.generics or trait.generics or "<" in found["type"]:
            continue
        if has_trait(scene.index, item, trait.name) or bare_type_name(found["type"]) != item.name:
            continue
        members = [one for one in scene.index.members_of(trait.name) if one.is_in_trait]
        texts = [stub_text(scene, trait.name, one.name) for one in members if not one.has_default_body]
        path = trait.name if trait.module == item.module else scene.index.path_to(trait, item.file, item.byte_start)
        if path is None or any(text is None for text in texts) or any(one in BUILDS_ON for one in trait.supertraits):
            return
        lines = [f"impl {path} for {item.name} {{", *(text for text in texts if text is not None), "}"]
        text = "\n".join(lines) if texts else f"impl {path} for {item.name} {{}}"
        yield Proposal((behind(scene, item, text),), {"trait": trait.name, "type": item.name})
        return


SLICES = {"Vec": "std::vec::IntoIter", "VecDeque": "std::collections::vec_deque::IntoIter"}
BORROWED = {"Vec": "std::slice::Iter", "VecDeque": "std::collections::vec_deque::Iter"}


def iteration(scene: Scene) -> Iterator[Proposal]:
    """A type with one list inside is looped over: loop over the list, or let the type hand out what it holds."""
    found = re.match(r"`(?P<reference>&?)(?:'\w+ )?(?P<type>\w+)` is not an iterator", scene.problem.message)
    item = item_meant(scene, found["type"]) if found is not None else None
    if found is None or item is None or item.generics:
        return
    fields = [field for field in item.fields if bare_type_name(field.type) in SLICES]
    if len(fields) != 1:
        return
    field, element = fields[0], type_arguments(fields[0].type)[0]
    values = {"type": item.name, "field": field.name}
    place = scene.around({"for_expression"})
    value = place.child_by_field_name("value") if place is not None else None
    if value is not None and (value.start_byte, value.end_byte) == (scene.span.byte_start, scene.span.byte_end):
        sees = field.visibility or item.file == scene.file
        if sees and value.type in {"identifier", "self", "reference_expression", "field_expression"}:
            text = scene.of(value)
            prefix = "&" if found["reference"] and not text.startswith("&") else ""
            yield Proposal((scene.replace(value, f"{prefix}{text}.{field.name}"),), values)
    kind = bare_type_name(field.type)
    if found["reference"]:
        lines = [f"impl<'a> IntoIterator for &'a {item.name} {{", f"type Item = &'a {element};"]
        lines += [f"type IntoIter = {BORROWED[kind]}<'a, {element}>;", "", "fn into_iter(self) -> Self::IntoIter {"]
        lines += [f"self.{field.name}.iter()", "}", "}"]
    else:
        lines = [f"impl IntoIterator for {item.name} {{", f"type Item = {element};"]
        lines += [f"type IntoIter = {SLICES[kind]}<{element}>;", "", "fn into_iter(self) -> Self::IntoIter {"]
        lines += [f"self.{field.name}.into_iter()", "}", "}"]
    yield Proposal((behind(scene, item, "\n".join(lines)),), values, extra_cost=0.1)


# ---- layout -------------------------------------------------------------------------------------------------


def insert_members(scene: Scene, body: Node, texts: Sequence[str]) -> Edit:
    """Put members into an implementation: types and constants in front, functions at the end."""
    indentation = scene.indentation(body.start_byte) + "    "
    is_type = all(text.startswith("type ") for text in texts)
    members = code_children(body)
    code = [laid_out(text, indentation) for text in sorted(texts, key=lambda text: not text.startswith("type "))]
    joined = "\n".join(code) if is_type else "\n\n".join(code)
    if not members:
        return scene.replace(body, "{\n" + joined + "\n" + scene.indentation(body.start_byte) + "}")
    if is_type:
        return scene.insert(members[0].start_byte, joined.lstrip() + "\n\n" + indentation)
    return scene.insert(members[-1].end_byte, "\n\n" + joined)


def laid_out(text: str, indentation: str) -> str:
    """Code with one statement a line, indented by its braces."""
    lines, depth = [], 0
    for line in text.split("\n"):
        stripped = line.strip()
        depth -= stripped.startswith(("}", ")"))
        lines.append((indentation + "    " * depth + stripped) if stripped else "")
        opened, closed = stripped.count("{"), stripped.count("}")
        depth += max(0, opened - closed) if not stripped.startswith("}") else opened
    return "\n".join(lines)


def behind(scene: Scene, item: Item, text: str) -> Edit:
    """A new implementation behind the type, or behind its last implementation in that file."""
    ends = [one.byte_end for one in scene.index.implementations_of(item.name) if one.file == item.file]
    place = max([item.byte_end, *ends])
    source = scene.context.read(item.file)
    if source[place : place + 1] == b";":
        place += 1
    start = source.rfind(b"\n", 0, item.byte_start) + 1
    line = source[start : item.byte_start].decode(errors="replace")
    indentation = line if not line.strip() else ""
    return Edit(Path(item.file), place, place, "\n\n" + laid_out(text, indentation))
