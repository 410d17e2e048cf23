"""Which commands there are: one line each."""

from __future__ import annotations

from typing import NamedTuple

TRAIN, PREDICT, EVALUATE = "Train", "Predict and recommend", "Evaluate"  # panels of the help
UNDERSTAND, MANAGE = "Understand a model", "Runs and configs"


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
        "Profile a ratings file and write a config for it.",
        "recsys.cli.init:init",
    ),
    Command("sample", TRAIN, "Write synthetic ratings to try recsys on.", "recsys.cli.sample:sample"),
    Command(
        "prepare",
        TRAIN,
        "Read, split and sort ratings once, for repeated and large trainings.",
        "recsys.cli.prepare:prepare",
    ),
    Command("train", TRAIN, "Train a model and write a run.", "recsys.cli.train:train"),
    Command(
        "finetune",
        TRAIN,
        "Train on new ratings, starting from the parameters of a run.",
        "recsys.cli.finetune:finetune",
    ),
    Command(
        "update",
        TRAIN,
        "Continue training a run on new ratings, and compare its accuracy before and after.",
        "recsys.cli.finetune:update",
    ),
    Command(
        "fold-in",
        TRAIN,
        "Add new users and items to a model without training, as a new run.",
        "recsys.cli.fold_in:fold_in",
    ),
    Command(
        "tune",
        TRAIN,
        "Search for better hyperparameters on the validation set, and write a config with them.",
        "recsys.cli.tune:tune",
    ),
    Command(
        "lr-find",
        TRAIN,
        "Suggest a learning rate: train with a rising one and record the loss.",
        "recsys.cli.lr_find:lr_find",
    ),
    Command("predict", PREDICT, "Predict a rating and show its parts.", "recsys.cli.predict:predict", takes_ids=True),
    Command(
        "recommend",
        PREDICT,
        "List the items that a user would most likely choose and has not rated yet.",
        "recsys.cli.recommend:recommend",
        takes_ids=True,
    ),
    Command("items", PREDICT, "Find items by their titles.", "recsys.cli.items:items"),
    Command(
        "similar",
        PREDICT,
        "List the items most similar to an item.",
        "recsys.cli.similar:similar",
        takes_ids=True,
    ),
    Command(
        "explain",
        PREDICT,
        "Explain a prediction or a recommendation by the user's own ratings.",
        "recsys.cli.explain:explain",
        takes_ids=True,
    ),
    Command(
        "export-factors",
        PREDICT,
        "Export factors and biases with raw ids, for other programs.",
        "recsys.cli.export:export_factors",
    ),
    Command(
        "evaluate",
        EVALUATE,
        "Evaluate the predictions and rankings of a run against the baselines.",
        "recsys.cli.evaluate:evaluate",
    ),
    Command(
        "cross-validate",
        EVALUATE,
        "Train and evaluate on each of several folds, against the baselines.",
        "recsys.cli.cross_validate:cross_validate",
    ),
    Command(
        "compare",
        EVALUATE,
        "Compare runs on the same test ratings, with intervals for the differences.",
        "recsys.cli.compare:compare",
    ),
    Command(
        "interpret",
        UNDERSTAND,
        "Show what a model has learned: biases and the main directions of taste.",
        "recsys.cli.interpret:interpret",
    ),
    Command(
        "report",
        UNDERSTAND,
        "Write an HTML report on a run: accuracy, and what it has learned.",
        "recsys.cli.report:report",
    ),
    Command(
        "inspect",
        UNDERSTAND,
        "Show the contents of a run or a checkpoint, or the layers of its model.",
        "recsys.cli.inspect:inspect",
    ),
    Command("runs", MANAGE, "List the runs under runs/ (or $RECSYS_RUNS), oldest first.", "recsys.cli.runs:runs"),
    Command("promote", MANAGE, "Set the default run.", "recsys.cli.promote:promote"),
    Command(
        "config", MANAGE, "Validate a config, show it with all defaults, or list all keys.", "recsys.cli.config:app"
    ),
)
