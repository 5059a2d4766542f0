"""What the paper expects against what the data say: a table of edges and hypotheses, and what was not asked."""

from typing import Final

from causalcluster.report import words
from causalcluster.report.cells import Mark, number_cell, percent_cell, plain_cell, text_cell
from causalcluster.report.doubt_records import ScoreRow
from causalcluster.report.records import Cell, FinishedRun, Table

_MARKS: Final[dict[str, Mark]] = {"supported": "good", "contradicted": "bad", "undecided": "open"}


def score_tables(run: FinishedRun) -> tuple[Table, ...]:
    """Return the scorecard, and the hypotheses of the paper that were not asked; nothing where the paper is not named."""
    asked = [row for row in run.scores if row.verdict != "not applicable"]
    others = [row for row in run.scores if row.verdict == "not applicable"]
    found = []
    if asked:
        found.append(
            Table(
                caption="What the paper expects, and what these data say",
                header=(
                    "Paper", "Statement", "Expected", "Before, by the paper", "Neutral prior", "Paper's signs as prior",
                    "Bayes factor", "Clusters that agree", "Spread between clusters", "Verdict", "Under the paper's signs",
                ),
                rows=tuple(map(_line, asked)),
                note="Probabilities are of what is expected: an effect of that sign in the population, or the claim. "
                "Both priors are answered from one fit; the prior is on signs alone, never on sizes. A verdict in "
                "the last column that differs from the one before it hangs on the prior.",
            )
        )  # fmt: skip
    if others:
        found.append(
            Table(
                caption="What the paper expects and this analysis does not ask",
                header=("Paper", "Statement", "Why not"),
                rows=tuple((text_cell(row.id), text_cell(row.statement), text_cell(row.reason)) for row in others),
                folded=f"Show {words.counted(len(others), 'statement')} of the paper",
            )
        )
    return tuple(found)


def _line(row: ScoreRow) -> tuple[Cell, ...]:
    flipped = row.flipped == "yes"
    other = f"{row.verdict_framework} (differs)" if flipped else row.verdict_framework
    return (
        text_cell(row.id.replace(";", ", ")),
        text_cell(row.statement),
        text_cell(row.prediction),
        percent_cell(row.prior_framework),
        percent_cell(row.probability_neutral),
        percent_cell(row.probability_framework),
        plain_cell(row.bayes_factor),
        percent_cell(row.share_of_clusters),
        number_cell(row.tau, 3),
        Cell(text=row.verdict_neutral or row.verdict, mark=_MARKS.get(row.verdict_neutral or row.verdict, "")),
        Cell(text=other, mark="open" if flipped else ""),
    )
