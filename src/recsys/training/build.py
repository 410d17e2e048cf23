"""A config's model together with the method that fits it."""

from __future__ import annotations

from recsys.config import model as config_of
from recsys.config.config import Config
from recsys.config.training import AdamW, Gibbs, Sgd
from recsys.data.ratings import Ratings, join
from recsys.data.split import Parts
from recsys.models.dot_product import DotProduct
from recsys.models.embedding_net import EmbeddingNet
from recsys.models.svdpp import SvdPP
from recsys.models.warm import Inherited, warm_start
from recsys.training.fit import Learner


def build_learner(config: Config, parts: Parts, inherited: Inherited | None = None) -> Learner:
    """The learner that the config describes, its parameters drawn from the config's seed or taken over."""
    train = parts.train if parts.once_more is None else join(parts.train, parts.once_more)
    model = _model(config, parts, inherited)
    if inherited is not None:
        warm_start(model, inherited)
    match config.training:
        case AdamW() as settings:
            from recsys.training.adamw import AdamWLearner

            assert isinstance(model, DotProduct | EmbeddingNet), "the config has refused this"
            return AdamWLearner(model, train, settings, config.seed)
        case Sgd() as settings:
            return _sgd(model, train, settings, config.seed)
        case Gibbs() as settings:
            from recsys.training.gibbs.learner import GibbsLearner

            assert isinstance(model, DotProduct | SvdPP), "the config has refused this"
            return GibbsLearner(model, train, settings, config.seed)


def _sgd(model: DotProduct | EmbeddingNet | SvdPP, train: Ratings, settings: Sgd, seed: int) -> Learner:
    if isinstance(model, SvdPP):
        from recsys.training.sgd.svdpp import SvdPPLearner

        return SvdPPLearner(model, train, settings, seed)
    from recsys.training.sgd.learner import SgdLearner

    assert isinstance(model, DotProduct), "the config has refused this"
    return SgdLearner(model, train, settings, seed)


def _model(config: Config, parts: Parts, inherited: Inherited | None) -> DotProduct | EmbeddingNet | SvdPP:
    n_users, n_items = len(parts.train.users), len(parts.train.items)
    match config.model:
        case config_of.DotProduct() as settings:
            return DotProduct(n_users, n_items, settings, parts.scale, config.seed)
        case config_of.SvdPP() as settings:
            return SvdPP(parts.known, settings, parts.scale, config.seed)
        case config_of.EmbeddingNet() as settings:
            if inherited is not None:  # auto follows the number of users and items, and that has changed
                settings = settings.model_copy(update=_inherited_dims(settings, inherited))
            return EmbeddingNet(n_users, n_items, settings, parts.scale, config.seed)


def _inherited_dims(settings: config_of.EmbeddingNet, inherited: Inherited) -> dict[str, int]:
    return {
        f"{role}_dim": inherited.parameters[f"{role}_embedding"].shape[1]
        for role in ("user", "item")
        if getattr(settings, f"{role}_dim") == "auto"
    }
