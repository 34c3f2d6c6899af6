"""Documents: YAML, which nobody trusts, to facts and requests; and volumes back to documents."""

from __future__ import annotations

from allocator.documents.build import World, build, load
from allocator.documents.errors import DocumentError
from allocator.documents.form import json_schema
from allocator.documents.merge import merge
from allocator.documents.writing import volume_document

__all__ = ["World", "load", "build", "merge", "DocumentError", "volume_document", "json_schema"]
