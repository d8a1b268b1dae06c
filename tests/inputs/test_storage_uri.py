from __future__ import annotations

from urllib.parse import quote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio_action.errors import BadInput
from studio_action.inputs.storage_uri import read_storage_uri


def test_stage() -> None:
    assert read_storage_uri("studio://github.com/acme/models?model=churn&stage=prod") == {
        "repo": "https://github.com/acme/models",
        "model": "churn",
        "stage": "prod",
        "layout": "model",
    }


def test_subgroup_port_and_layout() -> None:
    assert read_storage_uri("studio://git.example.org:8443/a/b/c/?model=x%3Ay&layout=flat") == {
        "repo": "https://git.example.org:8443/a/b/c",
        "model": "x:y",
        "layout": "flat",
    }


@given(
    st.dictionaries(
        st.sampled_from(["model", "version", "stage", "include", "exclude", "source"]), st.text()
    )
)
def test_any_text_survives(values: dict[str, str]) -> None:
    text = f"studio://github.com/acme/models?{urlencode(values, quote_via=quote)}"
    expected = {"repo": "https://github.com/acme/models", "layout": "model"}
    assert read_storage_uri(text) == {**expected, **values}


@given(st.text())
def test_anything_else_is_refused(text: str) -> None:
    try:
        inputs = read_storage_uri(text)
    except BadInput:
        return
    assert text.lower().lstrip().startswith("studio://")
    assert inputs["repo"].startswith("https://")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("s3://bucket/churn", "is not the address of a model"),
        ("studio://github.com", "is not the address of a model"),
        ("studio:///acme/models?model=churn", "is not the address of a model"),
        ("studio://github.com/acme/models#prod", "is not the address of a model"),
        ("studio://me:secret@github.com/acme/models", "a user or a password"),
        ("studio://github.com/acme/models?model=a&model=b", "'model' twice"),
        ("studio://github.com/acme/models?modle=churn", "unknown parameter 'modle'"),
        ("studio://github.com/acme/models?dest=/etc", "unknown parameter 'dest'"),
        ("studio://github.com/acme/models?repo=x", "unknown parameter 'repo'"),
        ("studio://github.com/acme/models?churn", "cannot be read"),
        ("studio://[github.com/acme/models?model=churn", "cannot be read"),
    ],
)
def test_refused(text: str, said: str) -> None:
    with pytest.raises(BadInput) as caught:
        read_storage_uri(text)
    assert said in str(caught.value)
    assert "secret" not in str(caught.value)
