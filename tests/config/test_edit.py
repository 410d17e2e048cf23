from __future__ import annotations

from pathlib import Path

import pytest

from recsys.config.loading.edit import edited_config
from recsys.config.loading.load import load_config, parse_config

COMMENTED = """\
# my ratings
data:
  ratings: ../data/r.csv  # half stars
  items: movies.csv

model:
  embedding_dim: 64  # as in the paper

training:
  n_epochs: 20
  # lr_max: auto  # Highest learning rate
  # keep: last

# the last
seed: 7
"""


@pytest.mark.parametrize(
    ("overrides", "lines"),
    [
        (
            ["model.embedding_dim=32"],
            {"  embedding_dim: 64  # as in the paper": "  embedding_dim: 32  # as in the paper"},
        ),
        (
            ["training.lr_max=0.1", "training.keep=best"],
            {
                "  # lr_max: auto  # Highest learning rate": "  lr_max: 0.1  # Highest learning rate",
                "  # keep: last": "  keep: best",
            },
        ),
        (["training.freeze=[items]"], {"  n_epochs: 20": "  n_epochs: 20\n  freeze: [items]"}),
        (
            ["split.method=time", "split.test_fraction=0.2"],
            {"seed: 7": "seed: 7\nsplit: {method: time, test_fraction: 0.2}"},
        ),
        (["data.items=null"], {"  items: movies.csv": "  items: null"}),
        (["seed=8"], {"seed: 7": "seed: 8"}),
        ([], {}),
    ],
)
def test_values_change_and_comments_stay(tmp_path: Path, overrides: list[str], lines: dict[str, str]) -> None:
    source = tmp_path / "config.yaml"
    source.write_text(COMMENTED)
    expected = "\n".join(lines.get(line, line) for line in COMMENTED.split("\n"))
    assert edited_config(source, load_config(source, overrides), tmp_path / "tuned.yaml") == expected


def test_relative_paths_are_seen_from_the_new_folder(tmp_path: Path) -> None:
    source = tmp_path / "configs" / "config.yaml"
    source.parent.mkdir()
    source.write_text(COMMENTED)
    text = edited_config(source, load_config(source, ["seed=8"]), tmp_path / "tuned.yaml")
    assert text.splitlines()[2:4] == ["  ratings: data/r.csv  # half stars", "  items: configs/movies.csv"]
    source.write_text(COMMENTED.replace("../data/r.csv", "/else/r.csv"))
    assert "ratings: /else/r.csv" in edited_config(source, load_config(source), tmp_path / "tuned.yaml")


@pytest.mark.parametrize(
    "text",
    [
        "data: {ratings: r.csv}\ntraining: {n_epochs: 5}\n",
        "{data: {ratings: r.csv}}",
        "data: {ratings: r.csv}\ntraining:",
        "data: {ratings: r.csv}\ntraining:  # none yet\nmodel:\n  y_range:\n",
        "data: {ratings: r.csv}\r\nmodel:\r\n  embedding_dim: 3\r\n",
        "data: &here\n  ratings: |\n    r.csv\ntraining:\n  freeze:\n    - items\n",
        "data: {ratings: r.csv}\ntraining: {method: adamw, batch_size: 32}\n",
        "data: \t{ratings: r.csv}\n",
    ],
)
@pytest.mark.parametrize("override", ["model.embedding_dim=9", "training.lr_max=0.07", "training={method: sgd}"])
def test_whatever_the_file_looks_like_the_values_are_right(tmp_path: Path, text: str, override: str) -> None:
    source, output = tmp_path / "config.yaml", tmp_path / "more" / "tuned.yaml"
    source.write_text(text, newline="")
    config = load_config(source, [override])
    assert parse_config(edited_config(source, config, output), output) == config
