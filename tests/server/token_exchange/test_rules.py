from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio_action.server.token_exchange.issuers import check_issuer_url, check_rule
from studio_action.server.token_exchange.rules import LONGEST_CLAIM, Pattern, text_of
from tests.server.token_exchange.trusting import rule

GITHUB = "https://token.actions.githubusercontent.com"


@pytest.mark.parametrize(
    ("pattern", "value", "fits"),
    [
        ("acme/models", "acme/models", True),
        ("acme/models", "acme/models2", False),
        ("acme/models", "Acme/models", False),
        ("acme/*", "acme/models", True),
        ("acme/*", "acme/", True),
        ("acme/*", "acme", False),
        ("acme/*", "acme-evil/models", False),
        ("acme/*", "acme/models/evil", False),
        ("acme/**", "acme/models/evil", True),
        ("refs/tags/*", "refs/tags/churn@v1.2.0", True),
        ("refs/tags/*", "refs/tags/churn#prod#3", True),
        ("refs/tags/*", "refs/tags/a/b", False),
        ("refs/tags/v*", "refs/heads/refs/tags/v1", False),
        ("refs/heads/release-*", "refs/heads/release-1.2", True),
        ("repo:acme/*:environment:prod", "repo:acme/models:environment:prod", True),
        ("repo:acme/*:environment:prod", "repo:acme/x:ref:refs/x:environment:prod", False),
        ("repo:acme/*", "repo:acme/models:ref:refs/heads/evil", False),
        ("*/models", "acme/models", True),
        ("a*b*c", "a-b-b-c", True),
        ("a*b*c", "a-c-b", False),
        ("a*", "a\n", False),
        ("a**", "a\x00", False),
        ("a.c", "abc", False),
        ("[a-z]", "a", False),
        ("a?", "ab", False),
        ("", "", True),
        ("*", "", True),
    ],
)
def test_matches(pattern: str, value: str, fits: bool) -> None:
    assert Pattern(pattern).matches(value) is fits


@given(st.text("ab/:*", max_size=8), st.text("ab/:", max_size=8))
def test_matches__as_a_regular_expression_does(pattern: str, value: str) -> None:
    parts = re.split(r"(\*+)", pattern)
    meant = "".join(
        re.escape(part) if "*" not in part else "[^/:]*" if part == "*" else ".*" for part in parts
    )

    assert Pattern(pattern).matches(value) is (re.fullmatch(meant, value) is not None)


def test_matches__takes_no_long_time() -> None:
    """A regular expression would need hours for this one."""
    began = time.process_time()
    assert not Pattern("*b" * 50 + "c").matches("b" * LONGEST_CLAIM)
    assert time.process_time() - began < 2


def test_matches__a_claim_that_is_too_long() -> None:
    assert Pattern("**").matches("x" * LONGEST_CLAIM)
    assert not Pattern("**").matches("x" * (LONGEST_CLAIM + 1))


@pytest.mark.parametrize(
    ("value", "text"),
    [(True, "true"), (False, "false"), ("true", "true"), (7, "7"), ("", "")],
)
def test_text_of(value: object, text: str) -> None:
    assert text_of(value) == text


@pytest.mark.parametrize("value", [None, 1.0, [], ["a"], {}, {"a": "b"}])
def test_text_of__nothing_that_is_one_value(value: object) -> None:
    assert text_of(value) is None


def test_misfits() -> None:
    made = rule({"repository": "acme/*", "ref": "refs/heads/main", "ref_protected": "true"})

    assert not made.misfits(
        {"repository": "acme/x", "ref": "refs/heads/main", "ref_protected": True}
    )
    assert made.misfits({"ref": "refs/heads/main"}) == ["repository", "ref_protected"]


@pytest.mark.parametrize(
    "claims",
    [
        {"repository": "acme/*"},
        {"repository": "acme/**"},
        {"repository_owner": "acme"},
        {"repository_id": "74"},
        {"sub": "repo:acme/*"},
        {"sub": "repo:acme/models:ref:refs/heads/main"},
        {"workflow_ref": "acme/models/.github/workflows/deploy.yml@*"},
        {"repository": "acme/models", "ref": "**"},
    ],
)
def test_check_rule(claims: dict[str, str]) -> None:
    check_rule(GITHUB, rule(claims))


@pytest.mark.parametrize(
    "claims",
    [
        {"ref": "refs/heads/main"},
        {"ref": "refs/heads/main", "environment": "prod"},
        {"repository": "*/models"},
        {"repository": "acme*"},
        {"repository": "acm*/models"},
        {"repository_owner": "acme*"},
        {"sub": "repo:*/models:environment:prod"},
        {"sub": "**"},
        {"job_workflow_ref": "acme/ci/.github/workflows/deploy.yml@refs/heads/main"},
    ],
)
@pytest.mark.parametrize("url", [GITHUB, f"{GITHUB}/"])
def test_check_rule__who(url: str, claims: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"does not say whose|binds no claim"):
        check_rule(url, rule(claims))


def test_check_rule__one_of_several_patterns_is_open() -> None:
    made = rule({"repository": "acme/models"})
    patterns = {"repository": (Pattern("acme/models"), Pattern("*/models"))}
    with pytest.raises(ValueError, match="does not say whose"):
        check_rule(GITHUB, type(made)(patterns, made.scopes))


@pytest.mark.parametrize("claims", [{"ref": "**"}, {"ref": "*", "sub": "***"}])
def test_check_rule__an_issuer_of_ones_own(claims: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="binds no claim"):
        check_rule("https://gitlab.example.org", rule(claims))
    check_rule("https://gitlab.example.org", rule({**claims, "ref_protected": "true"}))


@pytest.mark.parametrize(
    "url",
    ["https://gitlab.example.org", "https://h/a/b/", "http://127.0.0.1:8080", "http://localhost"],
)
def test_check_issuer_url(url: str) -> None:
    assert check_issuer_url(url) == url


@pytest.mark.parametrize(
    "url",
    [
        "http://gitlab.example.org",
        "http://127.0.0.1.evil.example.org",
        "http://localhost.evil.example.org",
        "ftp://gitlab.example.org",
        "https://",
        "gitlab.example.org",
        "https://user:pass@gitlab.example.org",
        "https://gitlab.example.org?x=1",
        "https://gitlab.example.org#x",
        "https://gitlab.example.org/a b",
        "https://gitläb.example.org",
        "https://[::1",
    ],
)
def test_check_issuer_url__refused(url: str) -> None:
    with pytest.raises(ValueError):
        check_issuer_url(url)
