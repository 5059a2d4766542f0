"""Safe YAML with the line of every value, for error messages that point."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from causalcluster.errors import AnalysisFileError

Place = tuple[str | int, ...]

MOST_VALUES = 100_000
"""More values than any analysis has; aliases of aliases could otherwise fill the memory."""

MOST_NESTED = 50
"""Deeper nesting than any analysis has; an alias of itself would otherwise exhaust the stack."""

_TAG = "tag:yaml.org,2002:"
# PyYAML reads YAML 1.1, where 010 is 8, 1:30 is 90 and 1e3 is text. These are the numbers of YAML 1.2.
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?")
_SPECIAL = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_TRUE, _BOOLEAN = ("yes", "true", "on"), ("yes", "true", "on", "no", "false", "off")


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """Plain values of a YAML file and the 1-based line of each place in it.

    A place is the keys and positions that lead to a value, such as ``("question", "outcomes", 0)``.
    """

    name: str
    content: Any
    lines: Mapping[Place, int]

    def line(self, place: Place) -> int | None:
        """Return the line of ``place``, or of the nearest place that holds it."""
        while place and place not in self.lines:
            place = place[:-1]
        return self.lines.get(place)

    def where(self, place: Place) -> str:
        """Return 'file:line' of ``place``."""
        return _where(self.name, self.line(place))

    def error(self, place: Place, what: str, *, why: str = "", fix: str = "") -> AnalysisFileError:
        """Return an error that points at ``place``."""
        line = self.line(place)
        return AnalysisFileError(what, where=_where(self.name, line), why=why, fix=fix, line=line)


def load_yaml(text: str, *, name: str) -> Document:
    """Read YAML without constructing anything but text, numbers, booleans, lists and mappings.

    Parameters
    ----------
    text
        The file's text.
    name
        The file's name, for errors.

    Raises
    ------
    AnalysisFileError
        Broken YAML, an empty file, a tag that asks for an object, a key given twice or one that is not text.
    """
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        raise _broken(error, text, name) from error
    except RecursionError as error:
        raise _error(name, None, "the lists and mappings are nested too deeply") from error
    if root is None:
        raise _error(name, 1, "the file is empty", fix="Start it with 'schema: causalcluster/1'")
    walker = _Walker(name=name)
    return Document(name=name, content=walker.walk(root, ()), lines=walker.lines)


@dataclass(slots=True, kw_only=True)
class _Walker:
    """Turns nodes into plain values and keeps the line of each place."""

    name: str
    lines: dict[Place, int] = field(default_factory=dict)

    def walk(self, node: yaml.Node, place: Place) -> Any:
        line = self.lines.setdefault(place, node.start_mark.line + 1)
        if len(self.lines) > MOST_VALUES:
            raise _error(self.name, line, f"the file holds more than {MOST_VALUES} values")
        if len(place) > MOST_NESTED:
            raise _error(self.name, line, f"lists and mappings are nested more than {MOST_NESTED} deep")
        if isinstance(node, yaml.MappingNode) and node.tag == f"{_TAG}map":
            return self._mapping(node, place)
        if isinstance(node, yaml.SequenceNode) and node.tag == f"{_TAG}seq":
            return [self.walk(item, (*place, position)) for position, item in enumerate(node.value)]
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node)
        raise self._tag_error(node)

    def _mapping(self, node: yaml.MappingNode, place: Place) -> dict[str, Any]:
        found: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if key_node.tag == f"{_TAG}merge":
                merged = {**self._merged(value_node, place, line), **merged}
                continue
            key = self._key(key_node, line)
            if key in found:
                raise _error(self.name, line, f"the key '{key}' is given twice", fix="Keep one of them")
            # Set before the value is walked: a message about a value should point at its key.
            self.lines[*place, key] = line
            found[key] = self.walk(value_node, (*place, key))
        return {**merged, **found}

    def _merged(self, node: yaml.Node, place: Place, line: int) -> dict[str, Any]:
        """Return the mapping, or the first of each key in the list of mappings, that ``<<`` merges."""
        parts = node.value if isinstance(node, yaml.SequenceNode) else [node]
        merged: dict[str, Any] = {}
        for part in parts:
            if not isinstance(part, yaml.MappingNode):
                raise _error(self.name, line, "'<<' merges something that is not a mapping")
            merged = {**self._mapping(part, place), **merged}
        return merged

    def _key(self, node: yaml.Node, line: int) -> str:
        if not isinstance(node, yaml.ScalarNode):
            what = "a list or mapping is used as a key"
            raise _error(self.name, line, what, fix="Put text before the colon")
        value = self._scalar(node)
        if value is None or isinstance(value, bool):
            read = "nothing" if value is None else f"the truth value {str(value).lower()}"
            what = f"YAML reads the key '{node.value}' as {read}, not as text"
            raise _error(self.name, line, what, fix=f'Write "{node.value}" in quotes')
        # A number is a key as it is written.
        return str(node.value)

    def _scalar(self, node: yaml.ScalarNode) -> Any:
        kind, text = node.tag.removeprefix(_TAG), str(node.value)
        if kind == "null":
            return None
        if kind == "bool" and text.lower() in _BOOLEAN:
            return text.lower() in _TRUE
        if kind in ("str", "int", "float", "timestamp"):
            return text if node.style is not None else _number_or_text(text)
        raise self._tag_error(node)

    def _tag_error(self, node: yaml.Node) -> AnalysisFileError:
        return _error(
            self.name,
            node.start_mark.line + 1,
            f"the tag '{node.tag.replace(_TAG, '!!')}' is refused",
            why="An analysis file holds text, numbers, lists and mappings and never makes objects",
            fix="Remove the tag, or put the text in quotes",
        )


def _number_or_text(text: str) -> int | float | str:
    if _INTEGER.fullmatch(text):
        try:
            return int(text)
        except ValueError:  # Python refuses to read integers of thousands of digits.
            return text
    if _FLOAT.fullmatch(text):
        return float(text)
    return float(text.lower().replace(".", "")) if _SPECIAL.fullmatch(text) else text


def _broken(error: yaml.YAMLError, text: str, name: str) -> AnalysisFileError:
    line, problem, fix = None, str(error).splitlines()[0], "Check indentation, colons and quotes"
    if isinstance(error, yaml.MarkedYAMLError):
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark is not None else None
        problem = error.problem or problem
        if "'\\t'" in problem:
            fix = "Indent with spaces, not tabs"
    elif isinstance(error, yaml.reader.ReaderError):
        line = text.count("\n", 0, error.position) + 1
        # The stub says text, but PyYAML gives the code point where it reads text rather than bytes.
        point = error.character if isinstance(error.character, int) else ord(str(error.character))
        problem = f"the character U+{point:04X} may not stand in YAML"
        fix = "Remove it"
    return _error(name, line, f"this is not valid YAML: {problem}", fix=fix)


def _where(name: str, line: int | None) -> str:
    return f"{name}:{line}" if line is not None else name


def _error(name: str, line: int | None, what: str, *, why: str = "", fix: str = "") -> AnalysisFileError:
    return AnalysisFileError(what, where=_where(name, line), why=why, fix=fix, line=line)
