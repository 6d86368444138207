"""What of Twilio's template a writer is not allowed, and statements that look like protection and are none."""

from collections.abc import Iterator
from dataclasses import dataclass

from recordscan.facts import Fact, Unavailable, derive, need
from recordscan.policy.actions import expand, expand_statement
from recordscan.policy.bearing import Bearing
from recordscan.policy.documents import PolicyDocument, Statement
from recordscan.policy.matching import literal
from recordscan.policy.regions import Examples, Part, Region, meet
from recordscan.policy.template import NEEDED_KEY_ACTIONS, UPLOAD_ACTIONS, template_grants
from recordscan.policy.writer import Question, Writer


@dataclass(frozen=True, slots=True, kw_only=True)
class Lack:
    """One action of the template that a writer is not allowed, whatever is unknown.

    Attributes:
        action: In AWS's spelling.
        resource: One resource of the template on which it is not allowed.
        because: The statements that stop it, or what would have to allow it, in words.
        needed: Whether uploads need it; else the guide grants it, but nothing asks for it.
    """

    action: str
    resource: str
    because: tuple[str, ...]
    needed: bool


def lacks(writer: Writer) -> Fact[tuple[Lack, ...]]:
    """What of the template a writer is not allowed, first what uploads need.

    Of the key, what S3 asks for must be allowed through S3; all else directly or through S3. Where nothing is lacking
    for sure, but a layer that could not be read may stop something that is needed, that is not known.
    """
    gaps: list[Unavailable] = []
    found = [*_upload_lacks(writer, gaps), *_key_lacks(writer, gaps)]
    if gaps and not found:
        return gaps[0]

    def cited() -> tuple[Lack, ...]:
        for fact in writer.read:
            need(fact)
        return tuple(sorted(found, key=lambda lack: not lack.needed))

    return derive(cited)


def no_op_denials(document: PolicyDocument) -> tuple[Statement, ...]:
    """Statements that deny no action at all, as `Deny` with `NotAction: "*"` in the guide's own template."""
    return tuple(s for s in document.statements if s.valid and s.effect == "Deny" and not expand_statement(s))


def _upload_lacks(writer: Writer, gaps: list[Unavailable]) -> Iterator[Lack]:
    for action in UPLOAD_ACTIONS:
        for resource in _objects(writer, action):
            decision = writer.ask(Question(action=action, resource=resource))
            gaps += decision.gaps
            if decision.allowed is False:
                yield Lack(action=action, resource=resource, because=decision.because, needed=True)
                break


def _objects(writer: Writer, action: str) -> Iterator[str]:
    """Objects under the prefix: an ordinary one, one that no statement of some layer allows, one that is denied."""
    place = writer.place
    ordinary = f"{place.bucket_arn}/{place.prefix}RT0"
    yield ordinary
    # The bare prefix is no name that is ever written, and many policies leave it out.
    own = Region((f"{literal(place.bucket_arn)}/{literal(place.prefix)}?*",))
    bearing = Bearing(writer, Question(action=action, resource=ordinary))
    examples = Examples()
    granting = [part for grants, _ in bearing.grants for part in grants]
    for parts in (granting, *(limit for _, limits in bearing.grants for limit in limits)):
        uncovered = _uncovered(own, parts, examples)
        if uncovered is not None:
            yield uncovered
    for glob in bearing.denied:
        denied = examples.find(meet([own, Region((glob,))]))
        if denied is not None:
            yield denied


def _uncovered(own: Region, parts: list[Part], examples: Examples) -> str | None:
    """A resource that none of the parts names."""
    if any(not part.region.inside for part in parts):
        return None
    return examples.find(meet([own, Region((), tuple(part.region.inside[0] for part in parts))]))


def _key_lacks(writer: Writer, gaps: list[Unavailable]) -> Iterator[Lack]:
    key_arn = writer.place.key_arn
    if key_arn is None:
        return
    patterns = [p for grant in template_grants(writer.place) for p in grant.actions if p.startswith("kms:")]
    for action in dict.fromkeys(action for pattern in patterns for action in expand(pattern)):
        needed = action in NEEDED_KEY_ACTIONS
        decisions = [writer.ask(question) for question in _ways(action, key_arn, directly=not needed)]
        if needed and not any(decision.allowed for decision in decisions):
            gaps += [gap for decision in decisions for gap in decision.gaps]
        if all(decision.allowed is False for decision in decisions):
            yield Lack(action=action, resource=key_arn, because=decisions[0].because, needed=needed)


def _ways(action: str, key_arn: str, *, directly: bool) -> Iterator[Question]:
    for bucket_key in (False, True):
        yield Question(action=action, resource=key_arn, through_s3=True, bucket_key=bucket_key)
    if directly:
        yield Question(action=action, resource=key_arn)
