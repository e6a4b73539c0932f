"""What an edit takes away or makes unreachable, found by comparing tokens before and after. Pure.

Tokens rather than tree nodes, because they also tell inside macro calls and in text that does not parse. Only the
items around the changes are compared: what an edit does, it does there.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tree_sitter import Node

from sleepy_agent.code.opposites import say_the_opposite
from sleepy_agent.code.syntax import COMMENT_KINDS, ancestors, node_at

NAME_KINDS = frozenset({"identifier", "field_identifier", "shorthand_field_identifier"})
LITERAL_KINDS = frozenset(
    {"integer_literal", "float_literal", "string_literal", "raw_string_literal", "char_literal", "boolean_literal"}
)
ATTRIBUTE_KINDS = frozenset({"attribute_item", "inner_attribute_item"})
# Conversions and borrows: losing or gaining one changes who owns a value, not what is done with it.
HARMLESS_CALLS = frozenset(
    {"clone", "cloned", "copied", "as_ref", "as_mut", "as_deref", "as_str", "as_slice", "borrow", "iter", "into_iter"}
    | {"by_ref", "to_owned", "to_string", "to_vec", "into"}
)
# Macros that never run what they are given.
TEXT_MACROS = frozenset({"stringify", "concat", "cfg"})
# Names in expressions that make a value out of nothing.
MAKERS = frozenset({"new", "default", "empty", "vec", "std", "core", "alloc", "into", "to_string", "to_owned", "from"})
JUMPS = frozenset({"return_expression", "break_expression", "continue_expression"})


@dataclass(frozen=True, slots=True)
class TextChange:
    """A replaced stretch: bytes of the text before, and of the text after."""

    start: int
    end: int
    new_start: int
    new_end: int


@dataclass(frozen=True, slots=True)
class Text:
    """A text and its tree."""

    root: Node
    content: bytes

    def of(self, node: Node) -> str:
        return self.content[node.start_byte : node.end_byte].decode(errors="replace")


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a set of changes: the tokens of the items around them, and those inside them."""

    text: Text
    tokens: tuple[Node, ...]
    stretches: tuple[tuple[int, int], ...]

    def inside(self, number: int) -> list[Node]:
        """The tokens that lie in the changed stretch of that number."""
        start, end = self.stretches[number]
        return [token for token in self.tokens if start <= token.start_byte and token.end_byte <= end]

    @property
    def words(self) -> Counter[str]:
        return Counter(self.text.of(token) for token in self.tokens)

    @property
    def actions(self) -> Counter[str]:
        return Counter(name for name, _ in actions_in(self.text, self.tokens))


def loss_flags(before: Text, after: Text, changes: Sequence[TextChange]) -> set[str]:
    """Names of the flags of flags.toml that speak of something lost, made up or cut off."""
    old_stretches = tuple((change.start, change.end) for change in changes)
    new_stretches = tuple((change.new_start, change.new_end) for change in changes)
    old = Side(before, tuple(tokens_around(before, old_stretches)), old_stretches)
    new = Side(after, tuple(tokens_around(after, new_stretches)), new_stretches)
    found = set()
    if lost_actions(old, new) or lost_operands(old, new):
        found.add("deleted_expression")
    if commented_words(new) - commented_words(old) and became_comment(old, new):
        found.add("commented_out")
    for number, change in enumerate(changes):
        if is_made_up(old, new, number) or declares_made_up(old, new, number):
            found.add("invented_value")
        if is_other_constant(before, after, change):
            found.add("changed_constant")
        if lost_attribute(before, after, change):
            found.add("deleted_attribute")
        if lost_macro_argument(before, after, change):
            found.add("deleted_argument")
        if says_the_opposite(before, after, change):
            found.add("opposite_name")
        if cuts_off(after, change):
            found.add("unreachable_code")
    return found


# ---- which tokens ---------------------------------------------------------------------------------------------


def nodes_around(root: Node, stretches: Sequence[tuple[int, int]]) -> list[Node]:
    """The function around all stretches, or the items they reach over where no single function holds them."""
    start, end = min(first for first, _ in stretches), max(last for _, last in stretches)
    inner = node_at(root, start, end)
    function = next((node for node in ancestors(inner) if node.type == "function_item"), None)
    if function is not None:
        return [function]
    holder = next((node for node in ancestors(inner) if node.type in {"source_file", "declaration_list"}), root)
    return [child for child in holder.children if child.start_byte <= end and start <= child.end_byte]


def tokens_around(text: Text, stretches: Sequence[tuple[int, int]]) -> Iterator[Node]:
    """The tokens of code that runs: no comments, no attributes, no text of macros."""
    for node in nodes_around(text.root, stretches):
        yield from running_tokens(text, node)


def running_tokens(text: Text, node: Node) -> Iterator[Node]:
    # The parser puts empty tokens where it misses something: nobody wrote those.
    if node.is_missing or node.type in COMMENT_KINDS | ATTRIBUTE_KINDS | {"macro_definition", "use_declaration"}:
        return
    if node.type == "macro_invocation":
        name = node.child_by_field_name("macro")
        if name is not None and text.of(name) in TEXT_MACROS:
            return
    if not node.children or node.type in LITERAL_KINDS | {"lifetime"}:
        yield node
        return
    for child in node.children:
        yield from running_tokens(text, child)


def actions_in(text: Text, tokens: Sequence[Node]) -> Iterator[tuple[str, Node]]:
    """What is done, by name: calls, macro calls, `?`, `.await`, assignments; and the token that says so.

    Constructors (`Some(x)`) only wrap.
    """
    for position, token in enumerate(tokens):
        following = text.of(tokens[position + 1]) if position + 1 < len(tokens) else ""
        if token.type in NAME_KINDS:
            name = text.of(token)
            is_declared = position > 0 and text.of(tokens[position - 1]) == "fn"
            if is_declared or name[:1].isupper() or name in HARMLESS_CALLS:
                continue
            if following in {"(", "!"} or (following == "::" and is_turbofish(text, tokens, position + 2)):
                yield name, token
        elif token.type in {"?", "await"}:
            yield text.of(token), token
        elif token.parent is not None and token.parent.type in {"assignment_expression", "compound_assignment_expr"}:
            if text.of(token).endswith("="):
                yield "=", token
        elif token.type == "==":
            yield "==", token


def is_turbofish(text: Text, tokens: Sequence[Node], position: int) -> bool:
    """Whether `<...>(` stands at a position."""
    depth = 0
    for index in range(position, min(position + 60, len(tokens))):
        word = text.of(tokens[index])
        depth += word.count("<") - (word.count(">") if word in {">", ">>"} else 0)
        if depth <= 0:
            return index > position and index + 1 < len(tokens) and text.of(tokens[index + 1]) == "("
    return False


# ---- what is lost ---------------------------------------------------------------------------------------------


def lost_actions(old: Side, new: Side) -> bool:
    """Whether something is not done any more. A call that moves is not lost, nor one that is only renamed, nor
    one whose arguments go to another call."""
    actions, actions_after = old.actions, new.actions
    lost, gained = actions - actions_after, actions_after - actions
    for name in list(lost):
        # `values_mut` does what `values` did.
        lost[name] -= gained[f"{name}_mut"] + (gained[name.removesuffix("_mut")] if name.endswith("_mut") else 0)
    lost = +lost
    lost.pop("==", None)
    if gained["=="] or any(introduces(new, number) for number in range(len(new.stretches))):
        lost.pop("=", None)
    if old.text.root.has_error:
        # There a keyword may have been read as a name; but what is lost is also written less often.
        lost &= old.words - new.words
        if new.words["else"] > old.words["else"]:
            # The `?` of a choice in another language's form.
            lost.pop("?", None)
    if not lost:
        return False
    free = sum(gained.values())
    for number in range(len(old.stretches)):
        removed, inserted = old.inside(number), new.inside(number)
        called = [name for name, _ in actions_in(old.text, [*removed, *tokens_after(old, removed)]) if lost[name] > 0]
        arguments = value_words(old.text, removed) - Counter(called)
        kept = value_words(new.text, inserted)
        is_rename = sum(token.type in NAME_KINDS for token in removed) == 1 and not any(
            token.type == "(" for token in removed
        )
        if is_rename or (arguments and not arguments - kept):
            for name in called[: max(0, free)]:
                lost[name] -= 1
                free -= 1
    return any(count > 0 for count in lost.values())


def introduces(side: Side, number: int) -> bool:
    """Whether a `let` is put in front of names that were not there before: an assignment becomes a declaration."""
    words = [side.text.of(token) for token in side.inside(number)]
    if words not in (["let"], ["let", "mut"]):
        return False
    start, end = side.stretches[number]
    before = [side.text.of(token) for token in side.tokens if token.end_byte <= start]
    if before and before[-1] in {"if", "while", "&&"}:
        # An assignment is no condition: it never was one.
        return True
    earlier = set(before)
    pattern = itertools.takewhile(
        lambda word: word != "=", (side.text.of(t) for t in side.tokens if t.start_byte >= end)
    )
    names = [word for word in pattern if re.match(r"[a-z_]", word) and word not in {"mut", "ref"}]
    return bool(names) and earlier.isdisjoint(names)


def tokens_after(side: Side, tokens: Sequence[Node]) -> list[Node]:
    """The token that follows: it tells whether the last name is called."""
    end = tokens[-1].end_byte if tokens else -1
    return [token for token in side.tokens if token.start_byte >= end][:1] if tokens else []


def value_words(text: Text, tokens: Sequence[Node]) -> Counter[str]:
    """Names and literals that stand for values; not the modules a path goes through, not types."""
    words: Counter[str] = Counter()
    for position, token in enumerate(tokens):
        following = text.of(tokens[position + 1]) if position + 1 < len(tokens) else ""
        if following == "::" or text.of(token) in HARMLESS_CALLS:
            continue
        if token.type in NAME_KINDS | LITERAL_KINDS and not text.of(token)[:1].isupper():
            words[text.of(token)] += 1
    return words


def lost_operands(old: Side, new: Side) -> bool:
    """Whether values go with nothing in their place: an operand, a condition, a guard."""
    removed: Counter[str] = Counter()
    inserted: Counter[str] = Counter()
    for number in range(len(old.stretches)):
        values = value_words(new.text, new.inside(number))
        inserted += values
        start, end = new.stretches[number]
        is_replaced = old.text.root.has_error and new.text.content[start:end].strip()
        if is_only_shorter(old, new, number) and not is_replaced:
            removed += value_words(old.text, old.inside(number))
    # In text that does not parse a keyword may have been read as a name.
    removed.pop("let", None)
    return bool(removed - inserted)


def is_only_shorter(old: Side, new: Side, number: int) -> bool:
    """Whether nothing stands in the place of a stretch, or only the `break` or `return` of what gave a value."""
    before, after = ([side.text.of(token) for token in side.inside(number)] for side in (old, new))
    return not after or (len(before) > 1 and after == before[:1] and after[0] in {"break", "return"})


def commented_words(side: Side) -> Counter[str]:
    """The words of all comments around the changes."""
    waiting = nodes_around(side.text.root, side.stretches)
    words: Counter[str] = Counter()
    while waiting:
        node = waiting.pop()
        if node.type in COMMENT_KINDS:
            words.update(re.findall(r"\w+", side.text.of(node)))
        waiting += node.children
    return words


def became_comment(old: Side, new: Side) -> bool:
    """Whether words that were code are words of a comment now."""
    lost = Counter({word: count for word, count in (old.words - new.words).items() if re.match(r"\w", word)})
    return bool(lost & (commented_words(new) - commented_words(old)))


def lost_attribute(before: Text, after: Text, change: TextChange) -> bool:
    """Whether an attribute, or something in one, goes without anything in its place."""
    gone = attribute_words(before, change.start, change.end)
    return bool(gone) and not attribute_words(after, change.new_start, change.new_end)


def attribute_words(text: Text, start: int, end: int) -> list[str]:
    """The words of attributes that lie between two bytes."""
    if end <= start:
        return []
    inner = node_at(text.root, start, end)
    around = next((node for node in ancestors(inner) if node.type in ATTRIBUTE_KINDS), None)
    if around is not None:
        return re.findall(r"\w+", text.content[start:end].decode(errors="replace"))
    inside = [node for node in inner.children if node.type in ATTRIBUTE_KINDS]
    return [text.of(node) for node in inside if start < node.end_byte and node.start_byte < end]


def lost_macro_argument(before: Text, after: Text, change: TextChange) -> bool:
    """Whether a macro call has fewer arguments than before."""
    tree = macro_arguments(before, change.start, change.end)
    tree_after = macro_arguments(after, change.new_start, change.new_end)
    if tree is None or tree_after is None or change.end <= change.start:
        return False
    return count_segments(tree_after) < count_segments(tree)


def macro_arguments(text: Text, start: int, end: int) -> Node | None:
    inner = node_at(text.root, start, end)
    return next((node for node in ancestors(inner) if node.type == "token_tree"), None)


def count_segments(tree: Node) -> int:
    """How many pieces stand between the commas of a token tree."""
    pieces = [0]
    for child in tree.children[1:-1]:
        if child.type == ",":
            pieces.append(0)
        elif child.type not in COMMENT_KINDS:
            pieces[-1] += 1
    return sum(1 for piece in pieces if piece)


# ---- what is made up ------------------------------------------------------------------------------------------


def is_made_up(old: Side, new: Side, number: int) -> bool:
    """Whether a value takes the place of an expression, or is assigned, that nobody computed."""
    inserted = new.inside(number)
    removed = old.inside(number)
    is_assigned = not removed and bool(inserted) and new.text.of(inserted[0]) == "="
    if is_assigned:
        inserted = inserted[1:]
    elif not value_words(old.text, [token for token in removed if token.type not in LITERAL_KINDS]):
        return False
    return bool(inserted) and is_constant(new.text, inserted, [old.text.of(token) for token in removed])


def declares_made_up(old: Side, new: Side, number: int) -> bool:
    """Whether a constant comes in whose literal value stood nowhere around before."""
    inserted = new.inside(number)
    words = [new.text.of(token) for token in inserted]
    if not {"const", "static"} & set(words):
        return False
    return any(
        token.type in LITERAL_KINDS and position > 0 and words[position - 1] == "=" and word not in old.words
        for position, (token, word) in enumerate(zip(inserted, words, strict=True))
    )


def is_constant(text: Text, tokens: Sequence[Node], replaced: Sequence[str]) -> bool:
    """Whether tokens make a value out of nothing: literals, `None`, `Vec::new()`, `Ok(())`."""
    words = [text.of(token) for token in tokens]
    names = {word for token, word in zip(tokens, words, strict=True) if token.type in NAME_KINDS}
    if any(not name[:1].isupper() and name not in MAKERS for name in names):
        return False
    if {"self", "Self"} & set(words) or names & set(replaced):
        return False
    if "None" in names:
        return "none" not in replaced
    return any(token.type in LITERAL_KINDS for token in tokens) or "(" in words or "[" in words


def is_other_constant(before: Text, after: Text, change: TextChange) -> bool:
    """Whether a literal became one with another meaning. `2` and `2.0`, `"a"` and `'a'`, `{}` and `{:?}` mean the
    same: the form was wrong, not what is said."""
    old = literal_around(before, change.start, change.end)
    new = literal_around(after, change.new_start, change.new_end)
    return old is not None and new is not None and meaning(before.of(old)) != meaning(after.of(new))


def literal_around(text: Text, start: int, end: int) -> Node | None:
    """The literal that holds the bytes, where one does."""
    content = text.content[start:end]
    start += len(content) - len(content.lstrip())
    end -= len(content) - len(content.rstrip())
    found = next((node for node in ancestors(node_at(text.root, start, end)) if node.type in LITERAL_KINDS), None)
    return found if found is None or start < end or found.start_byte < start < found.end_byte else None


def meaning(literal: str) -> str | float:
    """What a literal says, whatever its form."""
    bare = re.sub(r"^[a-z]*#*['\"]|['\"]#*$", "", literal)
    number = re.sub(r"_?([iu](8|16|32|64|128|size)|f32|f64)$", "", bare).replace("_", "")
    try:
        return float(number)
    except ValueError:
        return re.sub(r"\{[^}]*\}|\W", "", number).casefold()


def says_the_opposite(before: Text, after: Text, change: TextChange) -> bool:
    """Whether a name gave way to one that says the opposite: that compiles where both exist, and is never a slip."""
    old = node_at(before.root, change.start, change.end)
    new = node_at(after.root, change.new_start, change.new_end)
    is_one_name = old.type in NAME_KINDS | {"type_identifier"} and new.type in NAME_KINDS | {"type_identifier"}
    return is_one_name and say_the_opposite(before.of(old), after.of(new))


# ---- what is cut off ------------------------------------------------------------------------------------------


def cuts_off(after: Text, change: TextChange) -> bool:
    """Whether an inserted `return`, `break` or `continue` keeps the statements behind it from running."""
    inserted = after.content[change.new_start : change.new_end]
    if not re.search(rb"\b(return|break|continue)\b", inserted):
        return False
    waiting = nodes_around(after.root, [(change.new_start, change.new_end)])
    while waiting:
        node = waiting.pop()
        if node.type in JUMPS and change.new_start <= node.start_byte < change.new_end:
            statement = node.parent if node.parent is not None and node.parent.type == "expression_statement" else node
            following = statement.next_named_sibling
            while following is not None and following.type in COMMENT_KINDS | {"empty_statement"}:
                following = following.next_named_sibling
            if following is not None and statement.parent is not None and statement.parent.type == "block":
                return True
        waiting += node.children
    return False
