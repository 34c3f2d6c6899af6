"""The form of a whole document: every section and what its entries look like."""

from __future__ import annotations

from typing import Any

from pydantic import Field, ValidationError

from allocator.documents.complaints import complaint
from allocator.documents.connections import AgentEntry, DriverEntry
from allocator.documents.hosts import HostEntry
from allocator.documents.offerings import OfferingEntry
from allocator.documents.pools import PoolEntry
from allocator.documents.requests import RequestEntry, VmEntry
from allocator.documents.tenants import TenantEntry
from allocator.documents.volumes import VolumeEntry
from allocator.documents.words import Entry, Listed, Name, Version


class Document(Entry):
    """A fleet, what is asked of it and what lies on it already. Several files may each hold a part."""

    version: Version
    """Of this form."""
    drivers: dict[Name, DriverEntry] = Field(default_factory=dict)
    """Storage drivers with their settings, by name."""
    agents: dict[Name, AgentEntry] = Field(default_factory=dict)
    """Hypervisor agents with their settings, by name."""
    tenants: Listed[TenantEntry] = Field(default_factory=list)
    pools: Listed[PoolEntry] = Field(default_factory=list)
    hosts: Listed[HostEntry] = Field(default_factory=list)
    offerings: Listed[OfferingEntry] = Field(default_factory=list)
    vms: Listed[VmEntry] = Field(default_factory=list)
    requests: Listed[RequestEntry] = Field(default_factory=list)
    volumes: Listed[VolumeEntry] = Field(default_factory=list)


def checked(data: dict[str, Any]) -> Document:
    """Plain data, already merged, as a document. Raises DocumentError for the first thing wrong with it."""
    try:
        return Document.model_validate(data)
    except ValidationError as error:
        raise complaint(error, data) from None


def json_schema() -> dict[str, Any]:
    """The JSON Schema of documents (draft 2020-12), for editors and other people's tools."""
    schema = Document.model_json_schema()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "Allocator documents",
    }
