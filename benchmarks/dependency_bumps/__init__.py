"""Breakages that really happen: a dependency is bumped to a version whose public names, types or arguments changed.

The programs and crates here are a yardstick and never training data.
"""
