"""Ratings of which each rank of a job holds a part."""
