"""How much may become of one `dvc.yaml`, which a few lines can make endless. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from studio_action.errors import UnexpectedAnswer

MOST_STEPS = 300_000
MOST_STAGES = 100_000
LONGEST_TEXT = 100_000
"""Characters of a text that was filled in."""
_CHARACTERS_OF_A_STEP = 64


@dataclass
class Budget:
    """What is left for one document; `document` is what the error calls it."""

    document: str
    _left: int = field(default=MOST_STEPS, init=False)

    def spend(self, steps: int) -> None:
        """Take something off; raise `UnexpectedAnswer` where nothing is left."""
        self._left -= steps
        if self._left < 0:
            raise self.error(f"takes more than {MOST_STEPS:,} steps to fill in")

    def spend_stages(self, number: int) -> None:
        """Spend the same for stages that are generated at once."""
        if number > MOST_STAGES:
            raise self.error(f"has a stage that stands for more than {MOST_STAGES:,}")
        self.spend(number)

    def spend_text(self, length: int) -> None:
        """Spend the same for a text of so many characters."""
        if length > LONGEST_TEXT:
            raise self.error(f"fills in a text of more than {LONGEST_TEXT:,} characters")
        self.spend(1 + length // _CHARACTERS_OF_A_STEP)

    def error(self, fault: str) -> UnexpectedAnswer:
        """Return the error that says what is too much."""
        return UnexpectedAnswer(f"{self.document} {fault}", "Check that file at that commit")
