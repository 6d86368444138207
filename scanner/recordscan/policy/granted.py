"""The actions that some policy of a writer could grant, in groups that no policy tells apart.

`*` names fifteen thousand actions, but the policies of one writer tell them apart by a few dozen patterns. What holds
for one action of a group holds for all.
"""

from dataclasses import dataclass

from recordscan.facts import Known
from recordscan.policy.actions import expand, expand_statement, known
from recordscan.policy.families import FAMILIES, Zone, telling, zones_of
from recordscan.policy.globs import includes
from recordscan.policy.matching import names_action
from recordscan.policy.rows import Grant
from recordscan.policy.template import Place, template_grants
from recordscan.policy.writer import Writer


@dataclass(frozen=True, slots=True, kw_only=True)
class Alike:
    """Actions that no policy tells apart.

    Attributes:
        actions: The most telling one first.
        zones: Where they can be.
        besides: Globs of the resources on which the template grants them.
    """

    actions: tuple[str, ...]
    zones: tuple[Zone, ...]
    besides: tuple[str, ...]

    @property
    def example(self) -> str:
        """One action to ask for; a pattern that names no known action is made concrete."""
        return self.actions[0].replace("*", "X").replace("?", "X")


def alike_actions(writer: Writer) -> list[Alike]:
    """All actions that an Allow names, whether or not it reaches the writer, in groups, the worst first."""
    seen_from = writer.surroundings
    groups: dict[tuple[int, str, tuple[str, ...], tuple[Zone, ...]], list[str]] = {}
    for action, told in _told_apart(writer).items():
        service = action.partition(":")[0].lower()
        key = (told, service, templated((writer.place, *writer.also), action), zones_of(action, seen_from))
        groups.setdefault(key, []).append(action)
    worst = {family: rank for rank, family in enumerate(FAMILIES)}
    found = [
        Alike(actions=tuple(sorted(actions, key=telling)), zones=zones, besides=besides)
        for (_, _, besides, zones), actions in groups.items()
    ]
    return sorted(found, key=lambda alike: min(worst[zone.family] for zone in alike.zones))


def templated(places: tuple[Place, ...], action: str) -> tuple[str, ...]:
    """Globs of the resources on which the template for some places grants an action, or all that a pattern names."""
    if action.partition(":")[0].lower() not in ("s3", "kms"):
        return ()
    return tuple(
        grant.resource
        for place in places
        for grant in template_grants(place)
        if any(includes(pattern.lower(), action.lower()) for pattern in grant.actions)
    )


def _told_apart(writer: Writer) -> dict[str, int]:
    """Each action that is granted somewhere, to the policy elements that name it, as bits."""
    all_layers = [layers for layers in (writer.on_bucket, writer.on_key) if layers is not None]
    statements = {
        (s.actions, s.not_actions): s
        for layers in all_layers
        for policy in layers.policies
        for s in policy.document.statements
    }
    known_grants = [layers.grants.value for layers in all_layers if isinstance(layers.grants, Known)]
    operations = {grant.operations: grant for grants in known_grants for grant in grants}
    granted = dict.fromkeys(expand("*"), 0) if writer.requester.kind == "root" else {}
    for statement in (s for layers in all_layers for p in layers.granting for s in p.document.statements):
        if statement.effect == "Allow":
            granted.update(dict.fromkeys(expand_statement(statement), 0))
    for grant in operations.values():
        granted.update(dict.fromkeys(_actions_of(grant), 0))

    # An element tells actions apart by its patterns, no matter whether it names them or all others.
    patterns = [s.not_actions if s.actions is None else s.actions for s in statements.values()]
    told_by = [{action for pattern in some or () for action in expand(pattern)} for some in patterns]
    for bit, actions in enumerate([*told_by, *map(_actions_of, operations.values())]):
        for action in actions:
            if action in granted:
                granted[action] |= 1 << bit
    for action in [action for action in granted if not known(action)]:
        # No other statement expands to what the data does not have.
        granted[action] = sum(names_action(some or (), action.lower()) << bit for bit, some in enumerate(patterns))
    return granted


def _actions_of(grant: Grant) -> tuple[str, ...]:
    return tuple(action for operation in grant.operations for action in expand(f"kms:{operation}"))
