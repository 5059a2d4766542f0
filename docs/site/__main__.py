"""Puts the sources of the site together and builds it; any warning of Sphinx fails the build.

Run with ``python -m docs.site OUT``. Pages keep their places, so that their links to each other are those of the repository.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import causalcluster
from causalcluster.framework import load_framework

ROOT = Path(__file__).parents[2]
GUIDES = (
    "analysis-file",
    "families",
    "panels",
    "missing",
    "indicators",
    "sensitivity",
    "framework",
    "loaders",
    "moments-file",
    "plots",
    "outputs",
)
GROUND = ("concepts", "glossary", "how-it-works", "validation", "benchmarks")


def main() -> None:
    """Build into the folder that is named."""
    out = Path(sys.argv[1]).absolute()
    with tempfile.TemporaryDirectory(prefix="causalcluster-docs-") as name:
        source = Path(name)
        assemble(source)
        command = ["-b", "html", "-W", "--keep-going", "-q", str(source), str(out)]
        sys.exit(subprocess.run([sys.executable, "-m", "sphinx", *command], check=False).returncode)


def assemble(source: Path) -> None:
    """Copy pages and write those that are made from the package."""
    shutil.copy(ROOT / "docs" / "site" / "conf.py", source / "conf.py")
    shutil.copytree(ROOT / "docs", source / "docs", ignore=shutil.ignore_patterns("site", "index.md"))
    shutil.copytree(ROOT / "analyses", source / "analyses")
    for name in ("CONTRIBUTING.md", "CHANGELOG.md", "LICENSE"):
        shutil.copy(ROOT / name, source / name)
    (source / "api.md").write_text(api_page(), encoding="utf-8")
    (source / "framework-reference.md").write_text(framework_page(), encoding="utf-8")
    (source / "gallery.md").write_text(gallery_page(source / "gallery"), encoding="utf-8")
    (source / "index.md").write_text(front_page(), encoding="utf-8")


def front_page() -> str:
    """Return the page that leads to all others."""
    text = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    # The page lies one folder higher here.
    text = text.replace("](../", "](").replace("](decisions/", "](docs/decisions/")
    for page in ("tutorial", *GUIDES, *GROUND):
        text = text.replace(f"]({page}.md", f"](docs/{page}.md")
    decisions = sorted(path.stem for path in (ROOT / "docs" / "decisions").glob("*.md"))
    studies = sorted(path.parent.name for path in (ROOT / "analyses").glob("*/README.md"))
    trees = {
        "Guides": ["docs/tutorial", *(f"docs/{page}" for page in GUIDES)],
        "Ground": [f"docs/{page}" for page in GROUND],
        "Reference": ["gallery", "api", "framework-reference", "CHANGELOG", "CONTRIBUTING"],
        "Studies": [f"analyses/{name}/README" for name in studies],
        "Decisions": [f"docs/decisions/{stem}" for stem in decisions],
    }
    return text + "".join(
        f"\n```{{toctree}}\n:hidden:\n:caption: {caption}\n\n" + "\n".join(pages) + "\n```\n"
        for caption, pages in trees.items()
    )


def api_page() -> str:
    """Return the reference of all that the package's top level offers."""
    entries = []
    for name in sorted(causalcluster.__all__):
        kind = "autoclass" if isinstance(getattr(causalcluster, name), type) else "autofunction"
        if name.startswith("__"):
            continue
        item = getattr(causalcluster, name)
        if not callable(item):
            continue
        entries.append(f"```{{eval-rst}}\n.. {kind}:: {item.__module__}.{item.__qualname__}\n```\n")
    return "# API reference\n\nWhat `import causalcluster` offers.\n\n" + "\n".join(entries)


def gallery_page(folder: Path) -> str:
    """Draw every plot for simulated data and return the page that shows them with the calls that made them."""
    folder.mkdir()
    made = causalcluster.simulate("framework", clusters=12, rows=40, seed=2)
    few = "sampling: {draws: 500, tune: 500, chains: 2}\n"
    others = (
        "alternatives: [{name: same slopes, model: {varying: [intercepts]}}, {name: unpooled, model: {pooling: none}}]\n"
    )
    analysis = causalcluster.parse_analysis(made.analysis_text + few + others, path=folder / "analysis.yaml")
    result = causalcluster.analyse(analysis, made.table, engine="threads")
    loop = causalcluster.simulate("feedback", clusters=10, seed=2)
    over_time = causalcluster.parse_analysis(loop.analysis_text + few, path=folder / "analysis.yaml")
    calls = {
        "plot_paths(result)": causalcluster.plot_paths(result),
        "plot_decomposition(result)": causalcluster.plot_decomposition(result),
        'plot_forest(result, effect="nie", via="strength")': causalcluster.plot_forest(result, effect="nie", via="strength"),
        "plot_rho(result)": causalcluster.plot_rho(result),
        'plot_specifications(result, effect="total")': causalcluster.plot_specifications(
            result, effect="total", level="sample"
        ),
        "plot_scorecard(result)": causalcluster.plot_scorecard(result),
        'plot_responses(result, regime="pulse")': causalcluster.plot_responses(
            causalcluster.analyse(over_time, loop.table), regime="pulse"
        ),
    }
    parts = [
        "# Gallery",
        "",
        "Every [plot](docs/plots.md), for `causalcluster simulate framework` (the last for `simulate feedback`).",
    ]
    for number, (call, drawn) in enumerate(calls.items()):
        drawn.savefig(folder / f"{number}.png")
        parts += ["", f"## {call.partition('(')[0]}", "", f"```python\ncausalcluster.{call}\n```", ""]
        parts.append(f"![{call.partition('(')[0]}](gallery/{number}.png)")
    return "\n".join(parts) + "\n"


def framework_page() -> str:
    """Return the paper's ontology as tables."""
    framework = load_framework()

    def row(*cells: object) -> str:
        return "| " + " | ".join(str(cell).replace("|", "/") for cell in cells) + " |"

    lines = [
        "# The framework of Pyke and Lund-Thomsen (2015)",
        "",
        "Generated from the data set `framework`. Signs are read against what a high value of a concept means.",
        "",
        "## Concepts",
        "",
        row("concept", "layer", "group", "a high value means", "part of"),
        "|---|---|---|---|---|",
        *(row(f"`{n.id}`", n.layer, n.group, n.high_means, n.component_of) for n in framework.nodes),
        "",
        "## Effects",
        "",
        row("id", "from", "to", "sign", "lag", "status", "mechanism", "source"),
        "|---|---|---|---|---|---|---|---|",
        *(row(e.id, e.source, e.target, e.sign, e.lag, e.status, e.mechanism, e.citation) for e in framework.edges),
        "",
        "## Hypotheses",
        "",
        row("id", "hypothesis", "prediction", "sections"),
        "|---|---|---|---|",
        *(row(h.id, h.label, h.prediction, h.section) for h in framework.hypotheses),
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
