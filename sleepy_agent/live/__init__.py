"""A workspace that stays open while its text changes: what an editor, or a watching terminal, needs behind it."""
