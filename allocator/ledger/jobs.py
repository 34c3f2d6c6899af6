"""Jobs of which one may run at a time, whoever starts them: a row with a lease, as a running plan has one."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Connection, delete, insert, select

from allocator.ledger.errors import JobBusy
from allocator.ledger.tables import job


def begin(
    connection: Connection, name: str, owner: str, now: int, lease_seconds: int, alive: Callable[[str], bool]
) -> int:
    """Take the right to run a job: from nobody, from one whose lease is over or who is known to be gone.

    Gives the fence that `end` needs. Raises JobBusy.
    """
    row = connection.execute(select(job).where(job.c.name == name)).one_or_none()
    if row is not None and row.lease_until > now and alive(row.owner):
        raise JobBusy(
            f"A {name} is being run by {row.owner}, whose lease lasts {row.lease_until - now} s more. "
            "Maybe wait for it."
        )
    fence = 1 if row is None else int(row.fence) + 1
    connection.execute(delete(job).where(job.c.name == name))
    connection.execute(insert(job).values(name=name, owner=owner, fence=fence, lease_until=now + lease_seconds))
    return fence


def end(connection: Connection, name: str, fence: int) -> None:
    """Give the right back; nothing happens where somebody else has taken it over meanwhile."""
    mine = (job.c.name == name) & (job.c.fence == fence)
    connection.execute(job.update().where(mine).values(lease_until=0))
