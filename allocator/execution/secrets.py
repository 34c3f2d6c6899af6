"""Secrets: fetched at the moment of use, and kept out of every text that leaves."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from typing import Final

from allocator.domain.places import SecretRef

PREFIX: Final = "ALLOCATOR_SECRET_"
_MOST_BYTES: Final = 64 * 1024


class SecretError(Exception):
    """A secret that cannot be fetched; the text names where it should be, never what it is."""


class Secrets:
    """Fetches secrets, and remembers them only to take them out of texts."""

    def __init__(self) -> None:
        self._known: set[str] = set()

    def __repr__(self) -> str:
        return f"Secrets({len(self._known)} known)"

    def fetch(self, reference: SecretRef) -> str:
        """The secret itself. Raises SecretError where it is missing, or kept where others can read it."""
        secret = _from_environment(reference.name) if reference.kind == "env" else _from_file(reference.name)
        if not secret:
            raise SecretError(f"The secret in {reference.kind} {reference.name} is empty. Maybe set it.")
        self.remember(secret)
        return secret

    def filled(self, config: Mapping[str, object]) -> dict[str, object]:
        """A plug-in's settings with every reference in them replaced by the secret."""
        return {key: self._filled(value) for key, value in config.items()}

    def remember(self, *secrets: str) -> None:
        """Take these out of texts, too."""
        self._known.update(secret for secret in secrets if secret)

    def hidden(self, text: str) -> str:
        """The text with every known secret replaced by `***`."""
        for secret in sorted(self._known, key=len, reverse=True):
            text = text.replace(secret, "***")
        return text

    def _filled(self, value: object) -> object:
        if isinstance(value, SecretRef):
            return self.fetch(value)
        if isinstance(value, Mapping):
            return {key: self._filled(inner) for key, inner in value.items()}
        if isinstance(value, list | tuple):
            return [self._filled(inner) for inner in value]
        return value


def _from_environment(name: str) -> str:
    if not name.startswith(PREFIX):
        raise SecretError(f"{name} is no environment variable for secrets. Maybe call it {PREFIX}{name.upper()}.")
    if name not in os.environ:
        raise SecretError(f"The environment variable {name} is not set. Maybe export it first.")
    return os.environ[name]


def _from_file(name: str) -> str:
    try:
        # A pipe would block the opening without O_NONBLOCK; a link could point at anybody's file.
        descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise SecretError(
            f"Secret file {name} cannot be opened: {error.strerror}. Maybe it is missing or a link."
        ) from None
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise SecretError(f"Secret file {name} is not a regular file. Maybe the path is mistyped.")
        if found.st_mode & 0o077:
            raise SecretError(
                f"Secret file {name} has mode {stat.S_IMODE(found.st_mode):04o}: others can use it. "
                f"Maybe `chmod 600 {name}`."
            )
        content = os.read(descriptor, _MOST_BYTES + 1)
    finally:
        os.close(descriptor)
    if len(content) > _MOST_BYTES:
        raise SecretError(f"Secret file {name} has more than {_MOST_BYTES:,} bytes. Maybe it is another file.")
    try:
        return content.decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise SecretError(f"Secret file {name} is not UTF-8 text. Maybe it is another file.") from None
