"""Text of others, made safe to show."""

from __future__ import annotations


def printable(text: str) -> str:
    """Text from outside in one line: what could steer a terminal, or turn text around, is escaped."""
    return "".join(
        sign if sign.isprintable() else sign.encode("unicode_escape", "surrogatepass").decode() for sign in text
    )
