"""``python -m durable_debug``: the command line, where its script is not on the path."""

from __future__ import annotations

import sys

from durable_debug.cli import main

sys.exit(main())
