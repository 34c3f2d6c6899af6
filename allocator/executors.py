"""Executors by name: what the command line and the bench have a batch solved on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Final, NamedTuple

from allocator.solver.spreading.processes import Processes

NAMES: Final = "threads:2, processes:2, dask or dask://HOST:PORT"
MOST_WORKERS: Final = 1_000
LOCAL_WORKERS: Final = 2


class Opened(NamedTuple):
    """An executor, and how many calls it runs at a time: what belongs in `Effort.workers`."""

    executor: Executor
    workers: int


@contextmanager
def open_executor(name: str) -> Iterator[Opened]:
    """`threads:N`, `processes:N`, `dask` (a cluster of two processes, on this machine and reached from nowhere else)
    or the `dask://HOST:PORT` of a scheduler.

    A cluster's TLS is what Dask's configuration says (https://distributed.dask.org/en/stable/tls.html): where it
    requires encryption the scheduler is called by tls, else by tcp. Leaving ends whatever was started here. Raises
    LookupError for a name that means nothing, a package that is missing, and a cluster that does not answer.
    """
    kind, _, number = name.partition(":")
    if name == "dask":
        with _local_dask() as opened:
            yield opened
    elif address := re.fullmatch(r"dask://([^/\s]+:\d{1,5})", name):
        with _dask_at(address[1]) as opened:
            yield opened
    elif kind in ("threads", "processes") and re.fullmatch(r"[0-9]{1,4}", number) and 0 < int(number) <= MOST_WORKERS:
        with ThreadPoolExecutor(int(number)) if kind == "threads" else Processes(int(number)) as executor:
            yield Opened(executor, int(number))
    else:
        raise LookupError(f"There is no executor {name!r}. Maybe {NAMES}.")


@contextmanager
def _local_dask() -> Iterator[Opened]:
    _find_dask()
    from distributed import Client, LocalCluster

    with (
        LocalCluster(
            n_workers=LOCAL_WORKERS,
            threads_per_worker=1,
            host="127.0.0.1",
            # Even without a dashboard the scheduler answers HTTP: at any free port, instead of at a fixed one.
            dashboard_address="127.0.0.1:0",
            scheduler_kwargs={"dashboard": False},
        ) as cluster,
        Client(cluster) as client,
    ):
        yield Opened(client.get_executor(), LOCAL_WORKERS)


@contextmanager
def _dask_at(address: str) -> Iterator[Opened]:
    _find_dask()
    import dask
    from distributed import Client

    scheme = "tls" if dask.config.get("distributed.comm.require-encryption") else "tcp"
    try:
        client = Client(f"{scheme}://{address}")
    except (OSError, TypeError, ValueError) as error:
        raise LookupError(
            f"No Dask scheduler answers at {scheme}://{address}: {error}. Maybe start one with `dask scheduler`."
        ) from error
    with client:
        workers = sum(client.nthreads().values())
        if not workers:
            raise LookupError(f"The Dask scheduler at {address} has no workers. Maybe start some with `dask worker`.")
        yield Opened(client.get_executor(), workers)


def _find_dask() -> None:
    try:
        import distributed  # noqa: F401
    except ModuleNotFoundError as error:
        raise LookupError(
            "Executor dask needs Dask.distributed. Maybe pip install 'volume-allocator[dask]'."
        ) from error
