"""Several documents as one: lists merge by name, mappings deeply; what is later wins, null takes away."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from allocator.documents.errors import NAMED_LISTS, DocumentError, Path, named, shown

Data = dict[str, Any]


def merge(*documents: Mapping[str, Any]) -> Data:
    """One document of all, in the order given. The documents given are not changed.

    Null takes a key away, as in RFC 7396; a section that is null says nothing. Raises DocumentError where one
    document gives a name twice.
    """
    merged: Data = {}
    for document in documents:
        pair = twins(document)
        if pair is not None:
            raise DocumentError("The name is given twice.", "Maybe rename one of them.", named(pair[1], document))
        for section, value in document.items():
            if value is None:
                continue
            if section == "version" and section in merged and merged[section] != value:
                raise DocumentError(f"It differs from {shown(merged[section])}.", "Maybe version: 1.", (section,))
            if section in NAMED_LISTS and isinstance(value, list):
                merged[section] = _merged_list(section, merged.get(section), value)
            else:
                merged[section] = _patched(merged.get(section), value)
    return merged


def twins(document: Mapping[str, Any]) -> tuple[Path, Path] | None:
    """The paths of the first two equal names in one list of a document."""
    for section in NAMED_LISTS:
        entries = document.get(section)
        seen: dict[object, int] = {}
        for position, entry in enumerate(entries if isinstance(entries, list) else ()):
            first = seen.setdefault(_name(entry, position), position)
            if first != position:
                return (section, first, "name"), (section, position, "name")
    return None


def _merged_list(section: str, old: object, new: list[Any]) -> list[Any]:
    entries = {_name(entry, position): entry for position, entry in enumerate(old if isinstance(old, list) else ())}
    for position, entry in enumerate(new):
        name = _name(entry, -1 - position)
        before = entries.get(name)
        if before is not None and section in ("pools", "hosts"):
            before, entry = _spelled_out(before), _spelled_out(entry)
        entries[name] = _patched(before, entry)
    return list(entries.values())


def _name(entry: object, otherwise: int) -> object:
    name = entry.get("name") if isinstance(entry, dict) else None
    return name if isinstance(name, str) else otherwise


def _spelled_out(place: Data) -> Data:
    """A pool or host with bare amounts as totals, so that a total and a factor from two files meet."""

    def amounts(values: Data, keys: Any) -> Data:
        return {
            key: {"total": value} if key in keys and value is not None and not isinstance(value, dict) else value
            for key, value in values.items()
        }

    spelled = amounts(place, ("capacity", "iops", "bandwidth"))
    resources = spelled.get("resources")
    if isinstance(resources, dict):
        spelled["resources"] = amounts(resources, resources)
    return spelled


def _patched(old: object, new: object) -> object:
    if not isinstance(new, dict):
        return new
    patched = dict(old) if isinstance(old, dict) else {}
    for key, value in new.items():
        if value is None:
            patched.pop(key, None)
        else:
            patched[key] = _patched(patched.get(key), value)
    return patched
