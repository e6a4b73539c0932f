"""What loops, adaptors and closures see of a type of std, from the tables of std_names.toml. Pure, on strings."""

from __future__ import annotations

import re

from sleepy_agent.code.std_names import std_table
from sleepy_agent.code.type_text import (
    bare_type_name,
    is_mutable_reference,
    is_reference,
    type_arguments,
    without_reference,
)

ITEM = re.compile(r"\bItem\s*=\s*(?P<type>.*)>[^>]*$")


def filled(template: str, type_text: str) -> str | None:
    """A template of the tables with the type's arguments put in; None where one of them is not known."""
    arguments = type_arguments(without_reference(type_text))
    used = [int(one) for one in re.findall(r"\{(\d)\}", template)]
    if any(one >= len(arguments) or re.search(r"(?<!')\b_\b", arguments[one]) for one in used):
        return None
    return template.format(*arguments)


def iterator_item(type_text: str | None) -> str | None:
    """What one step of an iterator gives (not of a collection)."""
    if type_text is None:
        return None
    bare = bare_type_name(type_text)
    if bare == "Iterator" or (bare == "Box" and "Iterator<" in type_text):
        found = ITEM.search(type_text.removesuffix(">") if bare == "Box" else type_text)
        return found["type"] if found is not None else None
    template = std_table()["items"].get(bare)
    return filled(template, type_text) if template is not None else None


def loop_item(type_text: str | None) -> str | None:
    """What `for item in ..` gives for a value of that type: an iterator, a collection, or a reference to one."""
    if type_text is None:
        return None
    item = iterator_item(type_text)
    if item is not None or not is_reference(type_text):
        template = std_table()["items_of_collections"].get(bare_type_name(type_text))
        return item if item is not None else filled(template, type_text) if template is not None else None
    template = std_table()["items_of_references"].get(bare_type_name(type_text))
    if template is None:
        return None
    return filled(template.replace("&?", "&mut " if is_mutable_reference(type_text) else "&"), type_text)


def adaptor_result(type_text: str | None, method: str) -> str | None:
    """What a method of `Iterator` gives; `into_iter` of collections too."""
    template = std_table()["adaptors"].get(method)
    item = loop_item(type_text) if method == "into_iter" else iterator_item(type_text)
    if template is None or item is None:
        return None
    return template.format(item=item, value=without_reference(item))


def closure_parameter(type_text: str | None, method: str) -> str | None:
    """What the first parameter of a closure is that a method of that type is called with."""
    item = iterator_item(type_text)
    template = std_table()["closures"].get(method)
    if item is not None:
        return template.format(item=item) if template is not None else None
    bare = bare_type_name(type_text) if type_text is not None else ""
    while bare and type_text is not None:
        template = std_table()["closures_of_arguments"].get(f"{bare}.{method}")
        if template is not None:
            return filled(template, type_text)
        bare = std_table()["derefs"].get(bare, "")
    return None
