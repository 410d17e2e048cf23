"""`python -m recsys`: the command line."""

from __future__ import annotations

from recsys.cli.app import main

main()
