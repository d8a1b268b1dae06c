"""Addresses that machines keep for themselves."""

from __future__ import annotations

import pytest

from studio_action.gitrepo.internal_addresses import (
    is_cloud_metadata_address,
    is_internal_address,
)


@pytest.mark.parametrize(
    "host",
    [
        "169.254.169.254",
        "169.254.170.2",
        "2852039166",
        "0xa9fea9fe",
        "0251.0376.0251.0376",
        "[fe80::1]",
        "[::ffff:169.254.169.254]",
        "[fd00:ec2::254]",
        "100.100.100.200",
        "127.0.0.1",
        "127.1",
        "[::1]",
        "0.0.0.0",
        "localhost",
        "LOCALHOST.",
        "metadata.google.internal",
    ],
)
def test_is_internal_address__yes(host: str) -> None:
    assert is_internal_address(f"http://user:pw@{host}/latest")
    assert is_internal_address(f"http://{host}:8080/latest")


@pytest.mark.parametrize(
    "host", ["models.example.com", "93.184.216.34", "10.0.0.7", "[2001:db8::1]", "café.example"]
)
def test_is_internal_address__no(host: str) -> None:
    assert not is_internal_address(f"https://{host}/files")


@pytest.mark.parametrize("host", ["169.254.169.254", "0xa9fea9fe", "[fd00:ec2::254]", "metadata"])
def test_of_cloud__yes(host: str) -> None:
    assert is_cloud_metadata_address(f"http://{host}/latest")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "10.0.0.7", "models.example.com"])
def test_of_cloud__no(host: str) -> None:
    assert not is_cloud_metadata_address(f"http://{host}/latest")
