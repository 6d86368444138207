"""Where one action is allowed to a writer: requests that the evaluator allows, looked for pattern by pattern.

What a statement names is met with what every limit names (boundary, session, each level of the organization), without
what is surely denied. An example from what is left is asked of the evaluator, which has the last word: the search can
miss something, but what it finds is allowed.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice, product
from typing import NamedTuple

from recordscan.policy.authorize import Decision
from recordscan.policy.bearing import UNREAD, Bearing
from recordscan.policy.families import Zone
from recordscan.policy.matching import literal, resource_matches
from recordscan.policy.regions import Examples, Part, Region, may_meet, meet
from recordscan.policy.writer import Question, Writer

MAX_CHOICES = 256
"""Choices of one pattern of each limit that are looked at for one pattern that grants."""

MAX_HITS = 20
"""Patterns that grant one action in one zone, of those that were found."""

MAX_WORK = 1_000_000
"""Statements held against requests, and patterns against each other, for one writer: some seconds."""


class Hit(NamedTuple):
    """A request that is allowed, or may be.

    Attributes:
        question: What was asked.
        decision: How it is decided.
        written: The pattern that grants it.
    """

    question: Question
    decision: Decision
    written: str


class Search:
    """A search of all that is allowed to one writer.

    Attributes:
        given_up: Whether something may have been missed because the policies are too many or too complex.
    """

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._examples = Examples()
        self._work = 0
        self._cut_short = False

    @property
    def given_up(self) -> bool:
        return self._examples.given_up or self._cut_short or self._exhausted

    @property
    def _exhausted(self) -> bool:
        return self._work + self._examples.work > MAX_WORK

    def hits(self, action: str, zone: Zone, besides: Iterable[str] = ()) -> list[Hit]:
        """Requests for an action in a zone that are allowed or may be, one for each of some patterns that grant it.

        A KMS key is asked for directly first, and then through S3.

        Args:
            action: A concrete action.
            zone: Where.
            besides: Globs of what does not count there.
        """
        for through_s3 in (False, True) if action.lower().startswith("kms:") else (False,):
            question = Question(action=action, resource=zone.samples[0], through_s3=through_s3)
            if self._exhausted:
                break
            bearing = Bearing(self._writer, question)
            self._work += bearing.rows
            without = Region((), (*besides, *bearing.denied))
            for region in zone.regions:
                if zone.exact:
                    found = [] if literal(question.resource) in besides else self._exactly(question, bearing)
                else:
                    found = list(
                        islice(self._within(question, bearing, meet([region, without]), zone.samples), MAX_HITS)
                    )
                if found:
                    return found
        return []

    def _exactly(self, question: Question, bearing: Bearing) -> list[Hit]:
        granting = [part for parts, _ in bearing.grants for part in parts if _names(part, question)]
        if not granting:
            return []
        decision = self._ask(question)
        return [] if decision.allowed is False else [Hit(question, decision, part.written) for part in granting]

    def _within(self, question: Question, bearing: Bearing, region: Region, samples: tuple[str, ...]) -> Iterator[Hit]:
        done: set[str] = set()
        for grants, limits in bearing.grants:
            binding = [limit for limit in limits if not _unlimited(limit)] + bearing.spared
            binding = [_fitting(limit, region) for limit in binding]
            for grant in _fitting(grants, region):
                if grant.written in done:
                    continue
                regions = (meet([region, grant.region, *(p.region for p in choice)]) for choice in product(*binding))
                hit = self._first_allowed(question, grant.written, regions, samples)
                if hit is None:
                    continue
                done.add(grant.written)
                yield hit
                if hit.decision.allowed and grant.region.everything:
                    return

    def _first_allowed(
        self, question: Question, written: str, regions: Iterable[Region], samples: tuple[str, ...]
    ) -> Hit | None:
        """The first request that is allowed, or else the first that may be."""
        best: Hit | None = None
        for count, region in enumerate(regions):
            if count == MAX_CHOICES or self._exhausted:
                self._cut_short = True
                break
            self._work += 1
            resource = self._examples.find(region, samples)
            if resource is None:
                continue
            asked = replace(question, resource=resource)
            decision = self._ask(asked)
            if decision.allowed:
                return Hit(asked, decision, written)
            if decision.allowed is None and best is None:
                best = Hit(asked, decision, written)
        return best

    def _ask(self, question: Question) -> Decision:
        decision = self._writer.ask(question)
        self._work += len(decision.rows)
        return decision


def _names(part: Part, question: Question) -> bool:
    if question.resource == "*":
        service = question.action.partition(":")[0].lower()
        return not part.region.outside and all(resource_matches(glob, "*", service) for glob in part.region.inside)
    return part.region.has(question.resource)


def _fitting(parts: list[Part], region: Region) -> list[Part]:
    """Those that may meet a region, each once; those that name everything and those that surely do come first."""
    fitting = [part for part in dict.fromkeys(parts) if may_meet(region.inside + part.region.inside)]
    return sorted(fitting, key=lambda part: (not part.region.everything, not part.sure))


def _unlimited(limit: list[Part]) -> bool:
    return any(part.region.everything and part.sure for part in limit) or limit == [UNREAD]
