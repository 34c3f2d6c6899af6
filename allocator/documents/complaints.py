"""What pydantic found wrong, in this project's words: one thing, with its path and a hint."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any, Final

from pydantic import ValidationError

from allocator.documents.errors import DocumentError, Path, named, nearest, shown
from allocator.documents.secret_refs import is_secretive
from allocator.documents.words import FORMS

_MARKS: Final = ("[key]", "<one>", "<several>")
"""What pydantic puts into a path that is no key or position of the data."""


def complaint(error: ValidationError, data: object) -> DocumentError:
    """The first thing wrong with `data`. Values under keys that look secret are not shown."""
    first: Any = error.errors(include_url=False)[0]
    context = first.get("ctx", {})
    path: Path = tuple(segment for segment in first["loc"] if segment not in _MARKS) + tuple(context.get("at", ()))
    if first["type"] == "refused":
        message, hint = context["message"], context["hint"]
    else:
        value = "The value" if any(is_secretive(segment) for segment in path) else shown(first["input"])
        message, hint = _words(first["type"], value, first["input"], context, str(path[-1]) if path else "")
    return DocumentError(message, hint, named(path, data))


def _words(kind: str, value: str, given: object, context: dict[str, Any], key: str) -> tuple[str, str]:
    match kind:
        case "missing":
            return "It is missing.", f"Maybe add `{key}: {'1' if key == 'version' else '...'}`."
        case "string_pattern_mismatch":
            form = FORMS[context["pattern"]]
            return f"{value} is not {form.what}.", form.hint
        case "string_type":
            return f"{value} is not text.", "Maybe put it in quotes."
        case "int_type":
            return f"{value} is not a whole number.", _whole_number(given)
        case "bool_type":
            return f"{value} is neither true nor false.", "Maybe write true or false, without quotes."
        case "literal_error":
            choices = re.findall(r"'([^']*)'", context["expected"]) or [context["expected"]]
            return f"{value} is none of {', '.join(choices)}.", nearest(str(given), choices, f"Maybe {choices[0]}.")
        case "greater_than_equal":
            return f"{value} is below the least, {context['ge']:,}.", f"Maybe {context['ge']:,} or more."
        case "less_than_equal":
            return f"{value} is above the most, {context['le']:,}.", f"Maybe {context['le']:,} or less."
        case "list_type":
            return f"{value} is not a list.", "Maybe put it in square brackets."
        case "too_short":
            return "The list is empty.", "Maybe leave the key out."
        case "dict_type" | "model_type" | "model_attributes_type":
            return f"{value} is not a mapping of keys to values.", "Maybe write it like {key: value}."
        case _:
            return f"{value} is not right here.", "Maybe look at the output of `allocator schema`."


def _whole_number(given: object) -> str:
    if isinstance(given, Decimal) and given.is_finite() and abs(given) < 10**18:
        return f"Maybe {int(given)}."
    digits = re.sub(r"[_,' ]", "", given) if isinstance(given, str) and len(given) < 40 else ""
    return f"Maybe {digits}." if digits.isascii() and digits.isdigit() else "Maybe write digits only, like 4000."
