"""Exam items small enough for a test, and a model that has learnt them by heart."""

from __future__ import annotations

from sleepy_agent.fixes.sources.model import ModelSource
from sleepy_agent.serving.scripted import ScriptedAnswer, ScriptedModel
from trainer.pretrain.exams.items import Item, item_id

RIGHT = """\
pub fn doubled(values: &[u32]) -> Vec<u32> {
    let mut found = Vec::new();
    for value in values {
        found.push(value * 2);
    }
    found
}
"""
TEST = "#[test]\nfn both_are_doubled() {\n    assert_eq!(doubled(&[2, 3]), [4, 6]);\n}\n"


def item(mutation: str, old: str, new: str, code: str, behaviour: str = TEST) -> Item:
    """The program with one thing in another's place."""
    broken = RIGHT.replace(old, new)
    assert broken != RIGHT
    return Item(
        id=item_id("template:doubled", mutation, broken),
        kind="template",
        source="template:doubled",
        mutation=mutation,
        family="borrow_checker" if code == "E0596" else "missing_items",
        code=code,
        side="report",
        is_suggested=True,
        lines_changed=1,
        broken=broken,
        right=RIGHT,
        behaviour=behaviour,
    )


NOT_MUTABLE = item("mutability.binding", "let mut", "let", "E0596")
UNKNOWN_NAME = item("typo.local", "    found\n", "    fount\n", "E0425")
NOTHING_WRONG = item("odd.none", "* 2", "* 2u32", "E0308", behaviour="")
"""It compiles, though its record says that it has an error."""
ITEMS = (NOT_MUTABLE, UNKNOWN_NAME, NOTHING_WRONG)


def by_heart() -> ModelSource:
    """A model that knows at once that a binding is to be mutable, and in a second round what a name should be."""
    learnt = [
        ScriptedAnswer(("L6 v3 <=> v1",), contains="<then>", is_repeated=True),
        ScriptedAnswer(("L2 v1 <=> mut v1",), contains="E0596", is_repeated=True),
        ScriptedAnswer(("L6 v3 <=> v2",), contains="E0425", is_repeated=True),
    ]
    return ModelSource("model", ScriptedModel(learnt, "seed"), samples=2, rounds=2, seconds=60.0)
