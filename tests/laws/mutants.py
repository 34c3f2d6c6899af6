"""Known wrong versions of rules, goals and what they stand on, each one a few characters of source away from the truth.

A mutant is wrong in one reader (the laws see it, since readers then disagree) or in a formula that all readers share
(only the paper sees it). `seen_by` says which of the two must catch it.
"""

from __future__ import annotations

import importlib
import inspect
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal
from unittest.mock import patch

SeenBy = Literal["laws", "paper"]


@dataclass(frozen=True, slots=True)
class Mutant:
    """Source in which `old` is replaced by `new`."""

    of: str
    """The rule or goal that is wrong, or `engine` for what all stand on."""
    wrong: str
    """What is wrong with it."""
    where: str
    """The function: `rules.iops:_sellable`, `limits:LimitRule.encode`."""
    old: str
    new: str
    seen_by: SeenBy = "paper"
    on: str | None = None
    """The class or module that gets the changed function, where that is not the one it was taken from."""

    def __str__(self) -> str:
        return f"{self.of}: {self.wrong}"

    @contextmanager
    def applied(self) -> Iterator[None]:
        """The mutant in place of the truth, for as long as the context lasts."""
        owner, name = _found(self.where)
        found = getattr(owner, name)
        function: Any = found.fget if isinstance(found, property) else found
        source, module = textwrap.dedent(inspect.getsource(function)), inspect.getmodule(function)
        assert self.old in source, f"{self}: {self.where} no longer says {self.old!r}"
        text = source.replace(self.old, self.new).replace("super()", f"super({owner.__name__}, self)")
        made: dict[str, Any] = {}
        exec(compile(f"from __future__ import annotations\n{text}", self.where, "exec"), vars(module), made)
        target = owner if self.on is None else _whole(self.on)
        _forget()
        try:
            with patch.object(target, name, made[name]):
                yield
        finally:
            _forget()


def _forget() -> None:
    """Empty what functions of ours keep, so that nothing that was made of a mutant outlives it."""
    for name, module in list(sys.modules.items()):
        if name.startswith("allocator"):
            for value in vars(module).values():
                if hasattr(value, "cache_clear"):
                    value.cache_clear()


def _found(where: str) -> tuple[Any, str]:
    module, _, path = where.partition(":")
    outer, _, name = path.rpartition(".")
    return _whole(f"{module}:{outer}" if outer else module), name


def _whole(where: str) -> Any:
    """A module, or a class in it."""
    module, _, name = where.partition(":")
    found = importlib.import_module(f"allocator.{module}")
    return getattr(found, name) if name else found


def wrong_readers(rule: str, on: str) -> Iterator[Mutant]:
    """What can be wrong in one reader of any rule of sums."""
    yield Mutant(
        rule,
        "the encoding counts newcomers only",
        "limits:LimitRule.encode",
        "limit.counts",
        '"arrivals"',
        "laws",
        on,
    )
    yield Mutant(rule, "the check tolerates one too many", "limits:LimitRule.violations",
                 "if amount > 0", "if amount > 1", "laws", on)  # fmt: skip


def shuts(rule: str) -> Mutant:
    """Of rules that some volumes take nothing of."""
    return Mutant(
        rule,
        "the filter shuts what is broken",
        "limits:Limit.slack",
        "nothing = more == 0",
        "nothing = more == -1",
        "laws",
    )
