from __future__ import annotations

from tests.ci.conftest import Desks
from tests.ci.readers import shell_script


def test_publish__script_gives_the_values_and_runs_nothing(desk: Desks) -> None:
    at = desk("circleci")
    values = {
        "version": "v1.0.0",
        "stage": "",
        "path": 'it\'s $(touch forged) `id` "x" \\ a\nb',
        "revision": "$HOME; exit 1",
    }

    at.platform.publish(values | {"files": '["a"]', "tag": "a\0b"}, "MODEL_")

    assert shell_script(at.outputs) == {
        f"MODEL_{name.upper()}": value for name, value in values.items()
    }


def test_publish__second_step_overwrites(desk: Desks) -> None:
    at = desk("circleci")

    at.platform.publish({"version": "v1.0.0", "stage": "prod"}, "MODEL_")
    at.platform.publish({"version": "v2.0.0", "stage": ""}, "MODEL_")

    assert shell_script(at.outputs) == {"MODEL_VERSION": "v2.0.0", "MODEL_STAGE": ""}
