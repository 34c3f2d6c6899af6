"""What commands have told as JSON, read strictly for what a page shows of it; the rest is left aside."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Told(BaseModel):
    """Whole numbers are whole, and nothing that a page shows may be missing."""

    model_config = ConfigDict(strict=True, frozen=True)
