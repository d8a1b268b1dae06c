"""Inputs that do not exist: a name that was mistyped, which nobody would notice otherwise. Pure.

GitHub passes on what is under `with:` as `INPUT_…`, whether an action has such an input or not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from studio_action.inputs.table import BY_NAME, variables_of

_PREFIXES = ("INPUT_", "STUDIO_ACTION_")
_ALIKE = 0.75
"""Of 1; what is less like an input's name is probably somebody else's variable."""
_LONGEST = 100
_OURS = frozenset(variable for name in BY_NAME for variable in variables_of(name))


def warnings(environ: Mapping[str, str]) -> Iterator[str]:
    """Yield a line for each variable that looks like an input's, and is none."""
    for variable in sorted(set(environ) - _OURS):
        prefix = next((each for each in _PREFIXES if variable.startswith(each)), "")
        name = variable.removeprefix(prefix).lower().replace("_", "-")
        if not prefix or not environ[variable].strip() or len(name) > _LONGEST:
            continue
        if right := _nearest(name):
            yield f"There is no input {name!r} ({variable}), so it has no effect. Use {right!r}"


def _nearest(name: str) -> str:
    from difflib import get_close_matches  # late: only a mistake needs it

    return next(iter(get_close_matches(name, BY_NAME, 1, _ALIKE)), "")
