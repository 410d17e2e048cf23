"""The README of an export: what its files hold, and Python that uses them."""

from __future__ import annotations

from recsys.artifacts.bundle import Bundle
from recsys.core.words import counted, joined
from recsys.inference.ann_index import IndexReport, index_in_python
from recsys.inference.exported_scorer import ExportedScorer
from recsys.scoring.export import link_in_python


def readme(bundle: Bundle, scorer: ExportedScorer, how_to_load: str, index: IndexReport | None) -> str:
    """The text.

    Args:
        how_to_load: Python that reads the ids and arrays of the format at hand.
        index: what there is beside them; None: no index.
    """
    return f"""# Exported factors

{counted(len(bundle.users), "user")} and {counted(len(bundle.items), "item")}, from the recsys run
`{bundle.manifest.run}`. Ids are those of the ratings file.

{scorer.export.about}
{"Rank by score." if scorer.link is None else "Rank by score, show the rating."} The Python below runs in this folder.

## Load

```python
{how_to_load}
with open("model.json", encoding="utf-8") as file:
    model = json.load(file)
```

{_one_score(bundle, scorer)}
## The ten best items for a user

Leave out the items that the user has rated, since they have high scores: they are in your own ratings file.

```python
rated = set()  # the ids of the items that the user has rated
scores = scores_of(u)
top = [item_ids[n] for n in np.argsort(-scores) if item_ids[n] not in rated][:10]
print(top)
```
{"" if index is None else _from_index(scorer, index)}"""


def _one_score(bundle: Bundle, scorer: ExportedScorer) -> str:
    """How to predict one rating, or to score one item where scores stand for no ratings."""
    user, item, link = bundle.users.id_at(0), bundle.items.id_at(0), scorer.link
    title, name, of_score = "One score", "score", ""
    if link is not None:
        title, name, of_score = "One rating", "rating", f"rating = {link_in_python(link)}\n"
    return f"""## {title}

```python
{scorer.export.functions}

u, i = user_ids.index({user!r}), item_ids.index({item!r})
score = scores_of(u)[i]{scorer.export.of_pair}
{of_score}print({name})
```
"""


def _from_index(scorer: ExportedScorer, index: IndexReport) -> str:
    recall = joined((f"recall@{k} is {value:.3f}" for k, value in index.recall.items()), "and")
    assert scorer.export.beside_product is not None
    more = {role: f", {role}_affinities" if scorer.export.has_affinities else "" for role in ("user", "item")}
    return f"""
## The same from the index

`{index.file}` is an HNSW index of {counted(index.n_items, "item")}, those with training interactions, for
[usearch](https://github.com/unum-cloud/usearch) (Python, C++, Java, Rust and others): `pip install usearch`. Its keys
are positions in `item_ids`, its vectors `[item_factors, item_bias{more["item"]}]`, and `1 - distance` is
their product with `[user_factors, 1{more["user"]}]`. With an `expansion_search` of {index.expansion_search}, {recall}:
the share of the k best of all items that it finds, the mean of {counted(index.n_users, "user")}. A larger one finds
more, and takes longer.

```python
{index_in_python(index, scorer.export)}```
"""
