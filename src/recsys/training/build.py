"""A config's model together with the method that fits it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recsys.config.schema.config import Config
from recsys.data.interactions import Interactions
from recsys.data.training_inputs import TrainingInputs, WarmStart
from recsys.models.dot_product.settings import DotProduct as DotProductSettings
from recsys.models.embedding_net.settings import EmbeddingNet as EmbeddingNetSettings
from recsys.models.svdpp.settings import SvdPP as SvdPPSettings
from recsys.training.adamw.settings import AdamW
from recsys.training.gibbs.settings import Gibbs
from recsys.training.loop import Learner
from recsys.training.sgd.settings import Sgd

if TYPE_CHECKING:
    from recsys.models.dot_product.module import DotProduct
    from recsys.models.embedding_net.module import EmbeddingNet
    from recsys.models.svdpp.module import SvdPP


def build_learner(config: Config, inputs: TrainingInputs) -> Learner:
    """The learner that the config describes, its parameters drawn from the config's seed or taken over."""
    train = inputs.repeated_train
    if isinstance(config.training, Gibbs):  # it draws arrays, and does without torch, which takes a second to load
        from recsys.training.gibbs.learner import GibbsLearner

        assert isinstance(config.model, DotProductSettings | SvdPPSettings), "the config has refused this"
        return GibbsLearner(config.model, inputs.scale, train, config.training, config.seed)
    model = _model(config, inputs)
    if isinstance(config.training, Sgd):
        sees_all = inputs.warm_start is None or (config.start is not None and config.start.replay == 1)
        return _sgd(model, train, config.training, config.seed, sees_all=sees_all)
    assert isinstance(config.training, AdamW)
    return _adamw(model, train, config.training, config.seed)


def _adamw(model: DotProduct | EmbeddingNet | SvdPP, train: Interactions, settings: AdamW, seed: int) -> Learner:
    from recsys.models.svdpp.module import SvdPP
    from recsys.training.adamw.learner import AdamWLearner

    assert not isinstance(model, SvdPP), "the config has refused this"
    return AdamWLearner(model, train, settings, seed)


def _sgd(
    model: DotProduct | EmbeddingNet | SvdPP, train: Interactions, settings: Sgd, seed: int, *, sees_all: bool
) -> Learner:
    """Where it does not see all ratings that the parameters come from, what they are is expected of them."""
    from recsys.models.dot_product.module import DotProduct
    from recsys.models.svdpp.module import SvdPP

    damped = [name for name, _ in model.named_parameters() if isinstance(model, SvdPP) or name.endswith("_bias")]
    known = {} if sees_all else {name: model.get_parameter(name).detach().numpy().copy() for name in damped}
    if isinstance(model, SvdPP):
        from recsys.training.sgd.svdpp import SvdPPLearner

        return SvdPPLearner(model, train, settings, seed, known)
    from recsys.training.sgd.learner import SgdLearner

    assert isinstance(model, DotProduct), "the config has refused this"
    return SgdLearner(model, train, settings, seed, known)


def _model(config: Config, inputs: TrainingInputs) -> DotProduct | EmbeddingNet | SvdPP:
    """The module, with the parameters that it starts from."""
    model = _fresh(config, inputs)
    if inputs.warm_start is not None:
        from recsys.models.warm_start import inherit_parameters

        inherit_parameters(model, inputs.warm_start)
    return model


def _fresh(config: Config, inputs: TrainingInputs) -> DotProduct | EmbeddingNet | SvdPP:
    n_users, n_items = len(inputs.splits.train.users), len(inputs.splits.train.items)
    match config.model:
        case DotProductSettings() as settings:
            from recsys.models.dot_product.module import DotProduct

            return DotProduct(n_users, n_items, settings, inputs.scale, config.seed)
        case SvdPPSettings() as settings:
            from recsys.models.svdpp.module import SvdPP

            return SvdPP(inputs.seen_ratings, settings, inputs.scale, config.seed)
        case EmbeddingNetSettings() as settings:
            from recsys.models.embedding_net.module import EmbeddingNet

            if inputs.warm_start is not None:  # auto follows the number of users and items, and that has changed
                settings = settings.model_copy(update=_inherited_dims(settings, inputs.warm_start))
            return EmbeddingNet(n_users, n_items, settings, inputs.scale, config.seed)
    raise AssertionError(config.model.kind)


def _inherited_dims(settings: EmbeddingNetSettings, start: WarmStart) -> dict[str, int]:
    return {
        f"{role}_dim": start.parameters[f"{role}_embedding"].shape[1]
        for role in ("user", "item")
        if getattr(settings, f"{role}_dim") == "auto"
    }
