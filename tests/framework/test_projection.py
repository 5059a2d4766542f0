"""The latent projection, against brute force on the unrolled graph."""

from dataclasses import dataclass
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from causalcluster.framework.projection import combined_sign, project_confounders, project_links

NODES = "abcdefg"


@dataclass(frozen=True)
class Arrow:
    id: str
    source: str
    target: str
    sign: str
    lag: int = 0


def arrows(*specs):
    """Return arrows from specs such as 'a+b' or 'a-b@1'; a sign is one of + - ? 0 or ~ for contingent."""
    made = []
    for number, spec in enumerate(specs):
        ends, _, lag = spec.partition("@")
        sign = {"~": "contingent"}.get(ends[1], ends[1])
        made.append(Arrow(f"E{number}", ends[0], ends[2], sign, int(lag or 0)))
    return made


@st.composite
def graphs(draw):
    """Draw edges whose lag-0 part is acyclic in alphabetical order, and nodes to keep."""
    pairs = st.sampled_from(list(combinations(NODES, 2)))
    signs = st.sampled_from(["+", "-", "?", "contingent", "0"])
    present = draw(st.lists(st.tuples(pairs, signs), max_size=12))
    anywhere = st.tuples(st.sampled_from(NODES), st.sampled_from(NODES))
    feedback = draw(st.lists(st.tuples(anywhere, signs), max_size=4))
    edges = [(*ends, sign, 0) for ends, sign in present] + [(*ends, sign, 1) for ends, sign in feedback]
    named = draw(st.sets(st.sampled_from(NODES), min_size=1))
    return [Arrow(f"E{number:02d}", *edge) for number, edge in enumerate(edges)], named


def brute_force_paths(edges, named, source):
    """Yield (target, lag, edges) of every path through unnamed nodes, by walking all of them."""

    def walk(node, lag, path):
        for edge in edges:
            if edge.source == node and lag + edge.lag <= 1:
                longer = [*path, edge]
                if edge.target in named:
                    yield edge.target, lag + edge.lag, longer
                else:
                    yield from walk(edge.target, lag + edge.lag, longer)

    yield from walk(source, 0, [])


def brute_force_sign(path):
    signs = [edge.sign for edge in path]
    if len(signs) == 1:
        return signs[0]
    if not set(signs) <= {"+", "-"}:
        return "?"
    return "+" if signs.count("-") % 2 == 0 else "-"


def brute_force_links(edges, named):
    found = {}
    for source in named:
        for target, lag, path in brute_force_paths(edges, named, source):
            found.setdefault((source, target, lag), []).append(path)
    return {
        key: (
            {brute_force_sign(path) for path in paths},
            {edge.id for path in paths for edge in path},
            any(len(path) == 1 for path in paths),
        )
        for key, paths in found.items()
    }


@given(graphs())
@settings(max_examples=150, deadline=None)
def test_links_equal_brute_force(graph):
    edges, named = graph
    links = project_links(edges, named)
    expected = brute_force_links(edges, named)
    assert {(link.source, link.target, link.lag) for link in links} == set(expected)
    assert len(links) == len(expected)
    for link in links:
        signs, ids, direct = expected[link.source, link.target, link.lag]
        assert link.sign == (next(iter(signs)) if len(signs) == 1 else "contingent")
        assert set(link.edge_ids) == ids
        assert link.direct == direct


def brute_force_confounders(edges, named):
    present = [edge for edge in edges if edge.lag == 0]
    found = {}
    for cause in set(NODES) - named:
        routes = {}
        for target, _, path in brute_force_paths(present, named, cause):
            routes.setdefault(target, []).append({edge.target for edge in path} - {target})
        for left, right in combinations(sorted(routes), 2):
            if any(not first & second for first in routes[left] for second in routes[right]):
                found.setdefault((left, right), set()).add(cause)
    return found


@given(graphs())
@settings(max_examples=150, deadline=None)
def test_confounders_equal_brute_force(graph):
    edges, named = graph
    pairs = project_confounders(edges, named)
    found = {tuple(sorted((pair.left, pair.right))): set(pair.causes) for pair in pairs}
    assert found == brute_force_confounders(edges, named)
    assert len(found) == len(pairs)


@given(graphs())
@settings(max_examples=50, deadline=None)
def test_naming_every_node_changes_nothing(graph):
    edges, _ = graph
    links = project_links(edges, NODES)
    assert {(link.source, link.target, link.lag) for link in links} == {
        (edge.source, edge.target, edge.lag) for edge in edges
    }
    assert all(link.direct for link in links)
    assert project_confounders(edges, NODES) == ()


@pytest.mark.parametrize(
    ("specs", "sign"),
    [
        (["a+b"], "+"),
        (["a~b"], "contingent"),
        (["a?b"], "?"),
        (["a0b"], "0"),
        (["a-m", "m-b"], "+"),
        (["a-m", "m+b"], "-"),
        (["a~m", "m+b"], "?"),
        (["a+m", "m0b"], "?"),
        (["a+b", "a+m", "m+b"], "+"),
        (["a+b", "a+m", "m-b"], "contingent"),
        (["a+b", "a?m", "m+b"], "contingent"),
        (["a+b", "a-b"], "contingent"),
    ],
)
def test_signs(specs, sign):
    (link,) = project_links(arrows(*specs), "ab")
    assert link.sign == sign


def test_a_path_through_a_named_node_is_not_joined():
    links = project_links(arrows("a+b", "b+c"), "abc")
    assert [(link.source, link.target) for link in links] == [("a", "b"), ("b", "c")]


@pytest.mark.parametrize(
    ("specs", "lags"),
    [
        (["a+b@1"], [1]),
        (["a+m@1", "m+b"], [1]),
        (["a+m", "m+b@1"], [1]),
        (["a+m@1", "m+b@1"], []),
        (["a+b", "a+b@1"], [0, 1]),
        (["a+m", "m+m@1", "m+b"], [0, 1]),
    ],
)
def test_lags_add_up_to_one_at_most(specs, lags):
    links = project_links(arrows(*specs), "ab")
    assert [link.lag for link in links if (link.source, link.target) == ("a", "b")] == lags


def test_a_loop_through_the_next_period_is_a_link_to_itself():
    links = project_links(arrows("a+m", "m-a@1"), "a")
    assert [(link.source, link.target, link.lag, link.sign) for link in links] == [("a", "a", 1, "-")]


def test_only_the_nearest_common_cause_is_listed():
    (pair,) = project_confounders(arrows("a+b", "b+c", "b+d"), "cd")
    assert pair.causes == ("b",)


def test_a_cause_that_acts_through_a_named_node_is_no_confounder():
    assert project_confounders(arrows("a+b", "b+c"), "bc") == ()
    (pair,) = project_confounders(arrows("a+b", "b+c", "a+c"), "bc")
    assert (pair.left, pair.right, pair.causes) == ("b", "c", ("a",))


def test_a_cycle_within_a_period_is_refused():
    with pytest.raises(ValueError, match="cycle"):
        project_links(arrows("a+b", "b+a"), "ab")


def test_many_paths_are_no_burden():
    # 2 ** 60 paths
    edges = []
    for step in range(60):
        for middle in "xy":
            edges.append(Arrow(f"i{step}{middle}", f"n{step}", f"{middle}{step}", "+"))
            edges.append(Arrow(f"o{step}{middle}", f"{middle}{step}", f"n{step + 1}", "+"))
    (link,) = project_links(edges, {"n0", "n60"})
    assert (link.sign, len(link.edge_ids), link.direct) == ("+", 240, False)


def test_combined_sign_of_equal_signs():
    assert combined_sign(["-", "-"]) == "-"
