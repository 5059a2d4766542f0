"""The reference cases at fixed coefficients are of today's sources, come out right, and are in the documentation."""

import json

from tests.calibration.fixed_coefficients import RESULT, SOURCES, table
from tests.calibration.linear import source_hash

STORED = json.loads(RESULT.read_text(encoding="utf-8"))


def test_they_are_not_stale():
    assert STORED["source_hash"] == source_hash(SOURCES), "run `python -m tests.calibration.fixed_coefficients FOLDER`"


def test_exact_values_come_out_to_the_digits_they_are_given_with():
    exact = [row for row in STORED["rows"] if row["source"] == "exact"]
    assert len(exact) == 27
    # The least exact one is given with four digits.
    assert max(row["relative_difference"] for row in exact) < 5e-4


def test_simulated_values_come_out_up_to_their_own_error():
    simulated = [row for row in STORED["rows"] if "simulations" in row["source"]]
    assert len(simulated) == 4
    assert max(row["relative_difference"] for row in simulated) < 0.03


def test_the_curve_of_the_correlation_of_errors_comes_out_to_the_digits_given():
    """Imai, Keele and Tingley's job search data; the formula is that of R's medsens for linear models."""
    curve = [row for row in STORED["rows"] if "medsens" in row["source"]]
    assert len(curve) == 7
    for row in curve:
        digits = 5 if abs(row["wanted"]) < 0.001 else 4
        # Residual standard deviations with other degrees of freedom move the last digit by one.
        assert abs(row["ours"] - row["wanted"]) < 1.1 * 10.0**-digits


def test_the_documentation_shows_them():
    page = (RESULT.parents[2] / "docs" / "validation.md").read_text(encoding="utf-8")
    assert "\n".join(table()) in page
