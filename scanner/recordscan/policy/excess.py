"""What a writer of recordings may do beyond what Twilio's guide grants.

Each line of the answer is a claim that can be checked: it has a request that is not a part of the template and that
the evaluator allows, or may allow where that depends on something unknown. Actions that every policy treats alike are
looked at once, so that an administrator is told in a few lines, not in twenty thousand.
"""

from dataclasses import dataclass
from typing import TypeAlias

from recordscan.facts import Fact, Reason, Unavailable, derive, need
from recordscan.policy.authorize import Decision
from recordscan.policy.families import FAMILIES, Family, telling
from recordscan.policy.granted import alike_actions
from recordscan.policy.rows import Row
from recordscan.policy.search import Hit, Search
from recordscan.policy.writer import Question, Writer


@dataclass(frozen=True, slots=True, kw_only=True)
class Excess:
    """Some things that a writer may do, of one family.

    Attributes:
        family: Which.
        certain: Whether they are allowed, whatever is unknown; else they may be.
        actions: All of them, in AWS's spelling; what AWS's data does not have stands as it is in the policy.
        resources: Patterns that grant them, as they stand in the policies; of very many, some.
        witness: One request, to check it by.
        decision: How that is decided, with every statement.
        assumes: What of the witness's resource is taken for granted, as its policy is not known; None for nothing.
    """

    family: Family
    certain: bool
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    witness: Question
    decision: Decision
    assumes: str | None

    @property
    def rank(self) -> int:
        """From 0, the worst."""
        return list(FAMILIES).index(self.family)

    @property
    def what(self) -> str:
        """The family in words, such as "read recordings"."""
        return FAMILIES[self.family]

    @property
    def rows(self) -> tuple[Row, ...]:
        """The statements that decide the witness."""
        return self.decision.allowing if self.certain else (*self.decision.allowing, *self.decision.open)

    def named(self, limit: int = 5) -> str:
        """The actions in words, the most telling first: "s3:GetObject, s3:GetObjectAcl and 12 more"."""
        ordered = sorted(self.actions, key=telling)
        more = len(ordered) - limit
        return ", ".join(ordered[:limit]) + (f" and {more} more" if more > 0 else "")


def excess(writer: Writer) -> Fact[tuple[Excess, ...]]:
    """What a writer may do beyond the template, the worst first.

    Layers that only limit and could not be read leave lines uncertain. Where nothing is found, but a policy that might
    grant something could not be read or was too complex, that is not known.
    """
    search = Search(writer)
    found = _found(writer, search)
    if not found and writer.unread:
        return writer.unread[0]
    if not found and search.given_up:
        return Unavailable(Reason.UNDECIDABLE, "the policies are too complex to be sure that they grant nothing else")

    def cited() -> tuple[Excess, ...]:
        for fact in writer.read:
            need(fact)
        return found

    return derive(cited)


_Group: TypeAlias = list[tuple[tuple[str, ...], list[Hit]]]
"""Actions, each with the requests that show them to be allowed."""


def _found(writer: Writer, search: Search) -> tuple[Excess, ...]:
    groups: dict[tuple[Family, bool], _Group] = {}
    for alike in alike_actions(writer):
        for zone in alike.zones:
            found = search.hits(alike.example, zone, alike.besides)
            certain = any(hit.decision.allowed for hit in found)
            if found:
                kept = [hit for hit in found if bool(hit.decision.allowed) is certain]
                groups.setdefault((zone.family, certain), []).append((alike.actions, kept))
    gathered = [_gather(writer, family, certain, group) for (family, certain), group in groups.items()]
    return tuple(sorted(gathered, key=lambda line: (line.rank, not line.certain)))


def _gather(writer: Writer, family: Family, certain: bool, group: _Group) -> Excess:
    actions = {action for alike, _ in group for action in alike}
    witness = min((found[0] for _, found in group), key=lambda hit: telling(hit.question.action))
    return Excess(
        family=family,
        certain=certain,
        actions=tuple(sorted(actions, key=str.lower)),
        resources=tuple(dict.fromkeys(hit.written for _, found in group for hit in found)),
        witness=witness.question,
        decision=witness.decision,
        assumes=writer.assumption(witness.question.action, witness.question.resource),
    )
