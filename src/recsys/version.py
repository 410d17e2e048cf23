"""The version, for whoever writes it down: the package itself is the last to be imported from."""

__version__ = "0.2.0"
