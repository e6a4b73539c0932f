"""Who makes programs, and who breaks them: every module of `programs/` and of `mutations/` that says so."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from types import ModuleType

from trainer.pretrain import mutations as mutations_package
from trainer.pretrain import programs as programs_package
from trainer.pretrain.mutations.mutant import Mutator
from trainer.pretrain.records import Broken, Program

__all__ = ["Generator", "generators", "mutators"]


@dataclass(frozen=True, slots=True)
class Generator:
    """One module of `programs/`. `programs`: programs for a seed, endless or not; `mutations`: its own mistakes."""

    name: str
    programs: Callable[[str], Iterator[Program]]
    mutations: Callable[[Program, str], Iterator[Broken]]


@cache
def generators() -> tuple[Generator, ...]:
    """All that there are, in the order of their names."""
    found = []
    for module in modules_of(programs_package.__name__):
        programs, mutations = getattr(module, "programs", None), getattr(module, "mutations", None)
        if callable(programs) and callable(mutations):
            found.append(Generator(module.__name__.rpartition(".")[2], programs, mutations))
    return tuple(found)


@cache
def mutators() -> tuple[Mutator, ...]:
    """All functions of a syntax tree that make mistakes, in the order of their modules' names."""
    return tuple(
        mutator for module in modules_of(mutations_package.__name__) for mutator in getattr(module, "MUTATORS", ())
    )


def modules_of(package: str) -> Iterator[ModuleType]:
    """The modules of a package, by name, those whose names begin with `_` left out."""
    folder = importlib.import_module(package).__path__
    for name in sorted(one.name for one in pkgutil.iter_modules(folder) if not one.name.startswith("_")):
        yield importlib.import_module(f"{package}.{name}")
