"""Copying and comparing volumes that nobody uses, by qemu-img, which reads and writes whatever QEMU can open."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Final

from allocator.agent import Copying, DriverError, ErrorCode, Side
from drivers.hypervisor.qemu_source import parse

_SAID_CHARACTERS: Final = 400
_DIFFERENT: Final = 1
"""What `qemu-img compare` ends with where the images differ; 2 and above are errors."""


async def copy(copying: Copying) -> None:
    """Write all of the source to the target. Raises DriverError UNAVAILABLE where either cannot be read or written.

    The copy dies with this process: two of them never write at once for long.
    """
    code, said = await _run(copying, ["convert", "-n"], "--target-image-opts")
    if code:
        raise _failed("copy", copying, said)


async def compare(copying: Copying) -> None:
    """Raises DriverError CONFLICT where the volumes differ; what the target has beyond the source must be zero."""
    code, said = await _run(copying, ["compare"])
    if code == _DIFFERENT:
        raise DriverError(ErrorCode.CONFLICT, f"{copying.device}: the copy differs: {said} Maybe copy it again.")
    if code:
        raise _failed("compare", copying, said)


async def _run(copying: Copying, command: Sequence[str], *options: str) -> tuple[int, str]:
    """Run qemu-img on both volumes; its exit code and what it said, in one line."""
    with ExitStack() as held:
        images, secrets, pipes = [], [], []
        for name, side in (("source", copying.source), ("target", copying.target)):
            parsed = parse(side.access, side.initiator, name)
            images.append(_options({"driver": "raw", "file": parsed.options}))
            if parsed.secret is not None:
                # Other users see command lines, and none of them a pipe.
                pipes.append(held.enter_context(_pipe(parsed.secret)))
                secrets += ["--object", f"secret,id={name},file=/dev/fd/{pipes[-1]}"]
        # setpriv: util-linux, like the kernel's own clean-up after a parent that was killed.
        arguments = ["--pdeathsig", "KILL", "qemu-img", *command, *secrets, "--image-opts", *options, *images]
        try:
            process = await asyncio.create_subprocess_exec(
                "setpriv",
                *arguments,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                pass_fds=pipes,
            )
        except FileNotFoundError as error:
            text = f"{error.filename} is not installed. Maybe install qemu-utils and util-linux on this host."
            raise DriverError(ErrorCode.UNSUPPORTED, text) from error
        try:
            said, _ = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
    assert process.returncode is not None, "it has been waited for"
    return process.returncode, _printable(said.decode(errors="replace"))


@contextmanager
def _pipe(secret: str) -> Iterator[int]:
    """The reading end of a pipe that holds a secret."""
    reading, writing = os.pipe()
    try:
        os.write(writing, secret.encode())
        os.close(writing)
        yield reading
    finally:
        os.close(reading)


def _options(options: Mapping[str, object]) -> str:
    """Nested options in QEMU's comma notation: `driver=raw,file.driver=file,...`."""
    return ",".join(f"{key}={str(value).replace(',', ',,')}" for key, value in _flat(options))


def _flat(options: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, object]]:
    for key, value in options.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _failed(what: str, copying: Copying, said: str) -> DriverError:
    between = f"{_uri(copying.source)} to {_uri(copying.target)}"
    return DriverError(
        ErrorCode.UNAVAILABLE,
        f"{copying.device}: qemu-img cannot {what} {between}: {said} Maybe one of them is out of reach.",
    )


def _uri(side: Side) -> str:
    return side.access.uri


def _printable(text: str) -> str:
    line = "".join(sign if sign.isprintable() else " " for sign in text[-_SAID_CHARACTERS:]).strip()
    return line if line.endswith(".") else f"{line}."
