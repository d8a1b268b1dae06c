"""A tag as Git has it: its name, the commit it leads to, and who made it when. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TagRef:
    """One tag of a repository.

    `name` may begin with `refs/tags/`; `revision` is the commit it leads to, 40 hexadecimal
    digits; `when` is the tagger's date in seconds since 1970; a tag that is not `annotated` has
    none of its own and does not count. `tagger` and `email` are the name and the address of who
    made it, as they wrote them; '' where there are none. `object` is the name of the tag's own
    object, '' where it has none.
    """

    name: str
    revision: str
    when: int
    annotated: bool
    tagger: str = ""
    object: str = ""
    email: str = ""

    @property
    def short_name(self) -> str:
        """Return the name without `refs/tags/`."""
        return self.name.removeprefix("refs/tags/")
