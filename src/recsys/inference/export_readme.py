"""The README of an export: what its files hold, and Python that uses them."""

from __future__ import annotations

from recsys.artifacts.bundle import Bundle
from recsys.core.words import counted
from recsys.inference.exported_scorer import ExportedScorer
from recsys.scoring.export import link_in_python


def readme(bundle: Bundle, scorer: ExportedScorer, how_to_load: str) -> str:
    """The text; `how_to_load` is the Python that reads the ids and arrays of the format at hand."""
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
"""


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
score = scores_of(u)[i]
{of_score}print({name})
```
"""
