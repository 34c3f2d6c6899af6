"""`python -m allocator.cli`, where the command itself is not installed."""

from __future__ import annotations

import sys

from allocator.cli import main

sys.exit(main())
