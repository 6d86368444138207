"""Rules: requirements, written as functions that yield what breaks them.

A rule yields nothing and passes, yields findings and fails, leaves through `need()` and is unknown, leaves through
`not_applicable()` and does not count. Rules are collected by entry point, so a built-in rule and a stranger's plugin
reach the engine in the same way.
"""

import inspect
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal, Protocol, TypeAlias, TypeVar

from recordscan.errors import PluginError
from recordscan.estate.estate import Estate
from recordscan.facts import Json, Source
from recordscan.frameworks import NAMES
from recordscan.profile import Profile
from recordscan.remedy import Mend, Remedy, by_hand

S = TypeVar("S", bound="Subject")


class Severity(StrEnum):
    """How bad a failure is, from informative to critical. Compares in that order."""

    INFO = "info"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """0 for info up to 4 for critical."""
        return _RANKS[self]


_RANKS = {severity: rank for rank, severity in enumerate(Severity)}


class Subject(Protocol):
    """Anything that a rule can be about. `uid` is unique and stable from scan to scan."""

    @property
    def uid(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def provider(self) -> str: ...
    @property
    def account_id(self) -> str | None: ...
    @property
    def region_name(self) -> str | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One defect seen by a rule.

    Attributes:
        message: One sentence that names the resource and what is wrong with it.
        resources: ARNs, SIDs or URLs of what shows the defect, the most telling first.
        severity: Milder than the rule's own, where circumstances make it so; None for the rule's own.
        expected: What the requirement asks for, in a few words.
        observed: What was found, in a few words.
        discriminator: Tells this finding from others of the same rule on the same subject, and stays the same from scan
            to scan. The first resource where not given.
        evidence: Places in the observations that show this very defect, beside those that the rule needed.
    """

    message: str
    resources: tuple[str, ...] = ()
    severity: Severity | None = None
    expected: str | None = None
    observed: str | None = None
    discriminator: str = ""
    evidence: Source = ()


Findings: TypeAlias = Iterable[Finding]


def finding(
    message: str,
    *resources: str,
    severity: Severity | None = None,
    expected: str | None = None,
    observed: str | None = None,
    discriminator: str | None = None,
    evidence: Source = (),
) -> Finding:
    """Make a finding; see `Finding` for the parts."""
    if discriminator is None:
        discriminator = resources[0] if resources else ""
    return Finding(
        message=message,
        resources=resources,
        severity=severity,
        expected=expected,
        observed=observed,
        discriminator=discriminator,
        evidence=evidence,
    )


Mark = Literal["official", "peer", "proposal"]
MARKS: tuple[Mark, ...] = ("official", "peer", "proposal")
"""From the most to the least authoritative."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """One control of a framework that a rule gives evidence for.

    Attributes:
        framework: Short name, such as `security_hub` or `nist_800_53_r5`.
        control: The framework's own id, such as `S3.5`.
        mark: Where the mapping comes from: the framework's or cloud's own text, a peer's data, or our proposal.
    """

    framework: str
    control: str
    mark: Mark


FRAMEWORKS = NAMES
"""Short names of frameworks to the names that people know them by."""


def _controls(mark: Mark, frameworks: dict[str, Sequence[str]]) -> tuple[Control, ...]:
    return tuple(
        Control(framework=framework, control=control, mark=mark)
        for framework, ids in frameworks.items()
        for control in ([ids] if isinstance(ids, str) else ids)
    )


def official(**frameworks: Sequence[str]) -> tuple[Control, ...]:
    """Controls whose mapping the framework or AWS states itself: `official(security_hub=["S3.5"])`."""
    return _controls("official", frameworks)


def peer(**frameworks: Sequence[str]) -> tuple[Control, ...]:
    """Controls whose mapping is taken from a peer's published data."""
    return _controls("peer", frameworks)


def proposal(**frameworks: Sequence[str]) -> tuple[Control, ...]:
    """Controls that we propose; an auditor should review the mapping."""
    return _controls("proposal", frameworks)


Check: TypeAlias = Callable[..., Findings | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One requirement about one kind of subject.

    Attributes:
        id: Kebab-case, stable for ever.
        title: The requirement in the positive.
        severity: The worst that a failure can be; a finding may be milder, never worse.
        family: Chapter of the catalogue: the name of the module that holds the rule.
        rationale: Why it matters, Markdown; the docstring of the function.
        remediation: What to do about a failure, Markdown.
        subjects: Gives the subjects of an estate, such as `Estate.targets`.
        check: The function.
        controls: Controls that a verdict is evidence for.
        references: https links to the pages that the requirement rests on.
        guide: The sentence of Twilio's guide that asks for it; None where it comes from elsewhere.
        peers: Nearest checks of other tools, such as `prowler:s3_bucket_object_versioning`.
        options: What an organisation may set for this rule, name → default. The check takes them as third parameter.
        parameters: How many of subject, profile and options the check takes.
        aliases: Ids that the rule had before, the oldest first: what was written down under these is still about it.
        mend: Yields the steps that mend a failure, see `recordscan.mending`; None where nobody wrote them.
    """

    id: str
    title: str
    severity: Severity
    family: str
    rationale: str
    remediation: str
    subjects: Callable[[Estate], Sequence[Any]]
    check: Check
    controls: tuple[Control, ...] = ()
    references: tuple[str, ...] = ()
    guide: str | None = None
    peers: tuple[str, ...] = ()
    options: Mapping[str, Json] = field(default_factory=dict)
    parameters: int = 1
    aliases: tuple[str, ...] = ()
    mend: Mend | None = None

    @property
    def foreign(self) -> bool:
        """Whether it is not recordscan's own, but came by a plugin or a file."""
        return not self.check.__module__.startswith("recordscan_rules.")

    def findings(self, subject: Subject, profile: Profile) -> Findings:
        """Run the check on one subject."""
        options = dict(self.options)
        for name in (*self.aliases, self.id):
            options |= profile.options.get(name, {})
        found = self.check(*(subject, profile, options)[: self.parameters])
        return found if found is not None else ()

    def remedy(self, subject: Subject, profile: Profile) -> Remedy | None:
        """Work out the steps that mend a failure on one subject; None where the rule has none.

        Raises:
            ByHand: A person must act.
            Missing: A fact is unavailable.
        """
        if self.mend is None:
            return None
        return Remedy(steps=tuple(self.mend(subject, profile) if _takes(self.mend, 2) else self.mend(subject)))

    def refusal(self, options: Mapping[str, Json]) -> str | None:
        """What is wrong with values for this rule's options, in a sentence; None for nothing."""
        for name, value in options.items():
            if name not in self.options:
                known = ", ".join(self.options) or "none"
                return f"the rule {self.id!r} has no option {name!r}; it has: {known}"
            wanted = type(self.options[name])
            if type(value) is not wanted:
                return f"the option {name!r} of the rule {self.id!r} is no {_TYPES[wanted]}: {value!r}"
        return None


def current_ids(rules: Iterable[Rule]) -> dict[str, str]:
    """Every id that rules have or had to the id that they have now."""
    return {name: rule.id for rule in rules for name in (rule.id, *rule.aliases)}


_TYPES: Mapping[type, str] = {bool: "true or false", int: "whole number", str: "text", list: "list"}
"""The types that options have, for people."""


_ID = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)+\Z")


def rule_over(
    subjects: Callable[[Estate], Sequence[S]],
    id: str,
    *,
    title: str,
    severity: Severity,
    remediation: str,
    controls: tuple[Control, ...] = (),
    references: tuple[str, ...] = (),
    guide: str | None = None,
    peers: tuple[str, ...] = (),
    options: Mapping[str, Json] | None = None,
    aliases: tuple[str, ...] = (),
    remedy: Mend | str | None = None,
) -> Callable[[Callable[..., Findings | None]], Rule]:
    """Make a rule of a function; the parts are those of `Rule`.

    Args:
        remedy: The function that yields the steps that mend a failure, or, as a clause, why a person must act.

    Raises:
        PluginError: The id or an alias is no kebab-case name, the docstring is missing, the severity is no `Severity`,
            a reference is no https link, an option's default has no type of `_TYPES`, the function takes other than a
            subject and, at most, a profile and options, or the remedy other than a subject and, at most, a profile.
    """

    def make(check: Callable[..., Findings | None]) -> Rule:
        where = f"rule {id!r} ({check.__module__}.{check.__qualname__})"
        if not all(_ID.match(name) for name in (id, *aliases)):
            raise PluginError(f"{where}: an id is kebab-case words, such as 'bucket-versioning'")
        if not check.__doc__:
            raise PluginError(f"{where}: the docstring, which is the rule's rationale, is missing")
        if not isinstance(severity, Severity):
            names = ", ".join(f"Severity.{level.name}" for level in Severity)
            raise PluginError(f"{where}: the severity {severity!r} is none of {names}")
        parameters = len(inspect.signature(check).parameters)
        if parameters not in (1, 2, 3) or (parameters == 3) != bool(options):
            raise PluginError(
                f"{where}: a rule takes a subject and, at most, a profile and the options that it declares"
            )
        for name, default in (options or {}).items():
            if type(default) not in _TYPES:
                raise PluginError(
                    f"{where}: the default of the option {name!r} is none of {', '.join(_TYPES.values())}"
                )
        if callable(remedy) and not (_takes(remedy, 1) or _takes(remedy, 2)):
            raise PluginError(f"{where}: a remedy takes a subject and, at most, a profile")
        for link in references:
            if not link.startswith("https://"):
                raise PluginError(f"{where}: the reference {link!r} is no https link")
        return Rule(
            id=id,
            title=title,
            severity=severity,
            family=check.__module__.rpartition(".")[2].replace("_", "-"),
            rationale=inspect.cleandoc(check.__doc__),
            remediation=inspect.cleandoc(remediation),
            subjects=subjects,
            check=check,
            controls=controls,
            references=references,
            guide=guide,
            peers=peers,
            options=dict(options or {}),
            parameters=parameters,
            aliases=aliases,
            mend=_by_hand(remedy) if isinstance(remedy, str) else remedy,
        )

    return make


def _takes(function: Callable[..., object], number: int) -> bool:
    return len(inspect.signature(function).parameters) == number


def _by_hand(why: str) -> Mend:
    """A remedy that never has steps."""
    return lambda _subject: by_hand(why)


def rule(
    id: str,
    *,
    title: str,
    severity: Severity,
    remediation: str,
    controls: tuple[Control, ...] = (),
    references: tuple[str, ...] = (),
    guide: str | None = None,
    peers: tuple[str, ...] = (),
    options: Mapping[str, Json] | None = None,
    aliases: tuple[str, ...] = (),
    remedy: Mend | str | None = None,
) -> Callable[[Callable[..., Findings | None]], Rule]:
    """Make a rule about each target: one Twilio storage setting joined with its bucket, key and writer."""
    return rule_over(
        Estate.all_targets,
        id,
        title=title,
        severity=severity,
        remediation=remediation,
        controls=controls,
        references=references,
        guide=guide,
        peers=peers,
        options=options,
        aliases=aliases,
        remedy=remedy,
    )
