"""What tuning tries with gibbs, which draws all else."""

from __future__ import annotations

from recsys.config.space import Range, Space

FACTORS: Space = {"model.embedding_dim": Range(4, 64, log=True)}
