"""Where the text of an input is found.

An input is looked for, in this order: a command-line option, `INPUT_*` (GitHub; the spelling with
hyphens and the one with underscores), `STUDIO_ACTION_*`, the variables of the DVC and CI world,
its default. An empty value is an unset one. `config.py` says what the text means.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from studio_action.errors import BadInput
from studio_action.inputs.table import BY_NAME, variables_of


@dataclass(frozen=True, slots=True)
class Value:
    """The text of one input and where it came from; its repr shows no secret.

    `home` is the home directory, for what is a path; '' where the environment does not tell.
    """

    name: str
    text: str = field(repr=False)
    origin: str
    home: str = ""

    @property
    def given(self) -> bool:
        """Return whether the input was given; otherwise it is the default."""
        return self.origin != "default"

    def refuse(self, reason: str, hint: str = "") -> BadInput:
        """Return the error for a value that cannot be used; a secret's text is left out."""
        shown = "" if BY_NAME[self.name].secret else f" {self.text!r}"
        place = "" if self.origin in ("option", "default") else f" (from {self.origin})"
        return BadInput(f"input {self.name}{place}:{shown} {reason}", hint)


@dataclass(frozen=True, slots=True)
class Inputs:
    """The text of all inputs of one run.

    `entry` has those that are one model's own, where there are several.
    """

    options: Mapping[str, str] = field(repr=False)
    environ: Mapping[str, str] = field(repr=False)
    entry: Mapping[str, str] = field(default_factory=dict)

    def of_entry(self, entry: Mapping[str, str]) -> Inputs:
        """Return the inputs of one of several models: its own, and for the rest those of the run.

        One that is there and empty takes the run's away.
        """
        return replace(self, entry=entry)

    def __getitem__(self, name: str) -> Value:
        """Return the value of input `name`, by precedence; its text is trimmed and may be empty."""
        wanted, home = BY_NAME[name], self.environ.get("HOME", "")
        if sys.platform == "win32" and not home:
            home = self.environ.get("USERPROFILE", "")
        if name in self.entry:
            own = self.entry[name].strip()
            return Value(name, own, "models", home) if own else self._default(name)
        text = self.options.get(name, "").strip()
        if text:
            return Value(name, text, "option", home)
        for variable in (*variables_of(name), *wanted.also):
            text = self.environ.get(variable, "").strip()
            if text:
                return Value(name, text, variable, home)
        return self._default(name)

    def _default(self, name: str) -> Value:
        return Value(name, BY_NAME[name].default, "default", self.environ.get("HOME", ""))
