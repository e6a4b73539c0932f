"""Parts of declarations that stand where Rust has another place for them."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

from tree_sitter import Node

from sleepy_agent.code.local_names import declaration_of
from sleepy_agent.code.scopes import locals_at
from sleepy_agent.code.syntax import code_children, leaves
from sleepy_agent.code.type_sight import parameters_of
from sleepy_agent.code.type_text import split_outside
from sleepy_agent.domain import Edit
from sleepy_agent.fixes.templates.attributes import attribute_around, nodes_of_kind, without_member
from sleepy_agent.fixes.templates.scene import Proposal, Scene

# Words of other languages (or of Rust's bindings) in front of a field, and what stands there in Rust.
WORDS_OF_FIELDS = {
    **dict.fromkeys(("private", "mut", "let", "var", "val", "final", "readonly", "const", "static"), ""),
    **dict.fromkeys(("public", "Pub", "export"), "pub "),
    **dict.fromkeys(("protected", "internal"), "pub(crate) "),
}
FIELD_WITH_VALUE = re.compile(
    r"(?P<field>\s*(?:#\[[^\]]*\]\s*)*(?:pub(?:\([^)]*\))?\s+)?(?P<name>\w+)\s*:[^=]*?)(?:\s*=\s*(?P<value>.*?))?(?P<end>\s*)",
    re.DOTALL,
)


# A declaration has fewer tokens than these.
MOST_TOKENS = 5000


def tokens_from(scene: Scene, start: int) -> list[Node]:
    """The tokens behind a byte, whatever the tree makes of them; so many as a declaration may have."""
    return list(itertools.islice(leaves_from(scene.root, start), MOST_TOKENS))


def leaves_from(node: Node, start: int) -> Iterator[Node]:
    """The tokens of a node that begin behind a byte; what ends before it is not looked into."""
    for child in node.children:
        if child.end_byte <= start:
            continue
        if child.start_byte >= start:
            yield from (leaf for leaf in leaves(child) if leaf.end_byte > leaf.start_byte)
        else:
            yield from leaves_from(child, start)


def closing_brace(tokens: list[Node]) -> int | None:
    """The number of the brace that closes the first one."""
    depth = 0
    for number, token in enumerate(tokens):
        depth += {"{": 1, "}": -1}.get(token.type, 0)
        if depth == 0 and token.type == "}":
            return number
    return None


def functions_in_type(scene: Scene) -> Iterator[Proposal]:
    """Functions between the fields of a type belong into an `impl` behind it."""
    named = scene.labelled("while parsing this (struct|enum|union)")
    if named is None or named.file != scene.file or scene.span.from_macro:
        return
    tokens = tokens_from(scene, named.byte_end)
    first = next((number for number, token in enumerate(tokens) if token.type == "{"), None)
    last = closing_brace(tokens[first:]) if first is not None else None
    if first is None or last is None:
        return
    opening, closing = tokens[first], tokens[first + last]
    generics = scene.code(named.byte_end, opening.start_byte).strip()
    if "where" in generics:
        return
    body_start, body_end = scene.span.byte_start, closing.start_byte
    # What stands behind the first function has to be functions only.
    behind = re.sub(r"(///|//)[^\n]*", "", scene.code(scene.span.byte_end, body_end)).strip()
    if behind and not re.match(r"(#\[[^\]]*\]\s*)*(pub(\([^)]*\))?\s+)?(const\s+|async\s+|unsafe\s+)*fn\b", behind):
        return
    before = re.search(rb"(\n[ \t]*(///[^\n]*|#\[[^\]\n]*\]))*\s*$", scene.text[:body_start])
    start = len(scene.text[: before.start() if before is not None else body_start].rstrip())
    functions = scene.code(start, body_end).strip("\r\n").rstrip()
    names = ", ".join(parameter.split(":")[0].strip() for parameter in parameters_of(generics))
    indentation = scene.indentation(named.byte_start)
    of_type = scene.code(named.byte_start, named.byte_end) + (f"<{names}>" if names else "")
    code = f"\n\n{indentation}impl{generics} {of_type} {{\n{functions}\n{indentation}}}"
    edits = (scene.replace_bytes(start, body_end, f"\n{indentation}"), scene.insert(closing.end_byte, code))
    yield Proposal(edits, {"type": of_type})


def constant_in_type(scene: Scene) -> Iterator[Proposal]:
    """A constant between the fields of a type belongs into an `impl` behind it."""
    named = scene.labelled("while parsing this (struct|enum|union)")
    if named is None or named.file != scene.file or scene.span.from_macro:
        return
    tokens = tokens_from(scene, named.byte_end)
    first = next((number for number, token in enumerate(tokens) if token.type == "{"), None)
    last = closing_brace(tokens[first:]) if first is not None else None
    start = scene.text.rfind(b"\n", 0, scene.span.byte_start) + 1
    end = scene.text.find(b"\n", scene.span.byte_start)
    line = scene.code(start, end)
    if first is None or last is None or scene.code(named.byte_end, tokens[first].start_byte).strip():
        return
    if re.fullmatch(r"\s*(pub(\([^)]*\))?\s+)?const\s+\w+\s*:[^=;]+=[^;]+;\s*", line):
        indentation = scene.indentation(named.byte_start)
        of_type = scene.code(named.byte_start, named.byte_end)
        code = f"\n\n{indentation}impl {of_type} {{\n{line}\n{indentation}}}"
        blank = re.match(rb"[ \t]*\n", scene.text[end + 1 :])
        behind = end + 1 + (blank.end() if blank is not None else 0)
        edits = (scene.delete(start, behind), scene.insert(tokens[first + last].end_byte, code))
        yield Proposal(edits, {"type": of_type})


def base_at_the_end(scene: Scene) -> Iterator[Proposal]:
    """`{ ..base, field }`: the value that gives the other fields stands last."""
    written = scene.code(scene.span.byte_start, scene.span.byte_end)
    tokens = tokens_from(scene, scene.span.byte_end)
    depth, end = 0, None
    for token in tokens:
        if token.type in {"(", "[", "{"}:
            depth += 1
        elif token.type in {")", "]", "}"}:
            if depth == 0:
                end = token.start_byte
                break
            depth -= 1
    comma = re.match(r"\s*,\s*", scene.code(scene.span.byte_end, end) if end is not None else "")
    if end is None or comma is None:
        return
    start = scene.span.byte_end + len(comma[0].encode())
    rest = scene.code(start, end).rstrip()
    others = rest.rstrip(",").rstrip()
    if others:
        base = re.sub(r"^\.{3}", "..", written)
        text = f"{others},{comma[0][comma[0].index(',') + 1 :] or ' '}{base}"
        edit = scene.replace_bytes(scene.span.byte_start, start + len(rest.encode()), text)
        yield Proposal((edit,), {"base": base})


def variant_of_locals(scene: Scene) -> Iterator[Proposal]:
    """A variant with fields is made of them: of the locals that have their names."""
    written = scene.code(scene.span.byte_start, scene.span.byte_end)
    path, _, name = written.rpartition("::")
    enum = path.rsplit("::", 1)[-1]
    if enum == "Self":
        implementation = scene.index.implementation_at(scene.file, scene.span.byte_start)
        enum = implementation.type_name if implementation is not None else enum
    variant = next((one for one in scene.index.variants_of(enum) if one.name == name), None)
    if variant is None or variant.shape != "struct" or not variant.fields or scene.span.from_macro:
        return
    if scene.text[scene.span.byte_end : scene.span.byte_end + 1] in {b"(", b"{"}:
        return
    known = {local.name for local in locals_at(scene.root, scene.text, scene.span.byte_start)}
    fields = [field.name for field in variant.fields]
    if known.issuperset(fields):
        yield Proposal(
            (scene.insert(scene.span.byte_end, f" {{ {', '.join(fields)} }}"),), {"fields": ", ".join(fields)}
        )


def safe_attribute(scene: Scene) -> Iterator[Proposal]:
    """`#[unsafe(inline)]`: most attributes are not unsafe, and are written by themselves."""
    attribute = attribute_around(scene)
    found = re.fullmatch(r"(#!?\[\s*)unsafe\s*\((.*)\)(\s*\])", scene.of(attribute), re.DOTALL) if attribute else None
    if attribute is not None and found is not None:
        yield Proposal((scene.replace(attribute, f"{found[1]}{found[2]}{found[3]}"),), {"attribute": found[2]})


def captured_parameters(scene: Scene) -> Iterator[Proposal]:
    """`use<..>` names every type parameter in scope."""
    spans = [span for span in scene.diagnostic.spans if "implicitly captured" in (span.label or "")]
    missing = [
        "Self" if "`Self`" in (span.label or "") else scene.code(span.byte_start, span.byte_end) for span in spans
    ]
    found = re.search(r"use\s*<([^<>]*)>$", scene.code(scene.span.byte_start, scene.span.byte_end))
    if found is None or not missing:
        return
    written = [one.strip() for one in found[1].split(",") if one.strip()]
    # An alias for the type itself is no parameter.
    kept = [one for one in written if one != "Self" or "Self" in missing]
    text = "use<" + ", ".join([*kept, *(one for one in missing if one not in kept)]) + ">"
    start = scene.span.byte_start + len(
        scene.code(scene.span.byte_start, scene.span.byte_end)[: found.start()].encode()
    )
    yield Proposal((scene.replace_bytes(start, scene.span.byte_end, text),), {"captured": text})


def lifetime_of_the_type(scene: Scene) -> Iterator[Proposal]:
    """An implementation of `Trait<&T>` for a type that borrows: the reference lives as long as what it borrows."""
    implementation = scene.around("impl_item")
    function = scene.function()
    of_trait = implementation.child_by_field_name("trait") if implementation is not None else None
    returned = function.child_by_field_name("return_type") if function is not None else None
    parameters = implementation.child_by_field_name("type_parameters") if implementation is not None else None
    if of_trait is None or returned is None or parameters is None:
        return
    lifetimes = [scene.of(one) for one in nodes_of_kind(parameters, "lifetime")]
    if len(set(lifetimes)) != 1:
        return
    edits = []
    for part in (of_trait, returned):
        for reference in nodes_of_kind(part, "reference_type"):
            if not any(child.type == "lifetime" for child in reference.children):
                edits.append(scene.insert(reference.start_byte + 1, f"{lifetimes[0]} "))
    if edits:
        yield Proposal(tuple(edits), {"lifetime": lifetimes[0]})


def alias_without_parameter(scene: Scene) -> Iterator[Proposal]:
    """A parameter of an alias that stands for nothing in it is taken away, where the alias is used, too."""
    alias = scene.around("type_item")
    name = alias.child_by_field_name("name") if alias is not None else None
    parameters = alias.child_by_field_name("type_parameters") if alias is not None else None
    members = code_children(parameters) if parameters is not None else []
    number = next(
        (at for at, one in enumerate(members) if one.start_byte <= scene.span.byte_start < one.end_byte), None
    )
    if alias is None or name is None or parameters is None or number is None:
        return
    edits: list[Edit] = []
    for generic in nodes_of_kind(scene.root, "generic_type"):
        of_type, arguments = (generic.child_by_field_name(field) for field in ("type", "type_arguments"))
        if of_type is None or arguments is None or scene.of(of_type).rsplit("::", 1)[-1] != scene.of(name):
            continue
        given = code_children(arguments)
        if number < len(given):
            edits.append(list_without(scene, arguments, given, number))
    edits.append(list_without(scene, parameters, members, number))
    yield Proposal(tuple(edits), {"parameter": scene.of(members[number]), "alias": scene.of(name)})


def list_without(scene: Scene, whole: Node, members: list[Node], number: int) -> Edit:
    """Take one member of a bracketed list away, and the brackets with the last one."""
    if len(members) == 1:
        return scene.delete(whole.start_byte, whole.end_byte)
    return without_member(scene, members[number].start_byte, members[number].end_byte)


def receiver_first(scene: Scene) -> Iterator[Proposal]:
    """`fn set(value: u8, &mut self)`: the receiver stands first."""
    parameters = scene.around("parameters")
    if parameters is None or scene.around({"impl_item", "trait_item"}) is None:
        return
    members = [child for child in code_children(parameters) if child.type != "attribute_item"]
    receiver = next((one for one in members if one.type == "self_parameter"), None)
    if receiver is None or receiver == members[0] or receiver.start_byte != scene.span.byte_start:
        return
    edits = (
        scene.insert(members[0].start_byte, f"{scene.of(receiver)}, "),
        scene.delete(members[members.index(receiver) - 1].end_byte, receiver.end_byte),
    )
    yield Proposal(edits, {"receiver": scene.of(receiver)})


def word_in_front_of_field(scene: Scene) -> Iterator[Proposal]:
    """`private name: String`: fields are private unless they say `pub`, and are as mutable as what holds them."""
    if scene.labelled("while parsing this struct") is None:
        return
    before = re.search(rb"(\w+)\s+$", scene.text[: scene.span.byte_start])
    word = before[1].decode() if before is not None else ""
    if before is not None and word in WORDS_OF_FIELDS:
        text = WORDS_OF_FIELDS[word]
        way = f"write `{text.strip()}` for `{word}`" if text else f"leave `{word}` out"
        yield Proposal((scene.replace_bytes(before.start(), scene.span.byte_start, text),), {"way": way})


def default_values_of_fields(scene: Scene) -> Iterator[Proposal]:
    """Fields with values of their own: the values belong into an implementation of `Default`."""
    item = scene.around("struct_item")
    tokens = tokens_from(scene, item.start_byte) if item is not None else []
    name = item.child_by_field_name("name") if item is not None else None
    first = next((number for number, token in enumerate(tokens) if token.type == "{"), None)
    last = closing_brace(tokens[first:]) if first is not None else None
    if item is None or name is None or first is None or last is None:
        return
    generics = scene.code(name.end_byte, tokens[first].start_byte).strip()
    start, end = tokens[first].end_byte, tokens[first + last].start_byte
    inside = scene.code(start, end)
    if (
        generics
        or "//" in inside
        or "/*" in inside
        or any(one.trait_name == "Default" for one in scene.index.implementations_of(scene.of(name)))
    ):
        return
    values, pieces = [], []
    for member in split_outside(inside, ","):
        found = FIELD_WITH_VALUE.fullmatch(member)
        if found is None and member.strip():
            return
        if found is not None:
            values.append((found["name"], found["value"] or "Default::default()"))
        pieces.append(f"{found['field']}{found['end']}" if found is not None else member)
    text = ",".join(pieces)
    indentation = scene.indentation(item.start_byte)
    fields = "\n".join(f"{indentation}            {one}: {value}," for one, value in values)
    code = (
        f"\n\n{indentation}impl Default for {scene.of(name)} {{\n{indentation}    fn default() -> Self {{\n"
        f"{indentation}        Self {{\n{fields}\n{indentation}        }}\n{indentation}    }}\n{indentation}}}"
    )
    edits = (scene.replace_bytes(start, end, text), scene.insert(tokens[first + last].end_byte, code))
    yield Proposal(edits, {"type": scene.of(name)})


def object_with_bound(scene: Scene) -> Iterator[Proposal]:
    """A pointer to a trait object gains no `Send` by a cast: it is declared with it from the start."""
    cast = scene.around("type_cast_expression")
    value = cast.child_by_field_name("value") if cast is not None else None
    added = re.findall(r"`(\w+)`", scene.problem.message.split(" to dyn")[0])
    if value is None or value.type != "identifier" or not added:
        return
    local = declaration_of(scene.root, scene.text, value.start_byte, scene.of(value))
    if local is None:
        return
    declared = scene.code(local.declaration_start, local.declaration_end)
    found = re.search(r"\*\s*(?:const|mut)\s+(\(?)(dyn\s+[\w:<>, ]+?(?:\s*\+\s*[\w']+)*)(\)?)(?=\s*[=,;)]|$)", declared)
    if found is None:
        return
    start = local.declaration_start + len(declared[: found.start(1)].encode())
    end = local.declaration_start + len(declared[: found.end(3)].encode())
    text = f"({found[2].strip()} + {' + '.join(added)})"
    yield Proposal((scene.replace_bytes(start, end, text),), {"object": text})
