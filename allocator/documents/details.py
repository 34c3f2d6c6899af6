"""Vendor key/values: plain, grouped by driver in offerings and requests, checked by its manifest (R14)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import PlainValidator, WithJsonSchema

from allocator.documents.errors import DocumentError, Path, nearest, shown
from allocator.documents.manifests import plugin_manifest, unknown_plugin
from allocator.documents.secret_refs import refuse_secret
from allocator.documents.words import mapping, refusal
from allocator.domain.manifest import DetailKey
from allocator.domain.request import Details, Scalar
from allocator.domain.sizes import LARGEST

_SCALAR = {"type": ["string", "integer", "boolean"]}


def read_details(value: object, *at: str) -> dict[str, Scalar]:
    """A mapping of keys to printable text, whole numbers or booleans, none of which may be a secret."""
    details = mapping(value, *at)
    for key, found in details.items():
        refuse_secret(key, found, *at, key)
        text = isinstance(found, str) and len(found) <= 1024 and found.isprintable()
        if not text and not (isinstance(found, int) and abs(found) <= LARGEST):
            hint = "Maybe use printable text, a whole number, true or false; put a decimal in quotes."
            raise refusal(f"{shown(found)} is not a plain value.", hint, *at, key)
    return details


def read_groups(value: object) -> dict[str, dict[str, Scalar]]:
    """`{driver: {key: value}}`."""
    return {driver: read_details(keys, driver) for driver, keys in mapping(value).items()}


DetailValues = Annotated[
    dict[str, Any],
    PlainValidator(read_details),
    WithJsonSchema({"type": "object", "additionalProperties": _SCALAR}),
]
DetailGroups = Annotated[
    dict[str, dict[str, Any]],
    PlainValidator(read_groups),
    WithJsonSchema({"type": "object", "additionalProperties": {"type": "object", "additionalProperties": _SCALAR}}),
]


def grouped(details: Mapping[str, Mapping[str, Scalar]] | None) -> Details:
    """The sorted tuples that a request keeps."""
    return tuple((driver, tuple(sorted(keys.items()))) for driver, keys in sorted((details or {}).items()))


def check_details(details: Mapping[str, Mapping[str, Scalar]] | None, path: Path) -> None:
    """Check each key by the manifest of its driver, whether or not a pool has that driver; DocumentError."""
    for driver, keys in (details or {}).items():
        manifest = plugin_manifest("driver", driver)
        if manifest is None:
            raise unknown_plugin("driver", driver, (*path, driver))
        for key, value in keys.items():
            known = manifest.details.get(key)
            if known is None:
                hint = nearest(
                    key,
                    manifest.details,
                    f"Maybe one of: {', '.join(manifest.details) or 'none, it takes no keys'}.",
                )
                raise DocumentError(f"Driver {driver} has no detail {shown(key)}.", hint, (*path, driver, key))
            _check_value(driver, known, value, (*path, driver, key))


def _check_value(driver: str, known: DetailKey, value: Scalar, path: Path) -> None:
    types = {"string": str, "integer": int, "boolean": bool}
    if type(value) is not types[known.type]:
        article = "an" if known.type == "integer" else "a"
        raise DocumentError(
            f"Driver {driver} takes {article} {known.type} here, not {shown(value)}.",
            f"Maybe remove or add quotes, so that it is {article} {known.type}.",
            path,
        )
    if known.choices and value not in known.choices:
        choices = [str(choice) for choice in known.choices]
        raise DocumentError(
            f"Driver {driver} does not take {shown(value)} here.",
            nearest(str(value), choices, f"Maybe one of {', '.join(choices)}."),
            path,
        )
