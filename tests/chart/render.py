"""Run by Python of `.venv-helm`: what Helm itself makes of the chart, as JSON on standard output.

`render.py CHART <VALUES`, where VALUES is a JSON object of values by name. For each name: what the
linter finds, the manifests by template, or the error.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import helm_python as helm


def outcome(chart: str, values: dict[str, Any]) -> dict[str, Any]:
    """The findings of `helm lint --strict`, and what `helm template` renders."""
    try:
        with helm.Chart.load(chart) as loaded:
            loaded.validate_schema(values)
            rendered = loaded.render(values, name="registry", namespace="models")
        report = helm.lint(chart, values, strict=True, namespace="models")
    except helm.HelmError as error:
        return {"error": str(error)}
    found = [each["error"] for each in report["messages"] if each["severity"] > 1]
    return {"manifests": rendered, "lint": found + report["errors"]}


if __name__ == "__main__":
    named = json.load(sys.stdin)
    json.dump({name: outcome(sys.argv[1], values) for name, values in named.items()}, sys.stdout)
