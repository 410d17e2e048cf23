"""The Python API, which the command line calls too: what `import recsys` offers.

A name is imported when it is first used: `import recsys` is instant, and predicting never loads torch. Each module
here is a group of functions that need the same other modules; they do a job and return its result.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from recsys.core.resolve import resolve

if TYPE_CHECKING:
    from recsys.api.batch import (
        export_factors,
        predict_file,
        read_candidates,
        read_item_list,
        read_session_ratings,
        recommend_all,
    )
    from recsys.api.configs import load_config
    from recsys.api.directory import better_runs, inspect, promote, run_config, runs
    from recsys.api.folding import fold_in
    from recsys.api.measuring import (
        compare,
        compare_splits,
        cross_validate,
        cross_validation,
        evaluate,
        run_comparison,
        split_comparison,
    )
    from recsys.api.paths import check_output
    from recsys.api.preparing import prepare
    from recsys.api.ranks import join_ranks
    from recsys.api.ratings import Ratings, init, profile, read_ratings, sample, split
    from recsys.api.reading import interpret, layers, report
    from recsys.api.serving import find_item_id, load, search_items
    from recsys.api.training import baseline_verdicts, beats_baseline, estimate, finetune, train, update
    from recsys.api.tuning import lr_find, tune, tuning_result
    from recsys.artifacts.directory import default_run, is_default, promote_none, promoted_run, run_name, runs_root
    from recsys.artifacts.leftovers import find_leftovers, remove_leftovers
    from recsys.artifacts.metrics import scorer_metrics
    from recsys.artifacts.prune import prune
    from recsys.config.loading.dump import dump as dump_config
    from recsys.config.reference import reference as config_reference
    from recsys.config.schema.config import Config
    from recsys.data.interactions import Dataset, Interactions
    from recsys.data.sources.values import moment as parse_time
    from recsys.inference.candidates import ItemFilter
    from recsys.objectives.specs import find_objective

__all__ = [
    "Config",
    "Dataset",
    "Interactions",
    "ItemFilter",
    "Ratings",
    "baseline_verdicts",
    "beats_baseline",
    "better_runs",
    "check_output",
    "compare",
    "compare_splits",
    "config_reference",
    "cross_validate",
    "cross_validation",
    "default_run",
    "dump_config",
    "estimate",
    "evaluate",
    "export_factors",
    "find_item_id",
    "find_leftovers",
    "find_objective",
    "finetune",
    "fold_in",
    "init",
    "inspect",
    "interpret",
    "is_default",
    "join_ranks",
    "layers",
    "load",
    "load_config",
    "lr_find",
    "parse_time",
    "predict_file",
    "prepare",
    "profile",
    "promote",
    "promote_none",
    "promoted_run",
    "prune",
    "read_candidates",
    "read_item_list",
    "read_ratings",
    "read_session_ratings",
    "recommend_all",
    "remove_leftovers",
    "report",
    "run_comparison",
    "run_config",
    "run_name",
    "runs",
    "runs_root",
    "sample",
    "scorer_metrics",
    "search_items",
    "split",
    "split_comparison",
    "train",
    "tune",
    "tuning_result",
    "update",
]
TARGETS = {
    "Config": "recsys.config.schema.config:Config",
    "Dataset": "recsys.data.interactions:Dataset",
    "Interactions": "recsys.data.interactions:Interactions",
    "ItemFilter": "recsys.inference.candidates:ItemFilter",
    "Ratings": "recsys.api.ratings:Ratings",
    "baseline_verdicts": "recsys.api.training:baseline_verdicts",
    "beats_baseline": "recsys.api.training:beats_baseline",
    "better_runs": "recsys.api.directory:better_runs",
    "check_output": "recsys.api.paths:check_output",
    "compare": "recsys.api.measuring:compare",
    "compare_splits": "recsys.api.measuring:compare_splits",
    "config_reference": "recsys.config.reference:reference",
    "cross_validate": "recsys.api.measuring:cross_validate",
    "cross_validation": "recsys.api.measuring:cross_validation",
    "default_run": "recsys.artifacts.directory:default_run",
    "dump_config": "recsys.config.loading.dump:dump",
    "estimate": "recsys.api.training:estimate",
    "evaluate": "recsys.api.measuring:evaluate",
    "export_factors": "recsys.api.batch:export_factors",
    "find_item_id": "recsys.api.serving:find_item_id",
    "find_leftovers": "recsys.artifacts.leftovers:find_leftovers",
    "find_objective": "recsys.objectives.specs:find_objective",
    "finetune": "recsys.api.training:finetune",
    "fold_in": "recsys.api.folding:fold_in",
    "init": "recsys.api.ratings:init",
    "inspect": "recsys.api.directory:inspect",
    "interpret": "recsys.api.reading:interpret",
    "is_default": "recsys.artifacts.directory:is_default",
    "join_ranks": "recsys.api.ranks:join_ranks",
    "layers": "recsys.api.reading:layers",
    "load": "recsys.api.serving:load",
    "load_config": "recsys.api.configs:load_config",
    "lr_find": "recsys.api.tuning:lr_find",
    "parse_time": "recsys.data.sources.values:moment",
    "predict_file": "recsys.api.batch:predict_file",
    "prepare": "recsys.api.preparing:prepare",
    "profile": "recsys.api.ratings:profile",
    "promote": "recsys.api.directory:promote",
    "promote_none": "recsys.artifacts.directory:promote_none",
    "promoted_run": "recsys.artifacts.directory:promoted_run",
    "prune": "recsys.artifacts.prune:prune",
    "read_candidates": "recsys.api.batch:read_candidates",
    "read_item_list": "recsys.api.batch:read_item_list",
    "read_ratings": "recsys.api.ratings:read_ratings",
    "read_session_ratings": "recsys.api.batch:read_session_ratings",
    "recommend_all": "recsys.api.batch:recommend_all",
    "remove_leftovers": "recsys.artifacts.leftovers:remove_leftovers",
    "report": "recsys.api.reading:report",
    "run_comparison": "recsys.api.measuring:run_comparison",
    "run_config": "recsys.api.directory:run_config",
    "run_name": "recsys.artifacts.directory:run_name",
    "runs": "recsys.api.directory:runs",
    "runs_root": "recsys.artifacts.directory:runs_root",
    "sample": "recsys.api.ratings:sample",
    "scorer_metrics": "recsys.artifacts.metrics:scorer_metrics",
    "search_items": "recsys.api.serving:search_items",
    "split": "recsys.api.ratings:split",
    "split_comparison": "recsys.api.measuring:split_comparison",
    "train": "recsys.api.training:train",
    "tune": "recsys.api.tuning:tune",
    "tuning_result": "recsys.api.tuning:tuning_result",
    "update": "recsys.api.training:update",
}
"""Name → "module:name" where it is defined."""

if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        if name not in TARGETS:
            raise AttributeError(f"module 'recsys' has no attribute {name!r}")
        return resolve(TARGETS[name])


def __dir__() -> list[str]:
    return __all__
