"""Where packaged data are found."""

import pytest

from causalcluster import resources
from causalcluster.errors import InputError
from causalcluster.resources import dataset_path, study_path


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Return a place that looks like a package inside a checkout."""
    package = tmp_path / "causalcluster"
    package.mkdir()
    monkeypatch.setattr(resources, "_ROOTS", (package / "_carried", tmp_path))
    return tmp_path


def test_the_framework_is_found():
    folder = dataset_path("framework")
    assert folder.is_dir()
    assert (folder / "card.json").is_file()


@pytest.mark.parametrize(
    ("locate", "folder"),
    [(dataset_path, "datasets"), (study_path, "analyses")],
)
def test_the_installed_package_comes_before_the_checkout(locate, folder, installed):
    checkout, package = installed / folder / "wages", installed / "causalcluster" / "_carried" / folder / "wages"
    checkout.mkdir(parents=True)
    assert locate("wages") == checkout
    package.mkdir(parents=True)
    assert locate("wages") == package


@pytest.mark.parametrize("name", ["framwork", "..", "framework/..", "", "/"])
def test_an_unknown_name_is_refused(name):
    with pytest.raises(InputError, match="framework"):
        dataset_path(name)


def test_the_nearest_name_is_offered():
    with pytest.raises(InputError, match="Did you mean 'framework'"):
        dataset_path("framwork")


def test_an_installation_without_studies_says_so(installed):
    with pytest.raises(InputError, match="none"):
        study_path("wages")


def test_files_are_not_taken_for_data_sets(installed):
    (installed / "datasets").mkdir()
    (installed / "datasets" / "README.md").touch()
    with pytest.raises(InputError, match="no data set"):
        dataset_path("README.md")
