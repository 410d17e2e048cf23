"""Checks that a change leaves every bit of every result as it was at a base commit: `python -m golden BASE`."""
