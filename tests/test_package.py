"""The package as a whole: public names, imports and the map in the documentation."""

import inspect
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import pytest

import causalcluster

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("name", causalcluster.__all__)
def test_public_names_exist_and_are_documented(name):
    found = getattr(causalcluster, name)
    assert inspect.getdoc(found)
    assert not inspect.ismodule(found)


def test_public_names_do_not_depend_on_what_was_imported_before():
    program = (
        "import pkgutil, importlib, inspect, causalcluster\n"
        "for item in pkgutil.iter_modules(causalcluster.__path__):\n"
        "    if not item.name.startswith('_'): importlib.import_module(f'causalcluster.{item.name}')\n"
        "print([name for name in causalcluster.__all__ if inspect.ismodule(getattr(causalcluster, name))])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_importing_the_package_loads_nothing_heavy():
    program = "import sys, causalcluster; print(sorted({'pymc', 'pandas', 'numpy', 'dowhy'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'analyze'"):
        _ = causalcluster.analyze


def test_the_architecture_map_lists_every_module():
    page = (ROOT / "docs" / "how-it-works.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"^causalcluster/(\w+(?:/|\.py)) ", page, flags=re.MULTILINE))
    actual = {
        f"{item.name}/" if item.ispkg else f"{item.name}.py"
        for item in pkgutil.iter_modules([str(ROOT / "causalcluster")])
        if not item.name.startswith("_")
    }
    assert listed == actual


def test_no_module_is_longer_than_400_lines():
    long = [path for path in (ROOT / "causalcluster").rglob("*.py") if len(path.read_text().splitlines()) >= 400]
    assert long == []


def test_links_between_pages_lead_somewhere():
    broken = []
    for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *ROOT.glob("docs/**/*.md"), *ROOT.glob("analyses/*/*.md")]:
        text = page.read_text(encoding="utf-8")
        for target, anchor in re.findall(r"\]\((?!https?:)([^)#\s]*)(#[^)\s]*)?\)", text):
            linked = page if not target else (page.parent / target).resolve()
            if not linked.exists() or (anchor and anchor[1:] not in headings(linked)):
                broken.append(f"{page.relative_to(ROOT)}: {target}{anchor}")
    assert broken == []


def headings(page):
    lines = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", line.lower()).replace(" ", "-") for line in lines}
