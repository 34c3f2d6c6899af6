"""Cinder's own FilterScheduler, driven in this process by the Python of Cinder's environment.

It knows nothing of ours: one JSON object comes on standard input, one goes to standard output (`cinder_run.py` has
both shapes). What stands in for the rest of a cloud is only what the scheduler would reach over a network: the rows
of the services table, the write of the volume's row, and the cast to cinder-volume. Its log is off.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import time
import uuid
from contextlib import suppress
from datetime import timedelta
from importlib.metadata import version
from typing import Any

from cinder import context, exception, objects
from cinder.db import api, models
from oslo_config import cfg
from oslo_utils import timeutils

objects.register_all()  # the modules below name objects while they load

from cinder.scheduler import driver, filter_scheduler, host_manager  # noqa: E402
from cinder.volume import rpcapi  # noqa: E402


class Casts:
    """In place of the RPC client."""

    def create_volume(self, *words: object, **named: object) -> None:
        """The message would go out here."""


class Cloud:
    """Services that report their pools, and the scheduler that has heard them."""

    def __init__(self, services: list[dict[str, Any]], filters: list[str], weighers: list[str]) -> None:
        cfg.CONF([], project="cinder", default_config_files=[])
        cfg.CONF.set_override("scheduler_default_filters", filters)
        cfg.CONF.set_override("scheduler_default_weighers", weighers)
        rows = [_row(number, service) for number, service in enumerate(services)]
        api.service_get_all = lambda *words, **named: rows
        driver.volume_update_db = _updated
        rpcapi.VolumeAPI = Casts
        host_manager.HostManager.get_usage_and_notify = _unheard
        self.pools = {
            f"{service['host']}#{pool['pool_name']}": (service, pool)
            for service in services
            for pool in service["pools"]
        }
        self.scheduler = filter_scheduler.FilterScheduler()
        for service in services:
            self.report(service)
        self.scheduler.host_manager.get_all_backend_states(context.get_admin_context())

    def report(self, service: dict[str, Any]) -> None:
        """What cinder-volume casts to the schedulers every minute: copies, since the scheduler writes into them."""
        name = service["host"]
        stated = {"volume_backend_name": name.partition("@")[2], "vendor_name": "bench", "driver_version": "1"}
        told = {**stated, "pools": [dict(pool) for pool in service["pools"]]}
        self.scheduler.update_service_capabilities("volume", name, told, None, timeutils.utcnow())
        self.scheduler.notify_service_capabilities("volume", name, told, timeutils.utcnow())

    def place(self, asked: dict[str, Any]) -> tuple[str | None, int]:
        """Where the volume went (None: no valid back end), and the microseconds of CPU that this took."""
        request, volume = _request(asked)
        requester = context.RequestContext("bench", "bench")
        started = time.process_time_ns()
        with suppress(exception.NoValidBackend):
            self.scheduler.schedule_create_volume(requester, request, {})
        return volume.host, (time.process_time_ns() - started) // 1000

    def charge(self, place: str, asked: dict[str, Any]) -> dict[str, Any]:
        """Count a volume in what its service will report next; the service."""
        service, pool = self.pools[place]
        pool["allocated_capacity_gb"] += asked["size"]
        pool["provisioned_capacity_gb"] += asked["size"]
        pool["free_capacity_gb"] -= asked["size"]
        pool["free_iops"] -= int(asked["qos"]["minIOPS"])
        return service


def main() -> None:
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # nothing that a library prints may break the answer
    logging.disable(logging.CRITICAL)
    work = json.load(sys.stdin)
    cloud = Cloud(work["services"], work["filters"], work["weighers"])
    for asked in work["warm"]:
        cloud.place(asked)
    places, cpu_us, unreported = [], [], {}
    for number, asked in enumerate(work["requests"], start=1):
        place, took_us = cloud.place(asked)
        places.append(place)
        cpu_us.append(took_us)
        if work["report_every"] and place is not None:
            service = cloud.charge(place, asked)
            unreported[service["host"]] = service
        if work["report_every"] and number % work["report_every"] == 0:
            for service in unreported.values():
                cloud.report(service)
            unreported.clear()
    json.dump({"version": version("cinder"), "places": places, "cpu_us": cpu_us}, answers)
    answers.close()


def _row(number: int, service: dict[str, Any]) -> Any:
    """A row of the services table, as the database layer gives it, of a service that never misses its heartbeat."""
    now = timeutils.utcnow()
    return models.Service(
        id=number + 1,
        uuid=str(uuid.UUID(int=number + 1)),
        host=service["host"],
        binary="cinder-volume",
        topic="cinder-volume",
        availability_zone=service["zone"],
        disabled=False,
        frozen=False,
        deleted=False,
        report_count=1,
        replication_status="disabled",
        created_at=now,
        updated_at=now + timedelta(days=1),
    )


def _request(asked: dict[str, Any]) -> tuple[Any, Any]:
    """A request and its volume as cinder-api casts them: versioned objects, with extra specs and QoS of the type."""
    zones = [asked["zone"]] if asked["zone"] else []
    volume_id, type_id = str(uuid.uuid4()), str(uuid.uuid5(uuid.NAMESPACE_OID, asked["type"]))
    common = {
        "size": asked["size"],
        "availability_zone": asked["zone"],
        "status": "creating",
        "attach_status": "detached",
        "display_name": asked["name"],
        "project_id": "bench",
        "user_id": "bench",
        "volume_type_id": type_id,
    }
    unset = dict.fromkeys(set(objects.Volume.fields) - set(objects.Volume.OPTIONAL_FIELDS))
    told = {"id": volume_id, "use_quota": True, "metadata": {}, "admin_metadata": {}, "glance_metadata": {}}
    volume = objects.Volume(**unset | told | common)
    kind = objects.VolumeType(
        id=type_id, name=asked["type"], is_public=True, projects=[], extra_specs=asked["extra_specs"]
    )
    properties = objects.VolumeProperties(**common, metadata={}, qos_specs=asked["qos"])
    request = objects.RequestSpec(
        volume_id=volume_id,
        volume=volume,
        volume_type=kind,
        volume_properties=properties,
        availability_zones=zones,
        image_id=None,
        snapshot_id=None,
        source_volid=None,
        group_id=None,
        backup_id=None,
        operation="create_volume",
    )
    return request, volume


def _updated(requester: object, volume_id: str, host: str, *words: object, volume: Any, **named: object) -> Any:
    """The volume's row, were it written."""
    volume.host = host
    return volume


def _unheard(*words: object) -> None:
    """The notification for ceilometer would go out here."""


if __name__ == "__main__":
    main()
