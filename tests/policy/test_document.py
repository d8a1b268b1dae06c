from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio_action.errors import BadInput
from studio_action.gitrepo.signatures.requirement import TagSignature
from studio_action.model.artifact import AtStage, AtVersion, Latest, ModelName
from studio_action.policy.document import parse
from studio_action.policy.reading import read_file
from studio_action.policy.requirements import Requirements
from studio_action.policy.rules import LARGEST, PolicyFile, Rule
from studio_action.signature.policy import SignaturePolicy

CHURN = ModelName("churn", "models")


def read(text: str) -> PolicyFile:
    return parse(text.encode(), "policy.yml", "c0ffee" * 7)


def refusal(content: bytes) -> str:
    """Why the content is refused; its name where it is not."""
    try:
        return parse(content, "policy.yml").path
    except BadInput as refused:
        return str(refused)


def one_rule(text: str) -> Rule:
    (rule,) = read(f"rules:\n- {text}").rules
    return rule


def test_parse__everything() -> None:
    assert one_rule(
        """name: production
  models: ["models/*", churn]
  stages: prod
  branch: main
  allowed-taggers: ["*@example.com", ada@example.org]
  max-age: 90d
  prerelease: exclude
  labels: [approved]
  require-digests: true
  max-size: 2GiB
  minimum-version: v1.2.0
  rollback: refuse
  signed-tag: {kind: ssh, signers: "ada@example.com ssh-ed25519 AAAA"}
  signature:
    method: sigstore
    identity: ci@example.com
    identity-provider: https://token.example.org
"""
    ) == Rule(
        "production",
        Requirements(
            ("main",),
            (("*@example.com", "ada@example.org"),),
            True,
            90 * 86_400,
            2 << 30,
            frozenset({"approved"}),
            True,
            "v1.2.0",
            "refuse",
            (
                SignaturePolicy(
                    "sigstore",
                    identity="ci@example.com",
                    identity_provider="https://token.example.org",
                ),
            ),
            (TagSignature("ssh", b"ada@example.com ssh-ed25519 AAAA\n"),),
        ),
        ("models/*", "churn"),
        ("prod",),
    )


def test_parse__little() -> None:
    rule = one_rule("max-size: 1000")
    assert rule == Rule("rule 1", Requirements(max_size=1000), ("*",), ())
    assert read("rules: []").rules == ()
    assert read("rules: [&a {branch: main}, *a]").rules[1].required.branches == ("main",)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "policy.yml at c0ffeec is empty"),
        ("- a", "line 1, column 1: is a list, not a mapping of keys"),
        ("rule: []", "line 1, column 1: unknown key 'rule'. Did you mean 'rules'?"),
        ("rules: []\nrules: []", "line 2, column 1: key 'rules' is there twice"),
        ("{}", "line 1, column 1: has no rules"),
        ("rules:", "line 1, column 7: is nothing, not a list"),
        ("rules: {a: b}", "is a mapping, not a list"),
        ("rules: [a]", "line 1, column 9: is a text, not a mapping"),
        ("rules:\n- {models: a}", "line 2, column 3: the rule requires nothing"),
        ("rules:\n- branch: main\n  stage: prod", "line 3, column 3: unknown key 'stage'. Did you"),
        ("rules:\n- {zzz: 1}", "unknown key 'zzz'. Known are name, models, stages"),
        ("rules: [{<<: {branch: main}}]", "unknown key '<<'"),
        ("rules: [{[a]: b}]", "has a list or a mapping for a key"),
        ("rules: [{branch: 1}]", "line 1, column 18: is a number, not a text. Put it in quotes"),
        ("rules: [{branch: a b}]", "'a b' is not a branch's name"),
        ("rules: [{branch: []}]", "must have 1 to 1000 entries"),
        ("rules: [{branch: [[main]]}]", "is a list, not a text"),
        ("rules: [{branch: ' '}]", "column 18: is empty"),
        ("rules: [{branch: main, models: [1]}]", "is a number, not a text"),
        ("rules: [{branch: main, models: no}]", ""),
        ("rules: [{branch: main, models: null}]", "is nothing, not a text"),
        ("rules: [{max-age: soon}]", "'soon' is not an age"),
        ("rules: [{max-age: {d: 1}}]", "is a mapping, not a text"),
        ("rules: [{max-size: 1.5}]", "is another kind of value, not a text"),
        ("rules: [{prerelease: include}]", "is not one of exclude"),
        ("rules: [{require-digests: false}]", "is not true. Leave the key out"),
        ("rules: [{require-digests: 'true'}]", "is not true"),
        ("rules: [{labels: [{a: b}]}]", "is a mapping, not a text"),
        ("rules: [{branch: !!python/object:os.system main}]", "is another kind of value"),
        ("rules: [{minimum-version: 1.2.0}]", "'1.2.0' is not a version. Write v1.2.0"),
        ("rules: [{minimum-version: 1}]", "'1' is not a version"),
        ("rules: [{rollback: allow}]", "is not one of warn, refuse"),
        ("rules: [{signed-tag: {kind: ssh}}]", "has no signers"),
        ("rules: [{signed-tag: {kind: x509, signers: a}}]", "is not one of ssh, gpg"),
        ("rules: [{signature: key}]", "is a text, not a mapping"),
        ("rules: [{signature: {}}]", "has no method. Give one of sigstore, key, certificate"),
        ("rules: [{signature: {method: gpg}}]", "is not one of sigstore, key, certificate"),
        ("rules: [{signature: {method: key}}]", "has no public-key"),
        ("rules: [{signature: {method: key, public-key: a}}]", "is not PEM"),
        (
            "rules: [{signature: {method: key, public-key: a, identity: b}}]",
            "the method key does not use identity",
        ),
        ("rules: [{signature: {method: sigstore, identity: a}}]", "has no identity-provider"),
        ("rules: [{signature: {method: sigstore, idenity: a}}]", "Did you mean 'identity'?"),
        ("rules: [{signature: {method: key, public-key: a, path: ../b}}]", "is not a file of the"),
        ("rules: [", "is not YAML"),
        ("rules: [*a]", "is not YAML"),
        ("%YAML 1.1\n---\nrules: []", "is YAML 1.1, not 1.2"),
        ("rules: []\n---\nrules: []", "is not YAML"),
        ("rules: [{branch: main, models: '" + "a" * 300 + "'}]", "is not a glob"),
        ("rules:\n" + "- {branch: main}\n" * 501, "has more than 500 rules"),
        ("rules: [{labels: [" + "a," * 1001 + "]}]", "must have 1 to 1000 entries"),
        ("rules: [{'\\u202e::error::\\x1b': 1}]", "unknown key"),
    ],
)
def test_parse__refused(text: str, said: str) -> None:
    if not said:
        read(text)
        return
    with pytest.raises(BadInput) as refused:
        read(text)
    assert str(refused.value).startswith("policy.yml at c0ffeec")
    assert said in str(refused.value)
    assert "\x1b" not in str(refused.value)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(
            "a: &a [x,x,x,x,x,x,x,x,x]\n"
            + "".join(
                f"{new}: &{new} [{','.join(['*' + old] * 9)}]\n"
                for old, new in zip("abcdefgh", "bcdefghi", strict=True)
            ),
            id="aliases of aliases",
        ),
        pytest.param("&a [*a]", id="what contains itself"),
        pytest.param("[" * 20_000, id="nested"),
        pytest.param("rules: " + "9" * 50_000, id="a huge number"),
        pytest.param("%TAG ! x\n" * 5000, id="directives"),
        pytest.param(
            "rules:\n- &a {labels: &b [" + "x," * 900 + "]}\n" + "- *a\n" * 400, id="rules"
        ),
        pytest.param("x" * (LARGEST + 1), id="too large"),
        pytest.param("\x00", id="a NUL"),
    ],
)
def test_parse__hostile(text: str) -> None:
    began = time.process_time()
    assert len(refusal(text.encode())) < 1000
    assert time.process_time() - began < 3


@given(
    st.binary(max_size=200)
    | st.text(alphabet="rules: -[]{}&*!|>'\"#\n\tbranch", max_size=80).map(str.encode)
)
def test_parse__any_bytes_are_rules_or_refused(content: bytes) -> None:
    assert refusal(content).startswith("policy.yml")


@pytest.mark.parametrize(
    ("rule", "model", "selector", "applies"),
    [
        (Rule("", Requirements()), CHURN, Latest(), True),
        (Rule("", Requirements(), ("models:*",)), CHURN, Latest(), True),
        (Rule("", Requirements(), ("churn",)), CHURN, Latest(), False),
        (Rule("", Requirements(), ("*",), ("prod*",)), CHURN, AtStage("prod"), True),
        (Rule("", Requirements(), ("*",), ("prod*",)), CHURN, AtStage("dev"), False),
        (Rule("", Requirements(), ("*",), ("*",)), CHURN, AtVersion("v1.0.0"), False),
    ],
)
def test_applies(
    rule: Rule, model: ModelName, selector: AtStage | AtVersion | Latest, applies: bool
) -> None:
    assert rule.applies(model, selector) is applies
    assert list(PolicyFile("p", "", (rule,)).applying(model, selector)) == [rule] * applies


def test_read_file__of_the_job(tmp_path: Path) -> None:
    (tmp_path / "p.yml").write_bytes(b"#" * (10 << 20))
    with pytest.raises(BadInput, match="has more than 65,536 bytes"):
        read_file(tmp_path / "p.yml", "p.yml")
