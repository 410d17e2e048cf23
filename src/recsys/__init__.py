"""recsys: trains a recommender from a ratings file."""

__version__ = "0.1.0"
