"""What a client can do, as it said in `initialize` (LSP 3.17, `ClientCapabilities`), in the few words that we ask."""

from __future__ import annotations

from dataclasses import dataclass

from lsprotocol import types as lsp


@dataclass(frozen=True, slots=True)
class ClientAbilities:
    """What decides how our answers look. The defaults are those of a client that said nothing."""

    encoding: str = "utf-16"
    """The unit of characters in positions, as negotiated."""
    takes_code_actions: bool = False
    """`codeAction.codeActionLiteralSupport`: it takes code actions, not only commands."""
    keeps_data: bool = False
    """`codeAction.dataSupport`."""
    resolves: frozenset[str] = frozenset()
    """`codeAction.resolveSupport.properties`."""
    knows_preferred: bool = False
    """`codeAction.isPreferredSupport`."""
    takes_versions: bool = False
    """`workspace.workspaceEdit.documentChanges`."""

    @property
    def resolves_edits(self) -> bool:
        """Whether the edit of an action may wait until the action is chosen."""
        return self.keeps_data and "edit" in self.resolves

    @property
    def resolves_commands(self) -> bool:
        """Whether the command may wait as well. A client that cannot resolve a stale action then runs no command."""
        return self.resolves_edits and "command" in self.resolves


def abilities_of(capabilities: lsp.ClientCapabilities, encoding: str) -> ClientAbilities:
    """The abilities that a client declared, with the encoding that was agreed on."""
    document = capabilities.text_document
    action = document.code_action if document else None
    edit = capabilities.workspace.workspace_edit if capabilities.workspace else None
    resolve = action.resolve_support if action else None
    return ClientAbilities(
        encoding=encoding,
        takes_code_actions=bool(action and action.code_action_literal_support),
        keeps_data=bool(action and action.data_support),
        resolves=frozenset(resolve.properties if resolve else ()),
        knows_preferred=bool(action and action.is_preferred_support),
        takes_versions=bool(edit and edit.document_changes),
    )
