"""Which commands there are: one line each."""

from __future__ import annotations

from typing import NamedTuple

TRAIN, ASK, MEASURE, LOOK, KEEP = "Train", "Ask", "Measure", "Look inside", "Runs and configs"  # panels of the help


class Command(NamedTuple):
    """A command, known without importing its module.

    Attributes:
        panel: where the help lists it.
        help: one sentence; the docstring of the function says the rest, such as an example.
        target: "module:name" of the function, or of a Typer with commands of its own.
        takes_ids: whether its arguments are raw ids, which may look like options.
    """

    name: str
    panel: str
    help: str
    target: str
    takes_ids: bool = False


COMMANDS = (
    Command(
        "init",
        TRAIN,
        "Look at a ratings file, say what is in it, and write a config for it.",
        "recsys.cli.init:init",
    ),
    Command("train", TRAIN, "Train a model and write a run.", "recsys.cli.train:train"),
    Command(
        "finetune",
        TRAIN,
        "Train on new ratings, from another run's parameters.",
        "recsys.cli.finetune:finetune",
    ),
    Command(
        "update",
        TRAIN,
        "Train a run on with new ratings, and say how good it was before and after on new and old ones.",
        "recsys.cli.finetune:update",
    ),
    Command(
        "fold-in",
        TRAIN,
        "Give new users and items rows of their own without training, as a new run.",
        "recsys.cli.fold_in:fold_in",
    ),
    Command(
        "tune",
        TRAIN,
        "Look for better hyperparameters on valid, and write a config with them.",
        "recsys.cli.tune:tune",
    ),
    Command(
        "lr-find",
        TRAIN,
        "Suggest a learning rate: train while it rises, and watch the loss.",
        "recsys.cli.lr_find:lr_find",
    ),
    Command("predict", ASK, "Predict a rating, and show its parts.", "recsys.cli.predict:predict", takes_ids=True),
    Command(
        "recommend",
        ASK,
        "List the items that a user would rate highest, of those not rated yet.",
        "recsys.cli.recommend:recommend",
        takes_ids=True,
    ),
    Command(
        "similar",
        ASK,
        "List the items that the model takes to be most like an item.",
        "recsys.cli.similar:similar",
        takes_ids=True,
    ),
    Command(
        "explain",
        ASK,
        "Say where a prediction comes from: its parts, and the user's own ratings behind them.",
        "recsys.cli.explain:explain",
        takes_ids=True,
    ),
    Command(
        "export-factors",
        ASK,
        "Write factors and biases with raw ids, for other programs.",
        "recsys.cli.export:export_factors",
    ),
    Command(
        "evaluate",
        MEASURE,
        "Measure a run beside the baselines: its predictions, and how well it ranks.",
        "recsys.cli.evaluate:evaluate",
    ),
    Command(
        "cross-validate",
        MEASURE,
        "Train and measure on each of several folds, beside the baselines.",
        "recsys.cli.cross_validate:cross_validate",
    ),
    Command(
        "compare",
        MEASURE,
        "Compare runs on the same test ratings, and say whether they really differ.",
        "recsys.cli.compare:compare",
    ),
    Command(
        "interpret",
        LOOK,
        "Read what a model has learned: biases, and the main directions of taste.",
        "recsys.cli.interpret:interpret",
    ),
    Command(
        "report",
        LOOK,
        "Write one HTML page on a run: how good it is, where it errs, what it has learned.",
        "recsys.cli.report:report",
    ),
    Command(
        "inspect",
        LOOK,
        "Show what a run or a checkpoint holds, or the layers of its model.",
        "recsys.cli.runs:inspect",
    ),
    Command("runs", KEEP, "List the runs under runs/ (or $RECSYS_RUNS), oldest first.", "recsys.cli.runs:runs"),
    Command("promote", KEEP, "Choose the run that answers when none is named.", "recsys.cli.promote:promote"),
    Command("config", KEEP, "Check a config, show it resolved, or list all keys.", "recsys.cli.config:app"),
)
