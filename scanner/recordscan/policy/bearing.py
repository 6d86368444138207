"""What every layer of a writer's policies says of one action, pattern by pattern, before a resource is chosen."""

from collections.abc import Iterable

from recordscan.facts import Fact, Known, Unavailable
from recordscan.policy.authorize import bound_by_rcps
from recordscan.policy.documents import Statement
from recordscan.policy.matching import literal
from recordscan.policy.regions import Part, Region, parts_of
from recordscan.policy.rows import LayerName, Policy, Row, row_of, row_of_grant
from recordscan.policy.writer import Question, Writer

UNREAD = Part(Region(), "*", sure=False)
"""What a limit that could not be read may name."""

_RESOURCE = {"Resource", "NotResource"}


class Bearing:
    """What every layer says of one action in one zone, but for the resource.

    Attributes:
        grants: Alternatives: each a list of grants, and the lists of limits that bind them.
        denied: Regions that are surely denied, as globs.
        spared: Of each denial of all but some resources, these: one of them it must be.
        rows: How many statements there are.
    """

    def __init__(self, writer: Writer, question: Question) -> None:
        self.rows = 0
        self.denied: list[str] = []
        self.spared: list[list[Part]] = []
        self._request = writer.request(question)
        self._layers = writer.layers(question.action, question.resource)
        boundary = self._layers.boundary
        self._has_boundary = None if isinstance(boundary, Unavailable) else boundary.value is not None
        self.grants = self._plans()
        if isinstance(self._layers.rcps, Known) and bound_by_rcps(self._request):
            for _, policies in self._layers.rcps.value:
                self._allowed("rcp", policies)

    def _plans(self) -> list[tuple[list[Part], list[list[Part]]]]:
        layers, requester = self._layers, self._request.requester
        identity = [part for part, _ in self._fact("identity", layers.identity)]
        if requester.kind == "root":
            identity.append(Part(Region(), "*", sure=True))
        resource = Known(()) if _is_none(layers.resource) else _as_policies(layers.resource)
        by_resource = self._fact("resource", resource, binding=True)
        direct = [part for part, row in by_resource if row is not None and row.cover != "account"] + self._kms_grants()
        account = [part for part, row in by_resource if row is None or row.cover == "account"]
        scps = self._levels()
        limiting: tuple[tuple[LayerName, Fact[tuple[Policy, ...] | None]], ...] = (
            ("boundary", layers.boundary),
            ("session", layers.session),
        )
        limits = [
            [part for part, _ in self._fact(name, _as_policies(fact), binding=True)]
            for name, fact in limiting
            if not _is_none(fact)
        ]
        if requester.account != self._request.resource_account:
            return [(identity, [[*direct, *account], *limits, *scps])]
        delegated = [account] if self._request.needs_resource_policy else []
        plans = [(identity, [*delegated, *limits, *scps]), (direct, [*limits, *scps])]
        return [*plans, (direct, scps)] if limits else plans

    def _levels(self) -> list[list[Part]]:
        fact = self._layers.scps
        if isinstance(fact, Unavailable) or self._request.requester.service_linked:
            return []
        return [[part for part, _ in self._allowed("scp", policies)] for _, policies in fact.value or ()]

    def _fact(
        self, layer: LayerName, fact: Fact[tuple[Policy, ...]], *, binding: bool = False
    ) -> list[tuple[Part, Row | None]]:
        if isinstance(fact, Known):
            return list(self._allowed(layer, fact.value))
        return [(UNREAD, None)] if binding else []

    def _allowed(self, layer: LayerName, policies: Iterable[Policy]) -> list[tuple[Part, Row | None]]:
        """What a layer's policies allow. What they deny is noted."""
        found: list[tuple[Part, Row | None]] = []
        for policy in policies:
            for statement in policy.document.statements:
                self.rows += 1
                row = row_of(statement, policy, layer, self._request, has_boundary=self._has_boundary)
                if not set(row.misses) <= _RESOURCE:
                    continue
                if row.effect == "Allow":
                    parts = parts_of(statement, policy.document, self._request.context)
                    found += [(part._replace(sure=part.sure and not row.open), row) for part in parts]
                elif not row.open:
                    self._deny(statement, policy)
        return found

    def _deny(self, statement: Statement, policy: Policy) -> None:
        parts = parts_of(statement, policy.document, self._request.context)
        if statement.not_resources is None:
            self.denied += [part.region.inside[0] for part in parts if part.sure]
        elif parts and parts[0].sure:
            self.spared.append([Part(Region((glob,)), glob, sure=True) for glob in parts[0].region.outside])

    def _kms_grants(self) -> list[Part]:
        fact, request = self._layers.grants, self._request
        if isinstance(fact, Unavailable) or not request.on_kms_key:
            return []
        rows = [row for grant in fact.value if (row := row_of_grant(grant, request)) is not None]
        region = Region((literal(request.resource),))
        return [Part(region, f"grant {row.label}", sure=bool(row.applies)) for row in rows if row.applies is not False]


def _is_none(fact: Fact[object]) -> bool:
    return isinstance(fact, Known) and fact.value is None


def _as_policies(fact: Fact[Policy | None] | Fact[tuple[Policy, ...] | None]) -> Fact[tuple[Policy, ...]]:
    if isinstance(fact, Unavailable):
        return fact
    if isinstance(fact.value, Policy):
        return Known((fact.value,), fact.source)
    return Known(fact.value or (), fact.source)
