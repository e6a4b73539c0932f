"""The compiler as judge: what is broken, and is it fixed?

`workspace` reads cargo's metadata, `recorder` learns the exact rustc calls, `overlay` lays edited sources over
the user's tree, `slots` replays a call there, `copied_tree` asks cargo itself where a replay can't be trusted,
`verdict` compares before and after, `trials`, `replay_trials` and `cargo_trials` read what one set of edits does, and
`session` is the one owner of all of it.
"""
