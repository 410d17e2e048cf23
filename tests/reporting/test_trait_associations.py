"""What the items file says that goes with a direction."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from recsys.artifacts.bundle import Bundle
from recsys.core.seeding import rng
from recsys.reporting import trait_associations as tags
from recsys.reporting.directions import main_directions
from recsys.reporting.trait_associations import associations, traits_of

N = 400


def texts(values: Any) -> Any:
    return np.array([str(value) for value in values], dtype=object)


def test_what_was_planted_is_found_at_its_end_and_nothing_else(films: Bundle) -> None:
    main = main_directions(films, 2)
    traits, values = traits_of({"title": films.titles, **films.item_columns})
    assert [(trait.column, trait.value) for trait in traits] == [
        ("year of title", None),
        *(("genres", trait.value) for trait in traits[1:]),
    ]
    significant = associations(traits, values, main.positions, films.counts["rating"].items)
    assert [(association.direction, association.column, association.value) for association in significant] == [
        (0, "genres", "War"),
        (1, "year of title", None),
    ]
    planted = films.factors.item_factors[:-1]
    for association, sign in zip(significant, (1, -1), strict=True):
        turned = np.corrcoef(main.positions[:, association.direction], planted[:, association.direction])[0, 1]
        assert sign * np.sign(turned) * association.correlation > 0.3
        assert association.p == pytest.approx(1 / 1000)
    assert significant[0].n_items == sum("War" in text for text in films.item_columns["genres"])


def test_what_goes_with_popularity_alone_is_not_found() -> None:
    draw = rng(2, "popular")
    weight = np.exp(draw.normal(3, 1, N)).round() + 1
    rank = np.argsort(np.argsort(weight)) / N
    positions = (2 * rank + draw.normal(0, 0.3, N))[:, None]
    popular = texts(np.where(draw.random(N) < rank, "Hit", "Miss"))
    assert np.corrcoef(popular == "Hit", positions[:, 0])[0, 1] > 0.3
    assert associations(*traits_of({"kind": popular}), positions, weight) == []


@pytest.mark.slow
def test_chance_finds_something_in_about_five_percent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tags, "PERMUTATIONS", 99)
    false = 0
    for number in range(60):
        draw = rng(number, "chance")
        kinds = texts("|".join(f"k{kind}" for kind in np.flatnonzero(draw.random(12) < 0.3)) for _ in range(N))
        weight = np.exp(draw.normal(3, 1, N))
        false += bool(associations(*traits_of({"kind": kinds}), draw.standard_t(4, (N, 3)), weight))
    assert 1 <= false <= 8  # 3 are expected; more than 8 has a chance of 0.5%


def test_values_of_one_text_are_told_apart_and_rare_ones_left_out() -> None:
    column = texts(["a|b"] * 30 + [" a "] * 30 + ["rare"] * 9 + [""] * 31)
    traits, values = traits_of({"kind": column})
    assert {(trait.value, trait.n_items) for trait in traits} == {("a", 60), ("b", 30)}
    assert values.sum(axis=0).tolist() == [trait.n_items for trait in traits]


def test_numbers_are_taken_by_rank_and_gaps_stand_in_the_middle() -> None:
    traits, values = traits_of({"price": texts([1, 1000, 10, 10, "", *range(2000, 2035)])})
    assert [(trait.column, trait.value, trait.n_items) for trait in traits] == [("price", None, 39)]
    assert values[:5, 0].tolist() == pytest.approx([0, 3 / 38, 1.5 / 38, 1.5 / 38, 0.5])


@pytest.mark.parametrize("form", ["{}-05-31", "31-May-{}", "Title ({})", "2001: A Title ({})", "https://x.org/{}"])
def test_a_year_is_read_where_texts_hold_one(form: str) -> None:
    years = np.arange(1950, 1990)
    traits, values = traits_of({"when": texts(form.format(year) for year in years)})
    assert [(trait.column, trait.value) for trait in traits] == [("year of when", None)]
    assert (np.diff(values[:, 0]) > 0).all()


@pytest.mark.parametrize(
    "values",
    [[f"text {number}" for number in range(100)], ["same"] * 100, [5] * 100, [""] * 100, [*"abcdefgh", *[""] * 92]],
)
def test_columns_that_tell_nothing_are_left_out(values: list[Any]) -> None:
    traits, numbers = traits_of({"column": texts(values)})
    assert traits == []
    assert associations(traits, numbers, np.zeros((100, 2)), np.ones(100)) == []


def test_what_does_not_vary_among_like_items_is_not_found() -> None:
    weight = np.repeat([100.0, 1.0], 50)
    kind = texts(["Hit"] * 50 + ["Miss"] * 50)
    assert associations(*traits_of({"kind": kind}), rng(1, "x").normal(size=(100, 1)), weight) == []
