"""Records the tests of the store vary with `dataclasses.replace`."""

from __future__ import annotations

from sleepy_agent.domain import Episode

EPISODE = Episode(
    task_id="a-repository",
    run_id="a-run",
    attempt_index=0,
    family="borrow_checker",
    signature="E0382:0123456789ab",
    code="E0382",
    message="borrow of moved value: `p`",
    source="compiler",
    title="consider cloning",
    diff_unified="--- a/src/lib.rs\n+++ b/src/lib.rs\n@@ -1 +1 @@\n-let q = p;\n+let q = p.clone();\n",
    verdict="The target error is gone and nothing new is broken.",
    passed=True,
    flags=("clone_in_loop",),
    file="src/lib.rs",
    timestamp="2026-01-02T03:04:05.000006+00:00",
    wall_clock_milliseconds=123.5,
    steps_to_green=1,
    metadata={"slot": "2"},
)
