"""The kinds of mistakes that crates are broken with, and the seeded choice of places.

A mutator is a named pure function from a file to all places where the mistake can be made; whether the compiler
notices is for the compiler to say. Five kinds are held out: nobody breaks a crate with them before the final
scoring, so that nothing is tuned to them.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

from benchmarks.real_crates import mutators_names, mutators_ownership, mutators_syntax, mutators_types
from benchmarks.real_crates.mutation import Mutation, Mutator, SourceFile, applied

MUTATOR_VERSION = 2
"""Counted up when a mutator changes: mutants of another version are made anew.

2: a forgotten item of a trait takes its attributes and its documentation with it; before, they were left behind.
"""

MUTATORS: tuple[Mutator, ...] = (
    *mutators_ownership.MUTATORS,
    *mutators_types.MUTATORS,
    *mutators_names.MUTATORS,
    *mutators_syntax.MUTATORS,
)

MOST_PLACES_OF_A_FILE = 200
"""A long file must not be the only one of its crate that is broken."""


def mutations_of(mutator: Mutator, source: SourceFile) -> tuple[Mutation, ...]:
    """All mutations of one kind in one file, each of which changes the text."""
    found = dict.fromkeys(mutator.find(source))
    return tuple(mutation for mutation in found if applied(source.text, mutation.changes) != source.text)


def shuffled_places(files: Mapping[str, Sequence[Mutation]], seed: str) -> tuple[tuple[str, Mutation], ...]:
    """The mutations of all files in an order that depends on the seed alone: the first ones are tried first."""
    chooser = random.Random(seed)
    places = []
    for name, mutations in files.items():
        chosen = list(mutations)
        chooser.shuffle(chosen)
        places += [(name, mutation) for mutation in chosen[:MOST_PLACES_OF_A_FILE]]
    chooser.shuffle(places)
    return tuple(places)
