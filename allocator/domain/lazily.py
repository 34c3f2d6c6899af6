"""Facts that are worked out when they are first read, and kept beside the object that they are of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar, overload

T = TypeVar("T")


class lazily(Generic[T]):
    """`functools.cached_property` without its lock, which takes longer than most of what is kept (Python 3.11).

    Two threads that read it first at once may both work it out: for facts of objects that do not change.
    """

    def __init__(self, work_out: Callable[[Any], T]) -> None:
        self._work_out = work_out
        self.__doc__ = work_out.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, one: None, owner: type) -> lazily[T]: ...
    @overload
    def __get__(self, one: object, owner: type) -> T: ...
    def __get__(self, one: object | None, owner: type) -> T | lazily[T]:
        if one is None:
            return self
        found = one.__dict__[self._name] = self._work_out(one)
        return found
