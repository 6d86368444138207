"""Frameworks of controls: what each is called, which controls it has, and where their numbers come from.

Each is a TOML file beside this module, read when it is first asked for.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files


@dataclass(frozen=True, slots=True, kw_only=True)
class Framework:
    """A framework, as far as its controls can bear on what is scanned.

    Attributes:
        id: Short name, such as `nist_800_53_r5`.
        name: What people know it by.
        version: Of the text that the numbers belong to.
        publisher: Who publishes it.
        url: https link to where it can be had; "" where none is known.
        note: Which controls these are, and where their numbers come from.
        controls: Id → title, in the order of the framework.
        standards: Standards that take some of these controls: name → ids.
        part: Pattern of what follows the id of a control to name a part of it, such as `(3)` in `AC-2(3)`.
    """

    id: str
    name: str
    version: str = ""
    publisher: str = ""
    url: str = ""
    note: str = ""
    controls: Mapping[str, str] = field(default_factory=dict)
    standards: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    part: re.Pattern[str] | None = None

    def resolve(self, control: str) -> str | None:
        """The control that an id names itself or a part of; None where there is none."""
        while control not in self.controls:
            end = re.search(rf"{self.part.pattern}\Z", control) if self.part else None
            if end is None:
                return None
            control = control[: end.start()]
        return control

    def standards_with(self, control: str) -> tuple[str, ...]:
        """The standards that take a control."""
        return tuple(name for name, controls in self.standards.items() if control in controls)


@cache
def load_framework(id: str) -> Framework:
    """Read a framework.

    Raises:
        KeyError: There is none of that name.
    """
    if id not in _ids():
        raise KeyError(id)
    document = tomllib.loads(files(__name__).joinpath(f"{id}.toml").read_text(encoding="utf-8"))
    part = document.pop("part", None)
    standards = {name: tuple(controls) for name, controls in document.pop("standards", {}).items()}
    return Framework(id=id, part=re.compile(part) if part else None, standards=standards, **document)


class _Names(Mapping[str, str]):
    """Short names of frameworks to the names that people know them by; each is read when it is asked for."""

    def __getitem__(self, id: str) -> str:
        return load_framework(id).name

    def __iter__(self) -> Iterator[str]:
        return iter(_ids())

    def __len__(self) -> int:
        return len(_ids())

    def __contains__(self, id: object) -> bool:
        return id in _ids()


NAMES: Mapping[str, str] = _Names()


@cache
def _ids() -> tuple[str, ...]:
    names = (entry.name for entry in files(__name__).iterdir())
    return tuple(sorted(name.removesuffix(".toml") for name in names if name.endswith(".toml")))
