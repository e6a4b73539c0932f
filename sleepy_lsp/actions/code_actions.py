"""Code actions out of what is known: the answers to `textDocument/codeAction` and `codeAction/resolve`.

Source: LSP 3.17, "Code Action Request" and "Code Action Resolve Request".

Nothing here waits or compiles. Of the problems of a file only places are compared; what costs more (hashes, positions,
edits) is done for those that are asked about, at most `MOST_PROBLEMS`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from lsprotocol import types as lsp

from sleepy_agent.domain import Edit
from sleepy_agent.live.messages import BundleKind, LiveOffer
from sleepy_lsp.actions.abilities import ClientAbilities
from sleepy_lsp.actions.matching import asked_problems
from sleepy_lsp.actions.words import NAME, bundle_title, change_words, flags_of, method_of, offer_titles, source_of
from sleepy_lsp.texts.convert import TextOf, workspace_edit
from sleepy_lsp.texts.line_index import LineIndex
from sleepy_lsp.workspaces.board import (
    Board,
    HashOf,
    HeldBundle,
    HeldOffers,
    bundle_of_id,
    may_be_applied_unasked,
    members_of,
    offer_of_id,
    valid_bundles,
    valid_offers,
    valid_part,
)

MOST_PROBLEMS = 20
"""How many problems one answer is about: nobody reads a menu of more."""
MOST_OFFERS = 6
"""How many changes are shown for one problem."""
QUICK_FIX = lsp.CodeActionKind.QuickFix.value
FIX_ALL = "source.fixAll.sleepy"
APPLIED, DISMISS, EXPLAIN = "sleepy.applied", "sleepy.dismiss", "sleepy.explain"


@dataclass(frozen=True, slots=True)
class Stale:
    """The text changed since an action was made, so that its edit is not given out.

    To be answered with the error ContentModified (-32801). The other way that the specification knows, `disabled`, is
    not open: a resolve may only add what the client named in `resolveSupport`, and no client names it. rust-analyzer
    does the same.
    """

    message: str = (
        "This fix is for a text that has changed since, so it was not applied. "
        "Ask for fixes again: what still holds is offered for the new text."
    )


def code_actions(
    board: Board,
    path: Path,
    asked: lsp.Range,
    context: lsp.CodeActionContext,
    text_of: TextOf,
    abilities: ClientAbilities,
) -> list[lsp.CodeAction]:
    """Everything that may be offered for a range of a file, best first.

    `text_of` gives the present texts (`Documents.texts()`). Clients that only take commands get nothing.
    """
    text = text_of(path)
    if text is None or not abilities.takes_code_actions:
        return []
    hash_of = hashes(text_of)
    actions: list[lsp.CodeAction] = []
    if is_asked_for(QUICK_FIX, context.only):
        actions += quick_fixes(board, path, text.index, asked, context.diagnostics, text_of, abilities)
    # A source action is for who asks for source actions (at save, say), not for the menu of a place in the text.
    if context.only is not None and is_asked_for(FIX_ALL, context.only):
        actions += fix_all_actions(board, path, hash_of, text_of, abilities)
    return actions


def quick_fixes(
    board: Board,
    path: Path,
    index: LineIndex,
    asked: lsp.Range,
    diagnostics: Sequence[lsp.Diagnostic],
    text_of: TextOf,
    abilities: ClientAbilities,
) -> Iterator[lsp.CodeAction]:
    """The fixes of the problems at a place, then those of several problems at once, then what else can be done."""
    hash_of = hashes(text_of)
    matched = list(
        islice(
            (
                (part, matching)
                for held, matching in asked_problems(board, path, index, asked, diagnostics, abilities.encoding)
                if (part := valid_part(board, held, hash_of)) is not None
            ),
            MOST_PROBLEMS,
        )
    )
    titles = offer_titles(offer for held, _ in matched for offer in held.offers[:MOST_OFFERS])
    actions: dict[tuple[Edit, ...], lsp.CodeAction] = {}
    for held, matching in matched:
        for position, offer in enumerate(held.offers[:MOST_OFFERS]):
            edits = offer.fix.candidate.edits
            if edits in actions:
                # One import mends several names: it is one thing to choose.
                actions[edits].diagnostics = [*(actions[edits].diagnostics or ()), *matching] or None
                continue
            action = lsp.CodeAction(
                title=titles[offer.offer_id],
                kind=QUICK_FIX,
                diagnostics=matching or None,
                is_preferred=(position == 0 and may_be_applied_unasked(offer)) or None,
                data={"sleepy": offer_data(held, offer)},
            )
            actions[edits] = finished(action, edits, [offer.offer_id], text_of, abilities)
    yield from actions.values()
    codes = {held.problem.code for held, _ in matched}
    for bundle in valid_bundles(board, hash_of):
        if is_about(bundle, path, codes):
            yield bundle_action(board, bundle, QUICK_FIX, text_of, abilities)
    for held, matching in matched:
        yield dismissing(held, matching, is_alone=len(actions) == 1)
    for held, matching in matched:
        yield explaining(held, matching)


def is_about(held: HeldBundle, path: Path, codes: Iterable[str | None]) -> bool:
    """Whether a bundle is of the file that is asked about, or of the kind of one of its problems."""
    bundle = held.bundle
    return bundle.subject == str(path) if bundle.kind == BundleKind.FILE else bundle.subject in codes


def fix_all_actions(
    board: Board, path: Path, hash_of: HashOf, text_of: TextOf, abilities: ClientAbilities
) -> Iterator[lsp.CodeAction]:
    """What `source.fixAll` does in a file: the bundle whose whole was compiled, or its only safe fix."""
    for bundle in valid_bundles(board, hash_of):
        if bundle.bundle.kind == BundleKind.FILE and is_about(bundle, path, ()):
            yield bundle_action(board, bundle, FIX_ALL, text_of, abilities)
            return
    safe = [held for held in valid_offers(board, path, hash_of) if may_be_applied_unasked(held.offers[0])]
    if len(safe) == 1:
        offer = safe[0].offers[0]
        yield finished(
            lsp.CodeAction(
                title=offer_titles([offer])[offer.offer_id],
                kind=FIX_ALL,
                data={"sleepy": offer_data(safe[0], offer)},
            ),
            offer.fix.candidate.edits,
            [offer.offer_id],
            text_of,
            abilities,
        )


def bundle_action(
    board: Board, held: HeldBundle, kind: str, text_of: TextOf, abilities: ClientAbilities
) -> lsp.CodeAction:
    """The action of several fixes at once. Never preferred: it may reach beyond what the developer looks at."""
    bundle = held.bundle
    members = members_of(board, bundle)
    return finished(
        lsp.CodeAction(title=bundle_title(bundle, members), kind=kind, data={"sleepy": bundle_data(held, members)}),
        bundle.edits,
        bundle.offer_ids,
        text_of,
        abilities,
    )


def finished(
    action: lsp.CodeAction,
    edits: Iterable[Edit],
    offer_ids: Sequence[str],
    text_of: TextOf,
    abilities: ClientAbilities,
) -> lsp.CodeAction:
    """An action with what its client cannot ask for later."""
    if not abilities.knows_preferred:
        action.is_preferred = None
    if not abilities.resolves_edits:
        action.edit = workspace_edit(edits, text_of, abilities.encoding, with_versions=abilities.takes_versions)
    if not abilities.resolves_commands:
        action.command = applied(action.title, offer_ids)
    return action


def applied(title: str, offer_ids: Sequence[str]) -> lsp.Command:
    """The command that a client runs after the edit of an action: this was taken."""
    return lsp.Command(title, APPLIED, arguments=list(offer_ids))


def dismissing(held: HeldOffers, matching: Sequence[lsp.Diagnostic], *, is_alone: bool) -> lsp.CodeAction:
    """ "Not this fix": about the first offer of a problem. The next one then comes first."""
    offer = held.offers[0]
    title = f"{NAME}not this fix" if is_alone else f"{NAME}not this fix ({change_words(offer)})"
    return extra(title, DISMISS, offer.offer_id, held, matching)


def explaining(held: HeldOffers, matching: Sequence[lsp.Diagnostic]) -> lsp.CodeAction:
    """The action that shows why something is offered (`explain.py`)."""
    return extra(f"{NAME}explain {held.problem.code or 'this error'}", EXPLAIN, held.problem_id, held, matching)


def extra(
    title: str, command: str, argument: str, held: HeldOffers, matching: Sequence[lsp.Diagnostic]
) -> lsp.CodeAction:
    """An action that is only a command."""
    return lsp.CodeAction(
        title=title,
        kind=QUICK_FIX,
        diagnostics=list(matching) or None,
        command=lsp.Command(title, command, arguments=[argument]),
        data={"sleepy": {"problemId": held.problem_id, "generation": held.generation}},
    )


def offer_data(held: HeldOffers, offer: LiveOffer) -> dict[str, Any]:
    """`data.sleepy` of an offer's action (docs/protocol.md)."""
    return {
        "problemId": held.problem_id,
        "offerId": offer.offer_id,
        "source": offer.fix.candidate.source,
        "proof": offer.fix.verdict.method,
        "flags": list(offer.fix.verdict.flags),
        "trigger": held.trigger.value,
        "generation": held.generation,
    }


def bundle_data(held: HeldBundle, members: Sequence[LiveOffer]) -> dict[str, Any]:
    """`data.sleepy` of a bundle's action (docs/protocol.md)."""
    return {
        "bundleId": held.bundle.bundle_id,
        "offerIds": list(held.bundle.offer_ids),
        "source": source_of(members),
        "proof": method_of(members),
        "flags": list(flags_of(members)),
        "trigger": held.trigger.value,
        "generation": held.generation,
    }


def resolve_code_action(
    board: Board, action: lsp.CodeAction, text_of: TextOf, abilities: ClientAbilities
) -> lsp.CodeAction | Stale:
    """The action with its edit, for the texts as they are now.

    A fix that was found again for the new text is as good as the one that was shown: it is the same change of the same
    problem (`LiveOffer.offer_id`). An action without an edit of ours, "Not this fix" say, stays as it is.
    """
    data = sleepy_data(action.data)
    offer_id, bundle_id = data.get("offerId"), data.get("bundleId")
    edits: Sequence[Edit]
    offer_ids: Sequence[str]
    if isinstance(offer_id, str):
        held_offer = offer_of_id(board, offer_id, hashes(text_of))
        if held_offer is None:
            return Stale()
        edits, offer_ids = held_offer[1].fix.candidate.edits, [offer_id]
    elif isinstance(bundle_id, str):
        held_bundle = bundle_of_id(board, bundle_id, hashes(text_of))
        if held_bundle is None or list(held_bundle.bundle.offer_ids) != data.get("offerIds"):
            return Stale()
        edits, offer_ids = held_bundle.bundle.edits, held_bundle.bundle.offer_ids
    else:
        return action
    edit = workspace_edit(edits, text_of, abilities.encoding, with_versions=abilities.takes_versions)
    if edit is None:
        return Stale()
    action.edit = edit
    action.command = action.command or applied(action.title, offer_ids)
    return action


def sleepy_data(data: object) -> Mapping[str, Any]:
    """`data.sleepy` of an action, empty where it has none: a client sends back what it wants."""
    own = data.get("sleepy") if isinstance(data, Mapping) else None
    return own if isinstance(own, Mapping) else {}


def is_asked_for(kind: str, only: Sequence[str] | None) -> bool:
    """Whether a kind is among those asked for; kinds are hierarchies of names with dots, the empty one is all."""
    if only is None:
        return True
    names = [str(getattr(one, "value", one)) for one in only]
    return any(name in {"", kind} or kind.startswith(f"{name}.") for name in names)


def hashes(text_of: TextOf) -> HashOf:
    """The hashes of the present texts."""

    def hash_of(path: Path) -> str | None:
        text = text_of(path)
        return None if text is None else text.sha256

    return hash_of
