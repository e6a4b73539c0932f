"""One list of code actions out of two. Pure, on the plain JSON of `(Command | CodeAction)[]`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

Action = dict[str, Any]


def merged_actions(theirs: Sequence[Any], ours: Sequence[Any]) -> list[Any]:
    """The wrapped server's actions first, then Sleepy's; a preferred one of Sleepy's first where they prefer nothing.

    Never two preferred actions for one diagnostic: the wrapped server's stays. An action that names no diagnostic
    counts as one for all.
    """
    preferred = [action for action in theirs if is_preferred(action)]
    if not preferred:
        return [*filter(is_preferred, ours), *theirs, *(action for action in ours if not is_preferred(action))]
    return [*theirs, *(_without_rivalry(action, preferred) for action in ours)]


def is_preferred(action: Any) -> bool:
    return isinstance(action, dict) and action.get("isPreferred") is True


def _without_rivalry(action: Any, preferred: Iterable[Action]) -> Any:
    if is_preferred(action) and any(_share_a_diagnostic(action, other) for other in preferred):
        return {name: value for name, value in action.items() if name != "isPreferred"}
    return action


def _share_a_diagnostic(one: Action, other: Action) -> bool:
    first, second = _diagnostics(one), _diagnostics(other)
    return not first or not second or bool(first & second)


def _diagnostics(action: Action) -> set[str]:
    """Range and code of each diagnostic, as text that can be compared. Servers copy the rest more or less exactly."""
    listed = action.get("diagnostics")
    return {
        json.dumps([diagnostic.get("range"), diagnostic.get("code")], sort_keys=True)
        for diagnostic in (listed if isinstance(listed, list) else [])
        if isinstance(diagnostic, dict)
    }
