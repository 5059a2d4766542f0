"""Run folders for the report's tests, written once each."""

import importlib.util
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from causalcluster.report import render_report


def _load_neighbour(name: str) -> ModuleType:
    """Import a file beside this one, however pytest was told to import tests."""
    spec = importlib.util.spec_from_file_location(f"report_{name}", Path(__file__).with_name(f"{name}.py"))
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def make_run(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Return a function that writes a run folder; the same options give the same folder, so leave it as it is."""
    neighbour = _load_neighbour("fake_run")

    @cache
    def make(**options: Any) -> Path:
        return neighbour.write_fake_run(tmp_path_factory.mktemp("run"), neighbour.Fake(**options))

    return make


@pytest.fixture(scope="session")
def page(make_run: Callable[..., Path]) -> Callable[..., str]:
    """Return a function that renders the report of such a folder, once for the same options."""

    @cache
    def render(**options: Any) -> str:
        return render_report(make_run(**options))

    return render
