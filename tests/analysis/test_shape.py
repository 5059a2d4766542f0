"""The shape of the file: keys, words, numbers and text, each fault with its key and line."""

import pytest

from causalcluster.analysis.schema import AnalysisSection, known_keys, section_at
from causalcluster.errors import AnalysisFileError
from tests.analysis.files import BASE, changed, parse


def message_of(text: str) -> str:
    with pytest.raises(AnalysisFileError) as caught:
        parse(text)
    line = f":{caught.value.line}" if caught.value.line is not None else ""
    assert str(caught.value).startswith(f"analysis.yaml{line}: ")
    return str(caught.value).removeprefix("analysis.yaml:")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("treatment: law", "treatmnt: law", "19: unknown key 'treatmnt' under question. Did you mean 'treatment'?"),
        ("treatment: law", "Treatment: law", "19: unknown key 'Treatment' under question. Did you mean 'treatment'?"),
        ("  cluster: district", "  clusters: x", "5: unknown key 'clusters' under data. Did you mean 'cluster'?"),
        ("column: lwage", "colum: lwage", "10: unknown key 'colum' under nodes.wage. Did you mean 'column'?"),
        ("from: 0", "form: 0", "20: unknown key 'form' under question.contrast. Did you mean 'from'?"),
        ("title:", "titel:", "2: unknown key 'titel'. Did you mean 'title'?"),
        (
            "title:",
            "zzz:",
            "2: unknown key 'zzz'. The keys are: schema, title, data, nodes, edges, interactions, unobserved, question, "
            "model, sampling, sensitivity, hypotheses, alternatives.",
        ),
        # An unknown key without a value is still unknown.
        ("  cluster: district", "  clusters:", "5: unknown key 'clusters' under data. Did you mean 'cluster'?"),
        ("  treatment: law\n", "", "18: the key 'treatment' is missing under question. Add it."),
        ("  outcomes: [wage, injury]\n", "", "18: the key 'outcomes' is missing under question. Add it."),
        ("  mediators: [enforcement, unions]\n", "", "18: the key 'mediators' is missing under question. Add it."),
        ("{layer: context}", "", "12: the key 'layer' is missing under nodes.size. Add it."),
        (
            "layer: context",
            "layer: contxt",
            "12: nodes.size.layer cannot be 'contxt'. Did you mean 'context'? It is one of: influencer, environment, "
            "actor, outcome, context.",
        ),
        (
            "actor: government",
            "actor: 3",
            "8: nodes.enforcement.actor cannot be 3. It is one of: government, employers_organisations, "
            "workers_organisations, community_organisations, other.",
        ),
        ("{layer: context}", "context", "12: nodes.size must be a mapping of keys to values, not 'context'."),
        ("{from: 0, to: 1}", "[0, 1]", "20: question.contrast must be a mapping of keys to values, not a list."),
        ("{from: 0, to: 1}", "{quantiles: [0.1]}", "20: question.contrast.quantiles must hold 2 values."),
        ("{from: 0, to: 1}", "{quantiles: [0, 0.1, 1]}", "20: question.contrast.quantiles must hold 2 values."),
        ("{from: 0, to: 1}", "{from: low, to: 1}", "20: question.contrast.from: 'low' is not a number."),
        ("{from: 0, to: 1}", "{from: 0, to: yes}", "20: question.contrast.to: true is not a number."),
        ("{from: 0, to: 1}", "{from: 0, to: .inf}", "20: question.contrast.to: inf is not a finite number."),
        ("{from: 0, to: 1}", "{from: 0, to: [1]}", "20: question.contrast.to: a list is not a number."),
        (
            "{from: 0, to: 1}",
            "{from: 0, to: 1" + "0" * 400 + "}",
            f"20: question.contrast.to: 1{'0' * 400} is not a finite number.",
        ),
        ("enforcement: 0}", "enforcement: on}", "23: question.fix.enforcement: true is not a number."),
        ("{enforcement: 0}", "3", "23: question.fix must be a mapping of keys to values, not 3."),
        ("[wage, injury]", "[]", "21: question.outcomes is empty."),
        (
            "[wage, injury]",
            "[wage, no]",
            "21: question.outcomes, item 2: false is not text; put it in quotes as it should read.",
        ),
        ("[wage, injury]", "[wage, {a: 1}]", "21: question.outcomes, item 2: a mapping is not text."),
        ("  - size -> law\n", "  -\n", "17: edges, item 4: an empty value is not text."),
        ("title: Law and wages", "title: 2.50", "2: title: 2.5 is not text; put it in quotes as it should read."),
        ("district", "''", "5: data.cluster: the text is empty."),
    ],
)
def test_faults_name_key_and_line(old, new, message):
    assert message_of(changed(old, new)) == message


@pytest.mark.parametrize(
    ("sampling", "message"),
    [
        ("{draws: 3}", "sampling.draws must be at least 4, not 3."),
        ("{tune: 0}", "sampling.tune must be at least 1, not 0."),
        ("{chains: 0}", "sampling.chains must be at least 1, not 0."),
        ("{seed: -1}", "sampling.seed must be at least 0, not -1."),
        ("{seed: 9223372036854775808}", "sampling.seed must be below 9223372036854775808, not 9223372036854775808."),
        ("{ci_prob: 0}", "sampling.ci_prob must be above 0, not 0."),
        ("{ci_prob: 1}", "sampling.ci_prob must be below 1, not 1."),
        ("{draws: 10.5}", "sampling.draws: 10.5 is not a whole number."),
        ("{draws: true}", "sampling.draws: true is not a number."),
        ("{draws: many}", "sampling.draws: 'many' is not a number."),
        ("{darws: 10}", "unknown key 'darws' under sampling. Did you mean 'draws'?"),
        ("[1000]", "sampling must be a mapping of keys to values, not a list."),
    ],
)
def test_faults_of_sampling(sampling, message):
    assert message_of(f"{BASE}sampling: {sampling}\n") == f"24: {message}"


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("hypotheses: framewrk", "hypotheses must be a list, not 'framewrk'."),
        ("hypotheses: [x]", "hypotheses, item 1 must be a mapping of keys to values, not 'x'."),
        ("hypotheses: [{id: H1}]", "the key 'claim' is missing under hypotheses, item 1. Add it."),
        ("hypotheses: [{id: H1, clam: x}]", "unknown key 'clam' under hypotheses, item 1. Did you mean 'claim'?"),
        ("model: {poling: none}", "unknown key 'poling' under model. Did you mean 'pooling'?"),
        ("model: {centre: no}", "model.centre cannot be false. It is one of: within, none."),
        (
            "model: {priors: neutrl}",
            "model.priors cannot be 'neutrl'. Did you mean 'neutral'? It is one of: neutral, framework, flat.",
        ),
        (
            "model: {priors: {base: flatt}}",
            "model.priors.base cannot be 'flatt'. Did you mean 'flat'? It is one of: neutral, framework, flat.",
        ),
        ("model: {priors: {bas: flat}}", "unknown key 'bas' under model.priors. Did you mean 'base'?"),
        (
            "model: {priors: {law: {sd: 1}}}",
            "unknown key 'law' under model.priors. The keys are 'base' and edges such as 'a -> b'.",
        ),
        (
            "model: {priors: {law -> wage: {men: 1}}}",
            "unknown key 'men' under model.priors.law -> wage. Did you mean 'mean'?",
        ),
        ("model: {priors: {law -> wage: 1}}", "model.priors.law -> wage must be a mapping of keys to values, not 1."),
        ("model: {priors: {law -> wage: {sd: 0}}}", "model.priors.law -> wage.sd must be above 0, not 0."),
        ("model: {priors: {law -> wage: {between_sd: -1}}}", "model.priors.law -> wage.between_sd must be above 0, not -1."),
        ("model: {priors: {law -> wage: {mean: x}}}", "model.priors.law -> wage.mean: 'x' is not a number."),
    ],
)
def test_faults_of_later_sections(more, message):
    assert message_of(f"{BASE}{more}\n") == f"24: {message}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            BASE.replace("causalcluster/1", "causalcluster/2"),
            "1: the schema is 'causalcluster/2', but this version reads 'causalcluster/1'. Write 'schema: causalcluster/1'.",
        ),
        (
            BASE.replace("schema: causalcluster/1\n", "# no schema\n"),
            "2: the key 'schema' is missing. Start the file with 'schema: causalcluster/1'.",
        ),
        (BASE.replace("schema:", "shema:"), "1: unknown key 'shema'. Did you mean 'schema'?"),
        ("- a\n", "1: the file is not a mapping of keys to values. Start it with 'schema: causalcluster/1'."),
        ("hello", "1: the file is not a mapping of keys to values. Start it with 'schema: causalcluster/1'."),
        ("schema: causalcluster/1\n", "1: the key 'data' is missing. Add it."),
        (BASE.partition("question:")[0], "1: the key 'question' is missing. Add it."),
        (
            BASE.replace("schema: causalcluster/1\n", "schema: causalcluster/1\ndata: panel.csv\n").replace(
                "data:\n  file: panel.csv\n  cluster: district\n", ""
            ),
            "2: data must be a mapping of keys to values, not 'panel.csv'.",
        ),
    ],
)
def test_faults_of_the_whole_file(text, message):
    assert message_of(text) == message


def test_an_unknown_key_is_told_before_what_it_left_missing():
    text = changed("  file: panel.csv\n", "").replace("treatment:", "tretment:")
    assert message_of(text) == "18: unknown key 'tretment' under question. Did you mean 'treatment'?"


def test_numbers_in_any_form_are_read():
    text = changed("{from: 0, to: 1}", "{from: -1e-1, to: 1e3}") + "sampling: {draws: 1e3, seed: 0, ci_prob: 5e-1}\n"
    analysis = parse(text)
    assert (analysis.question.contrast.low, analysis.question.contrast.high) == (-0.1, 1000.0)
    assert (analysis.sampling.draws, analysis.sampling.seed, analysis.sampling.ci_prob) == (1000, 0, 0.5)
    assert isinstance(analysis.sampling.draws, int)


def test_known_keys_without_values_count_as_left_out():
    text = changed("  cluster: district", "  cluster:\n  time:") + "hypotheses:\nsampling:\n  draws:\nmodel:\n"
    analysis = parse(text)
    assert analysis.data.cluster is None
    assert analysis.sampling.draws == 1000
    assert analysis.hypotheses == ()


def test_keys_are_listed_as_they_stand_in_the_file():
    assert known_keys(section_at(("question", "contrast"))) == ("from", "to", "sd", "quantiles")
    assert known_keys(section_at(("model", "priors", "law -> wage"))) == ("mean", "sd", "between_sd")
    assert section_at(()) is AnalysisSection
