"""The tutorial's commands, run as they stand there."""

import re
import shlex
from pathlib import Path

import pypdf
import pytest

from causalcluster.cli.main import main

PAGE = Path(__file__).parents[1] / "docs" / "tutorial.md"


def commands():
    blocks = re.findall(r"```console\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    return [shlex.split(line.removeprefix("$ causalcluster ")) for block in blocks for line in block.splitlines()]


def test_the_commands_of_the_tutorial_lead_to_its_report(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert [command[0] for command in commands()] == ["simulate", "init", "check", "run"]
    said = {}
    for command in commands():
        with pytest.raises(SystemExit) as stop:
            main(command)
        assert stop.value.code in (0, None), command
        said[command[0]] = capsys.readouterr().out
    promised = re.search(r"^    (Guessed: .*)$", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE).group(1)
    assert promised in said["init"]
    assert "identified" in said["check"]
    assert (tmp_path / "results" / "report.html").is_file()
    assert len(pypdf.PdfReader(tmp_path / "results" / "report.pdf").pages) > 4


def test_the_mistake_that_the_tutorial_suggests_is_told_clearly(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for command in commands()[:2]:
        with pytest.raises(SystemExit):
            main([*command, "--quiet"])
    file = tmp_path / "own.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace("  unions: {", "  union: {"), encoding="utf-8")
    with pytest.raises(SystemExit) as stop:
        main(["check", "own.yaml"])
    assert stop.value.code == 2
    assert (
        "'unions' in 'size -> law, enforcement, unions, wage' is not a node. Did you mean 'union'?"
        in capsys.readouterr().err
    )
