"""Mutators: functions of a syntax tree that make one mistake in a program, whoever wrote it."""
