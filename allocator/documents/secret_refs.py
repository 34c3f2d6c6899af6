"""References to secrets: where one is kept, never the secret itself. Nothing is opened here."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Annotated, Any, Final

from pydantic import PlainValidator, WithJsonSchema

from allocator.documents.words import mapping, refusal
from allocator.domain.places import SecretRef

ENV_PREFIX: Final = "ALLOCATOR_SECRET_"
"""Documents are not trusted: they name no other variable of the environment."""

_ENV_NAME = re.compile(rf"{ENV_PREFIX}[A-Z0-9_]{{1,100}}")
_SECRETIVE = re.compile(r"passw|passphrase|secret|token|credential|private_?key|api_?key", re.IGNORECASE)
_USER_INFO = re.compile(r"://[^/?#\s]*:[^/?#\s]*@")
_HINT = f"Maybe {{env: {ENV_PREFIX}...}} or {{file: /absolute/path}}."


def is_secretive(key: object) -> bool:
    """Does a key look as if a secret stood under it?"""
    return isinstance(key, str) and _SECRETIVE.search(key) is not None


def read_secret_ref(value: object, *at: str | int) -> SecretRef:
    """`{env: ALLOCATOR_SECRET_...}` or `{file: /path}`. The value is never part of the message."""
    match value:
        case {"env": str(name), **rest} if not rest:
            if _ENV_NAME.fullmatch(name) is None:
                raise refusal(f"A secret's variable must begin with {ENV_PREFIX}.", _HINT, *at, "env")
            return SecretRef("env", name)
        case {"file": str(name), **rest} if not rest:
            path = PurePosixPath(name)
            if not path.is_absolute() or ".." in path.parts or not name.isprintable() or len(name) > 4096:
                raise refusal("A secret's file must be an absolute path without `..`.", _HINT, *at, "file")
            return SecretRef("file", name)
    raise refusal("A secret is referred to, never written here.", _HINT, *at)


def read_config(value: object) -> dict[str, Any]:
    """A driver's settings, with every `{env: ...}` and `{file: ...}` turned into a reference."""
    return {key: _setting(key, child, (key,)) for key, child in mapping(value).items()}


def refuse_secret(key: str, value: object, *at: str | int) -> None:
    """Refuse a plain value under a key that looks secret, and an address with a password in it."""
    if is_secretive(key) and value is not None and not isinstance(value, bool):
        raise refusal("A secret is referred to, never written here.", _HINT, *at)
    if isinstance(value, str) and _USER_INFO.search(value):
        raise refusal("An address must not carry a password.", f"Maybe give it as a key of its own: {_HINT[6:]}", *at)


def _setting(key: str, value: object, at: tuple[str | int, ...]) -> object:
    if isinstance(value, dict):
        if set(value) in ({"env"}, {"file"}):
            return read_secret_ref(value, *at)
        return {
            inner: _setting(inner if is_secretive(inner) else key, child, (*at, inner))
            for inner, child in mapping(value, *at).items()
        }
    if isinstance(value, list):
        return [_setting(key, child, (*at, position)) for position, child in enumerate(value)]
    refuse_secret(key, value, *at)
    return value


Secret = Annotated[
    SecretRef,
    PlainValidator(read_secret_ref),
    WithJsonSchema(
        {
            "type": "object",
            "minProperties": 1,
            "maxProperties": 1,
            "additionalProperties": False,
            "properties": {
                "env": {"type": "string", "pattern": f"^{ENV_PREFIX}[A-Z0-9_]+$"},
                "file": {"type": "string", "pattern": "^/"},
            },
        }
    ),
]
Config = Annotated[dict[str, Any], PlainValidator(read_config), WithJsonSchema({"type": "object"})]
