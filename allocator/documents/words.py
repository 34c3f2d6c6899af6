"""The types documents are made of: names, tags, sizes, rates, counts, shares and factors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Annotated, Any, Final, NamedTuple, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PlainValidator,
    StringConstraints,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import PydanticCustomError

from allocator.documents.errors import nearest, shown
from allocator.domain.sizes import LARGEST, QuantityError, parse_bytes, parse_factor, parse_rate, parse_share

T = TypeVar("T")


class Entry(BaseModel):
    """A mapping with fixed keys: nothing is converted, nothing unknown is let through."""

    model_config = ConfigDict(
        strict=True, extra="forbid", frozen=True, hide_input_in_errors=True, use_attribute_docstrings=True
    )

    @model_validator(mode="before")
    @classmethod
    def _keys_are_known(cls, data: object) -> object:
        known = cls.__pydantic_fields__.keys()
        if isinstance(data, dict) and not data.keys() <= known:
            key = next(key for key in data if key not in known)
            raise refusal("There is no such key.", cls.perhaps(str(key)), key)
        return data

    @classmethod
    def perhaps(cls, stranger: str) -> str:
        """A hint what an unknown key was meant to be."""
        known = cls.__pydantic_fields__.keys()
        return nearest(stranger, known, f"Maybe one of {', '.join(known)}.")


def refusal(message: str, hint: str, *at: str | int) -> PydanticCustomError:
    """What a validator raises: message, a hint that begins with "Maybe", and which key inside the value."""
    return PydanticCustomError("refused", "{message}", {"message": message, "hint": hint, "at": at})


Listed = Annotated[list[T], Field(fail_fast=True)]
"""A list that is given up at its first bad entry: one error is told, however many there are."""


def mapping(value: object, *at: str | int) -> dict[str, Any]:
    """A mapping of free keys, each of 1 to 63 printable characters; what is below them is for the caller."""
    if not isinstance(value, dict):
        raise refusal(f"{shown(value)} is not a mapping.", "Maybe write it like {key: value}.", *at)
    for key in value:
        if not isinstance(key, str) or not key.isprintable() or not 1 <= len(key) <= 63:
            raise refusal(f"The key {shown(key)} is no word.", "Maybe use 1 to 63 printable characters.", *at)
    return value


class Form(NamedTuple):
    """A form of text, and what to say where it is not met."""

    pattern: str
    what: str
    hint: str


NAME_FORM: Final = Form(
    r"^[a-z0-9][a-z0-9._-]{0,62}$",
    "a name",
    "Maybe use a-z, 0-9, '.', '-' and '_', beginning with a letter or digit, at most 63 of them.",
)
TAG_FORM: Final = Form(
    r"^[^\p{C}\p{Z}]([^\p{C}]{0,61}[^\p{C}\p{Z}])?$", "a tag", "Maybe use 1 to 63 printable characters."
)
IQN_FORM: Final = Form(
    r"^iqn\.[0-9]{4}-[0-9]{2}\.[A-Za-z0-9:.-]{1,200}$",
    "an IQN",
    "Maybe write it like iqn.1994-05.com.redhat:kvm-01.",
)
USER_FORM: Final = Form(
    r"^[A-Za-z0-9:._-]{1,200}$", "a CHAP user", "Maybe use letters, digits, ':', '.', '-' and '_' only."
)
FORMS: Final = {form.pattern: form for form in (NAME_FORM, TAG_FORM, IQN_FORM, USER_FORM)}

Name = Annotated[str, StringConstraints(pattern=NAME_FORM.pattern)]
Tag = Annotated[str, StringConstraints(pattern=TAG_FORM.pattern)]
Iqn = Annotated[str, StringConstraints(pattern=IQN_FORM.pattern)]
ChapUser = Annotated[str, StringConstraints(pattern=USER_FORM.pattern)]

Version = Annotated[int, Field(ge=1, le=1)]
Count = Annotated[int, Field(ge=0, le=LARGEST)]
Positive = Annotated[int, Field(ge=1, le=LARGEST)]


def _quantity(parse: Callable[[int | Decimal | str], T], least: int = 0) -> Callable[[object], T]:
    known = lru_cache(maxsize=4096, typed=True)(parse)  # a fleet repeats few quantities many times

    def read(value: object) -> T:
        if isinstance(value, bool) or not isinstance(value, (int, Decimal, str)):
            raise refusal(f"{shown(value)} is not a quantity.", "Maybe write it as text or a number.")
        if (value.bit_length() if isinstance(value, int) else len(str(value))) > 64:
            raise refusal(f"{shown(value)} is too long for a quantity.", "Maybe write it with a larger unit.")
        try:
            found = known(str(value) if isinstance(value, Decimal) else value)
        except QuantityError as error:
            message, _, hint = str(error).partition(" Maybe ")
            raise refusal(message, f"Maybe {hint}") from error
        if isinstance(found, int) and found < least:
            raise refusal(f"{shown(value)} is below the least, {least}.", f"Maybe {least} or more.")
        return found

    return read


def _written(example: str, pattern: str) -> WithJsonSchema:
    text = {"type": "string", "pattern": pattern, "examples": [example]}
    return WithJsonSchema({"anyOf": [text, {"type": "number", "minimum": 0}]})


_SIZE = _written("500GiB", r"^\s*[0-9.]+\s*([KMGTPE]i?)?B?\s*$")
_RATE = _written("200MiB/s", r"^\s*[0-9.]+\s*(([KMGTPE]i?)?B?/s)?\s*$")
_FACTOR = _written("1.5", r"^[0-9.]+$")
_SHARE = WithJsonSchema({"type": "string", "pattern": "^[0-9.]+%$", "examples": ["10%"]})

SizeAsked = Annotated[int, PlainValidator(_quantity(lambda value: parse_bytes(value, "up"), least=1)), _SIZE]
"""Bytes demanded, at least 1, rounded up."""
SizeHeld = Annotated[int, PlainValidator(_quantity(lambda value: parse_bytes(value, "down"))), _SIZE]
"""Bytes that exist or may be sold, rounded down."""
SizeUsed = Annotated[int, PlainValidator(_quantity(lambda value: parse_bytes(value, "up"))), _SIZE]
"""Bytes taken, rounded up."""
RateAsked = Annotated[int, PlainValidator(_quantity(lambda value: parse_rate(value, "up"), least=1)), _RATE]
"""Bytes per second demanded, at least 1, rounded up."""
RateHeld = Annotated[int, PlainValidator(_quantity(lambda value: parse_rate(value, "down"))), _RATE]
"""Bytes per second that may be sold, rounded down."""
Share = Annotated[Fraction, PlainValidator(_quantity(parse_share)), _SHARE]
Factor = Annotated[Fraction, PlainValidator(_quantity(parse_factor)), _FACTOR]


def members(values: list[str] | None) -> frozenset[str]:
    """A list of tags or names, as the set it stands for."""
    return frozenset(values) if values else frozenset()


def sorted_items(values: Mapping[str, Any] | None) -> tuple[tuple[str, Any], ...]:
    """A mapping as the sorted pairs that equal requests share."""
    return tuple(sorted(values.items())) if values else ()
