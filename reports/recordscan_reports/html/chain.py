"""The picture of a target: Twilio's setting, credential, writer, bucket and key, with the state of each and between."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from recordscan.result import Assessment, ChainRecord, Outcome, RuleRecord, ScanResult
from recordscan.rule import Severity

State: TypeAlias = Literal["sound", "broken", "unknown", "none"]

STATE_WORDS: dict[State, str] = {"sound": "Sound", "broken": "Broken", "unknown": "Unknown", "none": "Not checked"}

LEAST = Severity.MEDIUM
"""What is milder leaves a link sound: the findings tell of it."""

_NODES = (
    ("Twilio setting", "url", ("settings", "url", "callbacks", "composition", "media")),
    ("AWS credential", "credential", ("credentials",)),
    ("IAM user", "writer", ("identity", "privileges", "writer")),
    (
        "S3 bucket",
        "bucket",
        (
            "bucket",
            "exposure",
            "side-doors",
            "sharing",
            "transport",
            "retention",
            "locks",
            "copies",
            "readers",
            "alarms",
            "audit-trail",
            "monitoring",
        ),
    ),
    ("KMS key", "key", ("keys", "key-access", "encryption", "encryption-at-rest")),
)
"""Title, member of the record, and the chapters whose checks say how it is."""

_LINKS = (
    ("is named", ("settings-complete", "settings-credential-exists")),
    ("holds its key", ("cred-linked", "cred-key-active", "cred-account-mismatch")),
    ("may upload", ("url-prefix-in-iam", "url-bucket-exists", "url-region-matches-bucket", "aws-ip-condition")),
    ("encrypts with", ("enc-kms-region", "enc-kms-grant", "key-state", "key-pending-deletion")),
)
"""What one does with the next, and the rules that say whether it can."""

SHOWN = 14
"""Characters of a name in the picture; the table has all of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One end of the chain.

    Attributes:
        title: What it is.
        label: Its name; "" where there is none.
        known: Whether it is known what it is.
        state: How it is.
        failed: How many of its checks failed.
    """

    title: str
    label: str
    known: bool
    state: State
    failed: int

    @property
    def short(self) -> str:
        """The name as the picture has room for it: its last part."""
        name = self.label if self.known else "not known"
        if name.startswith("arn:"):
            name = name.split(":", 5)[5].removeprefix("key/").removeprefix("user/")
        name = name.partition("://")[2] or name
        return (name if len(name) <= SHOWN else f"{name[: SHOWN - 1]}…") or "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """What lies between two ends: a verb, its state, and the rules that say so."""

    verb: str
    state: State
    rules: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """A target as a picture."""

    name: str
    nodes: tuple[Node, ...]
    links: tuple[Link, ...]

    @property
    def summary(self) -> str:
        """In words, for who does not see the picture."""
        parts = [f"{node.title} {STATE_WORDS[node.state].lower()}" for node in self.nodes]
        return ", ".join(parts)


def chains_of(result: ScanResult) -> tuple[Chain, ...]:
    """The pictures of all targets with a Twilio setting that is in use, or with a bucket."""
    rules = {rule.id: rule for rule in result.rules}
    names = {assessment.subject.uid: assessment.subject.name for assessment in result.assessments}
    by_target: dict[str, list[Assessment]] = {}
    for assessment in result.assessments:
        by_target.setdefault(assessment.subject.uid, []).append(assessment)
    return tuple(
        _chain(record, names.get(record.target, record.target), by_target.get(record.target, []), rules)
        for record in result.chains
        if record.bucket is not None or "bucket" in record.unknown
    )


def _chain(record: ChainRecord, name: str, assessments: Iterable[Assessment], rules: Mapping[str, RuleRecord]) -> Chain:
    found = list(assessments)
    nodes = []
    for title, member, families in _NODES:
        own = [a for a in found if rules[a.rule_id].family in families]
        label: str | None = getattr(record, member)
        known = member not in record.unknown
        nodes.append(
            Node(
                title=title,
                label=label or "",
                known=known,
                state=_state(own) if label is not None or not known else "none",
                failed=sum(a.outcome is Outcome.FAIL for a in own),
            )
        )
    links = tuple(
        Link(
            verb=verb,
            state=_state([a for a in found if a.rule_id in ids]),
            rules=tuple(a.rule_id for a in found if a.rule_id in ids and a.outcome is not Outcome.NOT_APPLICABLE),
        )
        for verb, ids in _LINKS
    )
    return Chain(name=name, nodes=tuple(nodes), links=links)


def _state(assessments: Iterable[Assessment]) -> State:
    """The worst that checks of some weight say; "none" where none applied."""
    applied = [a for a in assessments if a.outcome is not Outcome.NOT_APPLICABLE]
    weighty = [a for a in applied if a.severity.rank >= LEAST.rank]
    if any(a.outcome is Outcome.FAIL for a in weighty):
        return "broken"
    if any(a.outcome is Outcome.UNKNOWN for a in weighty):
        return "unknown"
    return "sound" if applied else "none"
