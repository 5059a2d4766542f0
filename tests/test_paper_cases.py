"""The study of the paper's cases: its likelihood by hand, its numbers on the page, and what it says before any data."""

import csv
import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

FOLDER = Path(__file__).parents[1] / "analyses" / "paper_cases"
PAGE = (FOLDER / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def study():
    spec = importlib.util.spec_from_file_location("paper_cases_model", FOLDER / "model.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def rows(name):
    return list(csv.DictReader((FOLDER / name).read_text(encoding="utf-8").splitlines()))


def test_every_judgement_is_a_row_and_silence_is_none(study):
    codes = study.read_codes()
    assert (len(codes.code), len(codes.episodes), len(codes.variables), len(codes.clusters)) == (142, 44, 25, 38)
    assert set(np.unique(codes.code)) == {-1, 0, 1}
    assert "142 judgements of 25 variables; the median episode has 3 codes" in PAGE
    assert np.median(np.bincount(codes.episode, minlength=44)) == 3


def test_the_likelihood_is_that_of_a_loop_over_judgements(study):
    codes = study.read_codes()
    model = study.build_model(codes)
    point = model.initial_point(random_seed=3)
    rng = np.random.default_rng(1)
    point = {name: value + 0.3 * rng.standard_normal(np.shape(value)) for name, value in point.items()}
    (potential,) = model.potentials
    names = ("factor", "level", "loading", "width", "error")
    found = model.compile_fn(
        [potential, *(model[name] for name in names)], inputs=model.value_vars, on_unused_input="ignore"
    )(point)
    factor, level, loading, width, error = found[1:]
    total = 0.0
    for episode, variable, status, code in zip(codes.episode, codes.variable, codes.status, codes.code, strict=True):
        eta = level[variable] + loading[variable] * factor[episode]
        above, below = 1.0 / (1.0 + np.exp(width - eta)), 1.0 / (1.0 + np.exp(width + eta))
        graded = {1: above, -1: below, 0: 1.0 - above - below}[int(code)]
        total += np.log((1.0 - error[status]) * graded + error[status] / 3.0)
    assert float(found[0]) == pytest.approx(total, rel=1e-9)
    assert loading[codes.variables.index(study.ANCHOR)] >= 0.0


def test_the_page_has_the_stored_numbers():
    stored = rows("associations.csv")
    assert f"Of 300 pairs of variables {len(stored)} were coded together in three episodes or more" in PAGE
    for row in stored[:5]:
        number = f"{float(row['prob_same_direction']):.3f}"
        assert f"| `{row['first']}`, `{row['second']}` | {row['episodes']} | {number} |" in PAGE
    assert all(0.05 < float(row["prob_same_direction"]) < 0.95 for row in stored)
    levels = {row["variable"]: float(row["prob_mostly_positive"]) for row in rows("levels.csv")}
    assert f"(probability {levels['out_growth']:.3f} that" in PAGE
    assert f"({levels['out_wages']:.3f})" in PAGE


def test_pairs_are_counted_from_the_codes(study):
    codes = study.read_codes()
    coded = {(e, codes.variables[v]) for e, v in zip(codes.episode, codes.variable, strict=True)}
    for row in rows("associations.csv"):
        together = sum((e, row["first"]) in coded and (e, row["second"]) in coded for e in range(len(codes.episodes)))
        assert together == int(row["episodes"]) >= study.LEAST_TOGETHER
