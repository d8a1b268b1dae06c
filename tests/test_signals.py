from __future__ import annotations

import signal

import pytest

from studio_action.errors import Stopped
from studio_action.signals import stopping


@pytest.mark.parametrize(("signum", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_stopping__says_which_signal(signum: signal.Signals, code: int) -> None:
    with pytest.raises(Stopped, match=signum.name) as caught, stopping():
        signal.raise_signal(signum)
    assert caught.value.exit_code == code


def test_stopping__a_second_signal_does_not_disturb_the_cleaning_up() -> None:
    cleaned: list[bool] = []

    def interrupted() -> None:
        try:
            signal.raise_signal(signal.SIGTERM)
        finally:
            signal.raise_signal(signal.SIGTERM)
            cleaned.append(True)

    with pytest.raises(Stopped), stopping():
        interrupted()
    assert cleaned == [True]


def test_stopping__gives_the_handlers_back() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with stopping():
        assert signal.getsignal(signal.SIGTERM) != before
    assert signal.getsignal(signal.SIGTERM) == before
