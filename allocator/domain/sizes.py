"""Sizes, rates, shares and factors: the text that people write, kept as whole numbers.

Demand rounds up and capacity rounds down, so that rounding never sells what is not there. A factor or a
share is an exact fraction: `1.1` means 11/10 and never the nearest binary float.
"""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Final, Literal

Rounding = Literal["up", "down"]

KIB: Final = 1024
MIB: Final = 1024**2
GIB: Final = 1024**3
LARGEST: Final = 2**63 - 1
"""The largest whole number a ledger column and an array cell hold."""

_UNITS: Final = {"": 1, "B": 1} | {
    f"{prefix}{suffix}": base**power
    for suffix, base in (("iB", 1024), ("B", 1000))
    for power, prefix in enumerate("KMGTPE", start=1)
}
_QUANTITY = re.compile(r"\s*([0-9]{1,30}(?:\.[0-9]{1,30})?)\s*([A-Za-z]*)\s*")


class QuantityError(ValueError):
    """A size, rate, share or factor that cannot be read; the text says what would be right."""


def parse_bytes(value: int | Decimal | str, rounding: Rounding) -> int:
    """`500GiB`, `1.5TB` or a bare number of bytes, as whole bytes.

    Raises QuantityError for a negative number, an unknown unit or more than 64 bits.
    """
    match = _QUANTITY.fullmatch(str(value))
    if match is None:
        raise QuantityError(f"{value!r} is not a size. Maybe write it like 500GiB or 2TB.")
    number, unit = match.groups()
    if unit not in _UNITS:
        raise QuantityError(f"{value!r} has the unknown unit {unit!r}. Maybe {_nearest_unit(unit)}.")
    return _whole(Fraction(number) * _UNITS[unit], rounding, value)


def parse_rate(value: int | Decimal | str, rounding: Rounding) -> int:
    """`200MiB/s` or a bare number, as whole bytes per second. Raises QuantityError."""
    text = str(value).strip()
    if not text.endswith("/s") and not text.replace(".", "", 1).isdigit():
        raise QuantityError(f"{value!r} is not a rate. Maybe write it like 200MiB/s.")
    return parse_bytes(text.removesuffix("/s"), rounding)


def parse_share(value: int | Decimal | str) -> Fraction:
    """`10%`, as a fraction between 0 and 1. Raises QuantityError."""
    text = str(value).strip()
    share = _fraction(text.removesuffix("%"), f"{value!r} is not a share. Maybe write it like 10%.") / 100
    if not text.endswith("%") or not 0 <= share <= 1:
        raise QuantityError(f"{value!r} is not a share between 0% and 100%. Maybe write it like 10%.")
    return share


def parse_factor(value: int | Decimal | str) -> Fraction:
    """`1.5`, as an exact positive fraction. Raises QuantityError."""
    factor = _fraction(str(value), f"{value!r} is not a factor. Maybe write it like 1.5.")
    if not 0 < factor <= 1_000_000:
        raise QuantityError(f"{value!r} is not a factor above 0 and up to 1,000,000. Maybe 1.0.")
    return factor


def floor_times(amount: int, factor: Fraction) -> int:
    """amount x factor, rounded down: for what is sold."""
    return amount * factor.numerator // factor.denominator


def ceil_times(amount: int, factor: Fraction) -> int:
    """amount x factor, rounded up: for what is asked."""
    return -(-amount * factor.numerator // factor.denominator)


def round_up_to(amount: int, step: int) -> int:
    """The smallest multiple of `step` that is at least `amount`."""
    return -(-amount // step) * step


def format_bytes(amount: int) -> str:
    """The largest binary unit that keeps at most one decimal exact enough to read: `1.5 TiB`."""
    size, unit = amount, "B"
    for unit, scale in (("PiB", 1024**5), ("TiB", 1024**4), ("GiB", GIB), ("MiB", MIB), ("KiB", KIB), ("B", 1)):
        if abs(amount) >= scale:
            size = amount * 10 // scale
            return f"{size // 10:,} {unit}" if size % 10 == 0 else f"{size // 10:,}.{size % 10} {unit}"
    return f"{size} {unit}"


def format_rate(amount: int) -> str:
    """A bandwidth for people: `200 MiB/s`."""
    return f"{format_bytes(amount)}/s"


def format_count(amount: int) -> str:
    """A plain number for people: `150,000`."""
    return f"{amount:,}"


def format_dimension(dimension: str, amount: int) -> str:
    """An amount of something that places sell, in its unit: capacity in bytes, bandwidth a second, else a number."""
    return {"capacity": format_bytes, "bandwidth": format_rate}.get(dimension, format_count)(amount)


def format_factor(factor: Fraction) -> str:
    """A factor as decimal text, exact where it has few decimals: `1.5`."""
    text = f"{Decimal(factor.numerator) / Decimal(factor.denominator):.6f}".rstrip("0")
    return text + "0" if text.endswith(".") else text


def _fraction(text: str, complaint: str) -> Fraction:
    try:
        number = Decimal(text)
    except InvalidOperation as error:
        raise QuantityError(complaint) from error
    if not number.is_finite() or abs(number.adjusted()) > 30:
        raise QuantityError(complaint)
    return Fraction(number)


def _whole(amount: Fraction, rounding: Rounding, value: object) -> int:
    whole = -(-amount.numerator // amount.denominator) if rounding == "up" else amount.numerator // amount.denominator
    if whole > LARGEST:
        raise QuantityError(f"{value!r} is more than 64 bits hold ({LARGEST:,}). Maybe a unit is too large.")
    return whole


def _nearest_unit(unit: str) -> str:
    near = [known for known in _UNITS if known and known.lower().startswith(unit[:1].lower())]
    return " or ".join(sorted(near, reverse=True)) if unit and near else "GiB"
