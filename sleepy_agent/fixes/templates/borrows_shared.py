"""What the templates about ownership and borrows share: places in the code, types in the message, names in a node."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tree_sitter import Node

from sleepy_agent.code.local_names import Local, bindings_in, declaration_of
from sleepy_agent.code.syntax import ancestors, leaves
from sleepy_agent.code.type_text import bare_type_name
from sleepy_agent.domain import Edit, Span
from sleepy_agent.fixes.templates.scene import Scene

MOVED_TYPE = re.compile(r"has type `([^`]+)`, which does not implement the `Copy` trait")
# Types whose `Default` is the empty value, with nothing to be said against leaving it behind.
EMPTY_BY_DEFAULT = frozenset(
    {"String", "Vec", "VecDeque", "HashMap", "HashSet", "BTreeMap", "BTreeSet", "BinaryHeap", "PathBuf", "OsString"}
    | {"LinkedList", "IndexMap", "IndexSet", "SmallVec"}
)
COPIED_TYPES = frozenset(
    {"u8", "u16", "u32", "u64", "u128", "usize", "i8", "i16", "i32", "i64", "i128", "isize", "f32", "f64"}
    | {"bool", "char"}
)
# Methods that only look, so that it does not matter when they are called as long as nothing is changed meanwhile.
LOOKING_METHODS = frozenset(
    {"len", "is_empty", "clone", "to_string", "to_owned", "to_vec", "as_str", "as_ref", "as_slice", "as_bytes", "iter"}
    | {"keys", "values", "count", "first", "last", "get", "contains", "contains_key", "starts_with", "ends_with"}
    | {"is_some", "is_none", "is_ok", "is_err", "copied", "cloned", "map", "unwrap_or", "unwrap_or_default", "sum"}
    | {"min", "max", "chars", "trim", "to_uppercase", "to_lowercase", "collect", "abs", "capacity", "is_ascii"}
)
# Methods that borrow the whole of what they are called on, mutably or not, and look at nothing yet.
BORROWING_METHODS = frozenset(
    {
        "iter",
        "iter_mut",
        "as_mut",
        "as_ref",
        "as_deref",
        "as_deref_mut",
        "as_str",
        "as_slice",
        "as_mut_slice",
        "values_mut",
    }
    | {
        "chars",
        "by_ref",
        "split_at_mut",
        "chunks_mut",
        "keys",
        "values",
        "as_bytes",
        "as_path",
        "char_indices",
        "bytes",
    }
)
# Those that may find another element when they are called later.
FINDING_METHODS = frozenset(
    {
        "get_mut",
        "last_mut",
        "first_mut",
        "entry",
        "peek_mut",
        "get",
        "first",
        "last",
        "ok_or",
        "ok_or_else",
        "unwrap",
        "expect",
    }
)
JUMPS = frozenset({"return_expression", "break_expression", "continue_expression"})
CLOSURES = frozenset({"closure_expression", "async_block"})
FORMAT_NAME = re.compile(r"\{([A-Za-z_]\w*)[:}]")


CHAIN = frozenset({"field_expression", "call_expression", "index_expression", "try_expression", "generic_function"})


# ---- spans and nodes --------------------------------------------------------------------------------------------


def own_span(scene: Scene, pattern: str) -> Span | None:
    """The first span with such a label that lies in the scene's file, outside of macros' bodies."""
    return next(own_spans(scene, pattern), None)


def own_spans(scene: Scene, pattern: str) -> Iterator[Span]:
    """All spans with such a label that lie in the scene's file; code in a macro's body is nobody's to edit."""
    for span in scene.spans():
        if (
            span.label
            and span.file == scene.file
            and re.search(pattern, span.label)
            and span.byte_start < span.byte_end
        ):
            yield span


def exact_node(scene: Scene, span: Span | None) -> Node | None:
    """The outermost node that is exactly the span, or None."""
    if span is None or span.file != scene.file:
        return None
    node = scene.node_of(span)
    if (node.start_byte, node.end_byte) != (span.byte_start, span.byte_end):
        return None
    while node.parent is not None and (node.parent.start_byte, node.parent.end_byte) == (
        node.start_byte,
        node.end_byte,
    ):
        node = node.parent
    return node


def labelled_node(scene: Scene, pattern: str) -> Node | None:
    """The node that is exactly the first span with such a label."""
    return exact_node(scene, own_span(scene, pattern))


def statement_in(block: Node, node: Node) -> Node | None:
    """The child of a block that holds a node."""
    return next((one for one in ancestors(node) if one.parent == block), None)


def common_block(first: Node, second: Node) -> Node | None:
    """The innermost block of statements around two nodes, closures left alone."""
    around = {one.id for one in ancestors(second)}
    for one in ancestors(first):
        if one.type in {"block", "source_file"} and one.id in around:
            return one if one.type == "block" else None
    return None


def is_statement(node: Node) -> bool:
    """Whether a child of a block is a statement, and not its value, an item or a comment."""
    return node.type in {"let_declaration", "expression_statement"}


def statements_of(block: Node) -> list[Node]:
    """The statements, items and the value of a block, without comments."""
    return [child for child in block.named_children if child.type not in {"line_comment", "block_comment", "label"}]


def call_around(node: Node) -> Node | None:
    """The call of which a node is the receiver: `x.f()` for `x`, else None."""
    field = node.parent
    if field is None or field.type != "field_expression" or field.child_by_field_name("value") != node:
        return None
    call = field.parent
    return call if call is not None and call.type == "call_expression" and call.named_children[0] == field else None


def method_name(scene: Scene, call: Node | None) -> str | None:
    """The name of the method that a call calls, or None."""
    function = call.child_by_field_name("function") if call is not None and call.type == "call_expression" else None
    if function is not None and function.type == "generic_function":
        function = function.child_by_field_name("function")
    field = (
        function.child_by_field_name("field") if function is not None and function.type == "field_expression" else None
    )
    return scene.of(field) if field is not None else None


def receiver_of(call: Node | None) -> Node | None:
    """What a method is called on."""
    function = call.child_by_field_name("function") if call is not None and call.type == "call_expression" else None
    if function is not None and function.type == "generic_function":
        function = function.child_by_field_name("function")
    return (
        function.child_by_field_name("value") if function is not None and function.type == "field_expression" else None
    )


def arguments_of(call: Node) -> list[Node]:
    """The arguments of a call."""
    arguments = call.child_by_field_name("arguments")
    return [child for child in arguments.named_children if "comment" not in child.type] if arguments is not None else []


def root_name(scene: Scene, place: Node) -> str | None:
    """The variable that a place begins with: `self` of `self.items[0].name`."""
    node: Node | None = place
    while node is not None and node.type not in {"identifier", "self"}:
        if node.type == "field_expression":
            node = node.child_by_field_name("value")
        elif node.type in {"index_expression", "parenthesized_expression", "unary_expression", "reference_expression"}:
            node = node.child_by_field_name("value") or (node.named_children[0] if node.named_children else None)
        elif node.type in {"call_expression"}:
            node = receiver_of(node)
        elif node.type in {"try_expression", "await_expression"}:
            node = node.named_children[0] if node.named_children else None
        else:
            return None
    return scene.of(node) if node is not None else None


def local_at(scene: Scene, node: Node, name: str | None) -> Local | None:
    """The local variable that a name means at a node."""
    return declaration_of(scene.root, scene.text, node.start_byte, name) if name is not None else None


def whole_chain(node: Node) -> Node:
    """The longest chain of fields, methods and indexes that begins with a node: `self.next().len()` of `self`."""
    while node.parent is not None and node.parent.type in CHAIN:
        parent = node.parent
        first = parent.named_children[0] if parent.named_children else None
        if first != node:
            break
        node = parent
    while node.parent is not None and node.parent.type == "index_expression" and node.parent.named_children[0] == node:
        node = node.parent
    return node


# ---- names ------------------------------------------------------------------------------------------------------


def names_in(scene: Scene, node: Node) -> frozenset[str]:
    """All variables that a node may mention: identifiers, those in macros and in format strings too."""
    found = set()
    for leaf in leaves(node):
        if leaf.type in {"identifier", "self", "shorthand_field_identifier"}:
            found.add(scene.of(leaf))
        elif leaf.type in {"string_literal", "raw_string_literal"} and any(
            one.type == "token_tree" for one in ancestors(leaf.parent)
        ):
            found.update(FORMAT_NAME.findall(scene.of(leaf)))
    return frozenset(found)


def names_bound_by(scene: Scene, statement: Node) -> frozenset[str]:
    """The variables that a statement brings for those after it."""
    pattern = statement.child_by_field_name("pattern") if statement.type == "let_declaration" else None
    if pattern is None:
        return frozenset()
    return frozenset(scene.of(node) for node, _, _ in bindings_in(pattern, scene.text))


def free_name(scene: Scene, place: Node, wanted: str) -> str:
    """A name that nothing in the function around a place uses yet."""
    function = scene.function(place) or scene.root
    taken = names_in(scene, function)
    return next(name for name in (wanted, *(f"{wanted}_{number}" for number in range(2, 100))) if name not in taken)


def jumps(node: Node, *, for_sure: bool = False) -> bool:
    """Whether running a node may leave the statement: return, break, continue; `for_sure`: also `?` and `.await`."""
    if node.type in JUMPS or (for_sure and node.type in {"try_expression", "await_expression"}):
        return True
    return any(
        jumps(child, for_sure=for_sure)
        for child in node.named_children
        if child.type not in CLOSURES | {"function_item"}
    )


def only_looks(scene: Scene, node: Node, *, borrowing: bool = False) -> bool:
    """Whether evaluating a node only looks at values, as far as its words tell."""
    value = node.child_by_field_name("value") if node.type == "let_declaration" else None
    if value is not None and value.type == "closure_expression":
        return True
    if (
        node.type
        in {
            "macro_invocation",
            "assignment_expression",
            "compound_assignment_expr",
            "unsafe_block",
            "try_expression",
            "await_expression",
        }
        | JUMPS
    ):
        return False
    is_borrow = node.parent is not None and node.parent.type == "reference_expression"
    if node.type == "mutable_specifier" and is_borrow and not borrowing:
        return False
    if borrowing and node.type == "closure_expression":
        return True
    if node.type == "call_expression":
        function = node.child_by_field_name("function")
        name = method_name(scene, node)
        is_maker = function is not None and re.search(r"(^|::)([A-Z]\w*|new|from)$", scene.of(function)) is not None
        known = LOOKING_METHODS | BORROWING_METHODS | FINDING_METHODS if borrowing else LOOKING_METHODS
        if (name not in known) if name is not None else not is_maker:
            return False
    return all(only_looks(scene, child, borrowing=borrowing) for child in node.named_children)


# ---- types ------------------------------------------------------------------------------------------------------


def moved_type(scene: Scene) -> str | None:
    """The type of what is moved, as the diagnostic says it."""
    found = MOVED_TYPE.search(scene.said)
    return found[1] if found else None


def has_default(scene: Scene, type_text: str) -> bool:
    """Whether an empty value of a type may be left behind: std's collections, and what declares `Default` here."""
    name = bare_type_name(type_text)
    if type_text.startswith("&"):
        return False
    if name in EMPTY_BY_DEFAULT:
        return True
    item = scene.index.type_named(name)
    return item is not None and (
        "Default" in item.derives or any(one.trait_name == "Default" for one in scene.index.implementations_of(name))
    )


def std_path(scene: Scene, module: str, function: str) -> str:
    """How this file may name `std::module::function`: as short as its imports allow."""
    text = scene.text.decode(errors="replace")
    if re.search(rf"^\s*use (std|core)::{module}(::\{{[^}}]*\bself\b[^}}]*\}})?;", text, re.MULTILINE):
        return f"{module}::{function}"
    if re.search(rf"\buse (std|core)::\{{[^;]*\b{module}\b\s*[,}}]", text):
        return f"{module}::{function}"
    if re.search(rf"\buse (std|core)::{module}::(\{{[^}}]*\b)?{function}\b(?!\s+as)", text):
        return function
    is_without_std = re.search(r"^\s*#!\[no_std\]", text, re.MULTILINE) is not None
    return f"{'core' if is_without_std else 'std'}::{module}::{function}"


# ---- statements -------------------------------------------------------------------------------------------------


def line_insertion(scene: Scene, statement: Node, code: str) -> Edit:
    """A line of its own before a statement."""
    indentation = scene.indentation(statement.start_byte)
    line_start = scene.text.rfind(b"\n", 0, statement.start_byte) + 1
    is_alone = not scene.text[line_start : statement.start_byte].strip()
    return scene.insert(statement.start_byte, f"{code}\n{indentation}" if is_alone else f"{code} ")


def hoisting_place(node: Node) -> Node | None:
    """The statement before which an expression may be computed without being run more or less often than now.

    None where something between the two decides whether or how often it runs: a loop, an arm, `&&`, a closure.
    """
    inner = node
    for one in ancestors(node.parent):
        if one.type == "block":
            return inner
        is_condition = one.type in {"if_expression", "match_expression", "for_expression"} and inner in (
            one.child_by_field_name("condition"),
            one.child_by_field_name("value"),
        )
        if one.type in {"if_expression", "match_expression", "for_expression"} and not is_condition:
            return None
        if one.type in {"while_expression", "loop_expression", "match_arm", "let_chain", "token_tree", "else_clause"}:
            return None
        if one.type in CLOSURES or one.type in {"function_item", "source_file", "match_block", "declaration_list"}:
            return None
        if one.type == "binary_expression" and inner == one.child_by_field_name("right"):
            operator = one.child_by_field_name("operator")
            if operator is not None and operator.type in {"&&", "||"}:
                return None
        inner = one
    return None
