"""`python -m tapeline` is the command `tapeline`."""

from __future__ import annotations

import sys

from tapeline.cli.app import main

sys.exit(main())
