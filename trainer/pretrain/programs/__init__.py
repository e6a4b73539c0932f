"""Generators of small programs, one module or package for each group of families."""
