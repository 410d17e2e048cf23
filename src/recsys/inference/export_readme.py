"""The README of an export: what its files hold, and Python that uses them."""

from __future__ import annotations

from recsys.artifacts.bundle import Bundle
from recsys.scoring.factors import Factors, Link
from recsys.scoring.network import Network

WITHOUT_DRIFT = """
The run knows how each user's bias moves with time. That is not in these files: scores are those of no given time.
"""

TOBIT = '''

import math

def tobit(score, std):
    """The mean of a rating ~ N(score, std²) that is clipped to [low, high]."""
    low, high = model["link"]["low"], model["link"]["high"]
    a, b = (low - score) / std, (high - score) / std
    below, above = 0.5 * math.erfc(-a / 2**0.5), 0.5 * math.erfc(b / 2**0.5)
    density = (math.exp(-a * a / 2) - math.exp(-b * b / 2)) / (2 * math.pi) ** 0.5
    return low * below + high * above + score * (1 - below - above) + std * density
'''


def readme(bundle: Bundle, how_to_load: str) -> str:
    """The text; `how_to_load` is the Python that reads the ids and arrays of the format at hand."""
    scorer = bundle.scorer("rating")
    about, functions = _factors(scorer) if isinstance(scorer, Factors) else _network(scorer)
    user, item = bundle.users.id_at(0), bundle.items.id_at(0)
    return f"""# Exported factors

{len(bundle.users):,} users and {len(bundle.items):,} items, from the recsys run
`{bundle.manifest.run}`. Ids are those of the ratings file.

{about}
Rank by score, show the rating. The Python below runs in this folder.

## Load

```python
{how_to_load}
with open("model.json", encoding="utf-8") as file:
    model = json.load(file)
```

## One rating

```python
{functions}

u, i = user_ids.index({user!r}), item_ids.index({item!r})
score = scores_of(u)[i]
rating = {_link(scorer.link)}
print(rating)
```

## The ten best items for a user

Leave out the items that the user has rated: they are in your own ratings file.

```python
scores = scores_of(u)
top = [item_ids[n] for n in np.argsort(-scores)[:10]]
print(top)
```
"""


def _factors(scorer: Factors) -> tuple[str, str]:
    about = f"""Each has a bias and {scorer.embedding_dim} factors. `model.json` holds what is not a row of a user or an
item: the global mean, the link, and the bias and factors that stand for an unknown user or item.

    score  = global_mean + user_bias + item_bias + user_factors · item_factors
    rating = link(score), and the link here is `{scorer.link.kind}`
{WITHOUT_DRIFT if scorer.drift is not None else ""}"""
    functions = '''def scores_of(u):
    """The scores of all items for a user."""
    return model["global_mean"] + user_bias[u] + item_bias + item_factors @ user_factors[u]
'''
    return about, functions + (TOBIT if scorer.link.kind == "tobit" else "")


def _network(scorer: Network) -> tuple[str, str]:
    dims = scorer.embedding_dim
    about = f"""The factors are embeddings, {dims["user"]} numbers for a user and {dims["item"]} for an item, and say
nothing without the network's {len(scorer.layers)} affine layers. `model.json` holds those (batch norm is part of them),
the link, and the factors that stand for an unknown user or item.

    a      = user_factors followed by item_factors
    a      = relu(weight · a + bias) for each layer but the last
    score  = weight · a + bias for the last
    rating = link(score), and the link here is `{scorer.link.kind}`
"""
    return (
        about,
        '''def scores_of(u):
    """The scores of all items for a user."""
    a = np.hstack([np.tile(user_factors[u], (len(item_factors), 1)), item_factors])
    for n, layer in enumerate(model["layers"]):
        a = (np.maximum(a, 0) if n else a) @ np.array(layer["weight"]).T + layer["bias"]
    return a[:, 0]
''',
    )


def _link(link: Link) -> str:
    """The link of `score`, as Python."""
    low, high = 'model["link"]["low"]', 'model["link"]["high"]'
    return {
        "identity": "score",
        "clip": f"np.clip(score, {low}, {high})",
        "sigmoid": f"{low} + ({high} - {low}) / (1 + np.exp(-score))",
        "tobit": "tobit(score, user_std[u])",
    }[link.kind]
