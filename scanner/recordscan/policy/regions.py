"""Regions of resources: what some globs name and others do not; and examples that lie in them."""

from collections.abc import Iterable
from itertools import pairwise
from typing import NamedTuple

from recordscan.policy import globs
from recordscan.policy.documents import PolicyDocument, Statement
from recordscan.policy.matching import literal, plain, resource_glob
from recordscan.policy.request import Context


class Region(NamedTuple):
    """All resources that every glob of `inside` names and none of `outside` does; without globs, all there are."""

    inside: tuple[str, ...] = ()
    outside: tuple[str, ...] = ()

    @property
    def everything(self) -> bool:
        """Whether it surely is all there are."""
        return not self.outside and not any(glob.strip("*") for glob in self.inside)

    def has(self, resource: str) -> bool:
        """Whether a resource lies in it."""
        text = literal(resource)
        return all(globs.matches(g, text) for g in self.inside) and not any(
            globs.matches(g, text) for g in self.outside
        )


def meet(regions: Iterable[Region]) -> Region:
    """What lies in all regions."""
    inside: dict[str, None] = {}
    outside: dict[str, None] = {}
    for region in regions:
        inside.update(dict.fromkeys(glob for glob in region.inside if glob.strip("*")))
        outside.update(dict.fromkeys(region.outside))
    return Region(tuple(inside), tuple(outside))


class Examples:
    """Finds resources that lie in regions.

    Strangers write policies, and some proofs that a region is empty take exponentially long. So each is given up after
    some time, and after some hundreds none is tried any more.

    Attributes:
        given_up: Whether some region may have an example that was not found.
        work: Pairs of globs that were held against each other.
    """

    def __init__(self) -> None:
        self._found: dict[tuple[Region, tuple[str, ...]], str | None] = {}
        self._proofs = 0
        self.given_up = False
        self.work = 0

    def find(self, region: Region, samples: tuple[str, ...] = ()) -> str | None:
        """A resource that lies in a region, one of the samples if possible; None when none was found."""
        key = (region, samples)
        if key not in self._found:
            self.work += (1 + len(region.inside)) * (1 + len(region.outside))
            self._found[key] = self._look(region, samples)
        return self._found[key]

    def _look(self, region: Region, samples: tuple[str, ...]) -> str | None:
        relevant = _reduced(region)
        if relevant is None:
            return None
        sample = next((sample for sample in samples if relevant.has(sample)), None)
        return sample or self._simple(relevant) or self._shortest(relevant)

    def _simple(self, region: Region) -> str | None:
        texts = (plain(glob.replace("*", fill).replace("?", "x")) for glob in region.inside for fill in ("x", ""))
        return next((text for text in texts if region.has(text)), None)

    def _shortest(self, region: Region) -> str | None:
        self._proofs += 1
        try:
            if self._proofs <= _MAX_PROOFS:
                found = globs.witness(region.inside or ("*",), region.outside, max_steps=_MAX_STEPS)
                return None if found is None else plain(found)
        except globs.TooComplexError:
            pass
        self.given_up = True
        return None


_MAX_STEPS = 20_000
"""Steps of one proof, some hundredths of a second."""

_MAX_PROOFS = 400


def _reduced(region: Region) -> Region | None:
    """The same region by fewer globs; None where it is seen at once that nothing lies in it."""
    if not may_meet(region.inside):
        return None
    outside = [glob for glob in region.outside if may_meet((*region.inside, glob))]
    if any(globs.surely_includes(wide, narrow) for wide in outside for narrow in region.inside):
        return None
    inside = list(region.inside)
    for glob in region.inside:
        if any(other != glob and globs.surely_includes(glob, other) for other in inside):
            inside.remove(glob)
    return Region(tuple(inside), tuple(outside))


def may_meet(inside: tuple[str, ...]) -> bool:
    """Whether globs agree in what stands before their first wildcards: a quick no for most pairs of ARNs."""
    starts = sorted(glob.split("*", 1)[0].split("?", 1)[0] for glob in inside)
    return all(longer.startswith(shorter) for shorter, longer in pairwise(starts))


class Part(NamedTuple):
    """One part of what a statement names.

    Attributes:
        region: Where.
        written: The pattern, as it stands in the policy.
        sure: Whether it names all of the region.
    """

    region: Region
    written: str
    sure: bool


def parts_of(statement: Statement, document: PolicyDocument, context: Context) -> list[Part]:
    """What a statement names, pattern by pattern; of `NotResource` all in one."""
    if statement.resources is not None:
        found = [(resource_glob(pattern, context, document.version), pattern) for pattern in statement.resources]
        return [Part(Region((glob[0],)), pattern, glob[1]) for glob, pattern in found if glob is not None]
    if statement.not_resources is None:
        return []
    excluded = [resource_glob(pattern, context, document.version) for pattern in statement.not_resources]
    # Of what may be excluded, only that counts which surely is: the rest may be named.
    region = Region((), tuple(glob for found in excluded if found is not None and found[1] for glob in found[:1]))
    sure = all(found is None or found[1] for found in excluded)
    return [Part(region, "all but " + ", ".join(statement.not_resources), sure)]
