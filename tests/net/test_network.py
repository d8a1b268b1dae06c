from __future__ import annotations

import pytest

from studio_action.net.network import proxies_of


@pytest.mark.parametrize(
    ("environ", "proxies"),
    [
        ({}, {}),
        ({"HTTPS_PROXY": "http://p:1"}, {"https": "http://p:1"}),
        ({"https_proxy": "http://a", "HTTPS_PROXY": "http://b"}, {"https": "http://a"}),
        (
            {"ALL_PROXY": "http://p", "NO_PROXY": "x"},
            {"http": "http://p", "https": "http://p", "no": "x"},
        ),
    ],
)
def test_proxies(environ: dict[str, str], proxies: dict[str, str]) -> None:
    assert proxies_of(environ) == proxies
