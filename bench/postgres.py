"""A PostgreSQL server of one's own: a cluster in a temporary directory, reached by a Unix socket there and no port."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import psycopg
from sqlalchemy import URL

PACKAGE: Final = "postgresql"
READY_SECONDS: Final = 30
CARELESS: Final = ("fsync=off", "full_page_writes=off")
"""What is committed outlives a crash of the server, not one of the machine."""


def binaries() -> Path | None:
    """The folder of the newest `initdb` that is installed; Debian keeps it off the PATH."""
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    found = installed[-1] if installed else shutil.which("initdb")
    return None if found is None else Path(found).resolve().parent


class Postgres:
    """A server that runs between `with` and its end; as root it runs as the user `postgres`, since it refuses root.

    The kernel kills it if the thread that started it dies first. Without `durable` a commit is not on disk when it
    returns: quick, for tests only. Raises FileNotFoundError where PostgreSQL is not installed.
    """

    def __init__(self, *, durable: bool) -> None:
        found = binaries()
        if found is None:
            raise FileNotFoundError(f"PostgreSQL is not installed. Maybe `apt-get install {PACKAGE}`.")
        self._binaries = found
        self._durable = durable
        self._folder = Path(tempfile.mkdtemp(prefix="postgres-"))
        self._process: subprocess.Popen[bytes] | None = None
        self._schemas = 0

    def __enter__(self) -> Self:
        if os.geteuid() == 0:
            shutil.chown(self._folder, "postgres")
        words = ["--auth=trust", "--no-sync", "--encoding=UTF8", "--no-locale", "--username=postgres"]
        subprocess.run(
            self._as_user([f"{self._binaries}/initdb", *words, f"{self._folder}/data"]), check=True, capture_output=True
        )
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it, and wait until it answers."""
        options = ["listen_addresses=", f"unix_socket_directories={self._folder}", "max_connections=200"]
        options += () if self._durable else CARELESS
        words = [f"{self._binaries}/postgres", "-D", f"{self._folder}/data"]
        words += [word for option in options for word in ("-c", option)]
        with open(self._folder / "log", "ab") as log:
            self._process = subprocess.Popen(
                self._as_user(words, "--pdeathsig", "KILL"), stdout=log, stderr=log, cwd=self._folder
            )
        late = time.monotonic() + READY_SECONDS
        while True:
            try:
                psycopg.connect(self._address).close()
                return
            except psycopg.OperationalError:
                if self._process.poll() is not None or time.monotonic() > late:
                    raise RuntimeError((self._folder / "log").read_text()) from None
                time.sleep(0.02)

    def stop(self, *, crash: bool = False) -> None:
        """Stop it: whoever is connected is thrown out. After a `crash` it recovers when it starts."""
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT if crash else signal.SIGINT)
            self._process.wait()
            self._process = None

    def empty(self) -> str:
        """The URL of a new and empty schema, which knows of no other."""
        self._schemas += 1
        name = f"empty_{self._schemas}"
        with psycopg.connect(self._address, autocommit=True) as connection:
            connection.execute(f"CREATE SCHEMA {name}".encode())
        query = {"host": str(self._folder), "options": f"-csearch_path={name}"}
        return URL.create("postgresql", "postgres", database="postgres", query=query).render_as_string()

    @property
    def _address(self) -> str:
        return f"host={self._folder} user=postgres dbname=postgres"

    def _as_user(self, words: list[str], *options: str) -> list[str]:
        user = ["--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.geteuid() == 0 else []
        return ["setpriv", *user, *options, *words]
