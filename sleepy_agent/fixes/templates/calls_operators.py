"""Calls of what is no function, and signs in front of what has none."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tree_sitter import Node

from sleepy_agent.code.syntax import code_children
from sleepy_agent.fixes.templates.scene import Proposal, Scene

NUMBER = re.compile(r"^&?(mut )?([iu](8|16|32|64|128|size)|f32|f64|\{integer\}|\{float\})$")
INDEXED = re.compile(r"^&*(mut )?(\w+::)*(Vec<|VecDeque<|HashMap<|BTreeMap<|\[)")
COUNTED = re.compile(
    r"^&*('\w+ )?(mut )?(\w+::)*(String|str|Vec<.*|HashMap<.*|HashSet<.*|BTreeMap<.*|VecDeque<.*|\[.*\])$"
)
OPTIONAL = re.compile(r"^(\w+::)*(Option|Result)<")


def called_value(scene: Scene) -> Iterator[Proposal]:
    """`values(0)` as `values[0]`, `width (depth + 1)` as `width * (depth + 1)`, `count()` as `count`."""
    call = scene.around("call_expression")
    found = re.search(r"found `(.*)`$", scene.problem.message)
    if call is None or found is None or scene.span.from_macro is not None:
        return
    function, arguments = call.child_by_field_name("function"), call.child_by_field_name("arguments")
    if function is None or arguments is None or b"\n" in scene.text[function.end_byte : arguments.start_byte]:
        return
    given = code_children(arguments)
    if len(given) == 1 and INDEXED.match(found[1]):
        is_map = "Map<" in found[1]
        index = scene.of(given[0])
        text = f"[{'&' if is_map and not index.startswith('&') else ''}{index}]"
        yield Proposal((scene.replace(arguments, text),), {"what": f"Take an element: `{scene.of(function)}{text}`"})
    elif len(given) == 1 and NUMBER.match(found[1]) and given[0].type in {"binary_expression", "identifier"}:
        edit = scene.insert(function.end_byte, " * " if function.end_byte == arguments.start_byte else " *")
        yield Proposal((edit,), {"what": "Multiply with `*`"})
    elif not given and function.type in {"identifier", "field_expression"} and not is_statement(call):
        yield Proposal(
            (scene.delete(arguments.start_byte, arguments.end_byte),), {"what": "Take the value: it is no function"}
        )


def is_statement(call: Node) -> bool:
    """Whether nothing takes the value: without its call such a line would do nothing at all."""
    return call.parent is not None and call.parent.type == "expression_statement"


def nothing_in_it(scene: Scene) -> Iterator[Proposal]:
    """`!text` as `text.is_empty()`, `!option` as `option.is_none()`: what other languages mean by it."""
    expression = scene.around("unary_expression")
    found = re.search(r"operator `!` to type `(.*)`$", scene.problem.message)
    if expression is None or found is None or scene.span.from_macro is not None:
        return
    operand = code_children(expression)[0]
    if operand.type not in {"identifier", "field_expression", "call_expression", "parenthesized_expression"}:
        return
    kind = found[1]
    question = "is_empty" if COUNTED.match(kind) else None
    if OPTIONAL.match(kind):
        question = "is_none" if kind.split("<")[0].endswith("Option") else "is_err"
    if question is not None:
        yield Proposal((scene.replace(expression, f"{scene.of(operand)}.{question}()"),), {"method": question})
    elif NUMBER.match(kind):
        yield Proposal((scene.replace(expression, f"{scene.of(operand)} == 0"),), {"method": "== 0"})
