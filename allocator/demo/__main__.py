"""`python -m allocator.demo`."""

from __future__ import annotations

import sys

from allocator.demo import main

if __name__ == "__main__":
    sys.exit(main("--json" in sys.argv[1:]))
