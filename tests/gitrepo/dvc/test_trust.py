from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio_action.gitrepo.dvc.trust import (
    ADMITTED,
    allowed_options,
    ignored_options_warning,
    is_below,
    unchecked_certificate_warning,
)

NEVER = [
    "allow_agent",
    "bearer_token_command",
    "cert_path",
    "configpath",
    "credentialpath",
    "data_proxy_target",
    "exclude_environment_credential",
    "exclude_managed_identity_credential",
    "gdrive_client_id",
    "gdrive_client_secret",
    "gdrive_service_account_json_file_path",
    "gdrive_service_account_user_email",
    "gdrive_use_service_account",
    "gdrive_user_credentials_file",
    "gss_auth",
    "kerb_ticket",
    "kerberos",
    "kerberos_principal",
    "key_path",
    "keyfile",
    "passphrase",
    "profile",
    "proxy_to",
]


@pytest.mark.parametrize("name", NEVER)
def test_allowed_options__nothing_of_this_machine(name: str) -> None:
    counts, dropped = allowed_options({"url": "s3://b", name: "true"})

    assert (counts, dropped) == ({"url": "s3://b"}, (name,))


def test_allowed_options__what_matters_to_writing_is_dropped_in_silence() -> None:
    assert allowed_options({"jobs": "4", "acl": "private", "verify": "true"}) == ({}, ())


@pytest.mark.parametrize(
    ("text", "counts"),
    [("false", True), ("True", True), ("/etc/ssl/ca.pem", False), ("ca.pem", False), ("", False)],
)
def test_allowed_options__a_switch_but_no_path(text: str, counts: bool) -> None:
    assert bool(allowed_options({"ssl_verify": text})[0]) is counts


def test_allowed_options__who_one_is_with_the_secret_alone() -> None:
    ids = {"tenant_id": "t", "client_id": "c"}

    assert allowed_options(ids) == ({}, ("client_id", "tenant_id"))
    assert allowed_options({**ids, "client_secret": ""}) == (
        {},
        ("client_id", "client_secret", "tenant_id"),
    )
    assert allowed_options({**ids, "client_secret": "s"}) == ({**ids, "client_secret": "s"}, ())


@given(st.dictionaries(st.text(max_size=9) | st.sampled_from(sorted(ADMITTED)), st.text()))
def test_allowed_options__nothing_that_is_not_listed(said: dict[str, str]) -> None:
    counts, dropped = allowed_options(said)

    assert counts.keys() <= ADMITTED
    assert counts.items() <= said.items()
    assert not counts.keys() & set(dropped)


@given(st.text(), st.sets(st.text(), min_size=1))
def test_ignored_options_warning__is_one_line(remote: str, dropped: set[str]) -> None:
    assert ignored_options_warning(remote, dropped).isprintable()


def test_ignored_options_warning__says_how_to_say_it() -> None:
    said = ignored_options_warning("store", {"profile", "configpath"})

    assert "Ignored configpath, profile of the remote 'store'" in said
    assert "`dvc remote modify --local store configpath VALUE`" in said


@pytest.mark.parametrize(
    ("url", "top", "below"),
    [
        ("https://h/top", "https://h/top", True),
        ("https://h/top/a/b", "https://h/top", True),
        ("https://h/topple", "https://h/top", False),
        ("https://h.evil/x", "https://h", False),
        ("https://h@evil/x", "https://h", False),
        ("https://h:1@evil/x", "https://h", False),
        ("https://h/top/../x", "https://h/top", False),
        ("https://h/top/%2e%2e/x", "https://h/top", False),
        ("https://h/top/a?b", "https://h/top", False),
        ("https://h/top", "", False),
        ("", "", False),
    ],
)
def test_is_below(url: str, top: str, below: bool) -> None:
    assert is_below(url, top) is below


@pytest.mark.parametrize(
    ("said", "verify", "told"),
    [
        ("", True, ""),
        ("true", True, ""),
        ("/ca.pem", True, ""),
        ("False", False, "The certificate of the remote 'r' is not checked"),
        ("false", True, "is checked although the repository sets ssl_verify = false"),
    ],
)
def test_unchecked_certificate_warning(said: str, verify: bool, told: str) -> None:
    found = unchecked_certificate_warning("r", said, verify)

    assert told in found
    assert bool(told) is bool(found)
