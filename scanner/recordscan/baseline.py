"""Baselines: the findings that were there at some time, so that new ones stand out. A baseline never hides anything."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from recordscan.diff import Change, entries_of, gone
from recordscan.result import (
    FINGERPRINT_VERSION,
    Assessment,
    BaselineEntry,
    BaselineRecord,
    FindingRecord,
    ScanResult,
)

BASELINE_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """The findings of one scan.

    Attributes:
        version: Of the form of the file.
        scan_id: Of the scan.
        created: When it began, UTC, ISO 8601 with `Z`.
        tool_version: That judged it.
        entries: Its findings, by fingerprint; those of earlier baselines, too, that it could not observe.
        fingerprint_version: Of the fingerprints; those of another version match nothing.
        rules: Ids of the rules that it ran; () in baselines of older versions, which do not tell.
        checks: Fingerprint of each check → when it was first judged, as far back as baselines tell.
    """

    version: int
    scan_id: str
    created: str
    tool_version: str
    entries: tuple[BaselineEntry, ...]
    fingerprint_version: int = FINGERPRINT_VERSION
    rules: tuple[str, ...] = ()
    checks: dict[str, str] = field(default_factory=dict)


def baseline_of(result: ScanResult) -> Baseline:
    """The baseline that a result makes."""
    return Baseline(
        version=BASELINE_VERSION,
        scan_id=result.scan.scan_id,
        created=result.scan.started,
        tool_version=result.scan.tool_version,
        entries=entries_of(result),
        rules=tuple(sorted(rule.id for rule in result.rules)),
        checks={a.fingerprint: a.first_seen or result.scan.started for a in result.assessments},
    )


def label(
    assessments: tuple[Assessment, ...], baseline: Baseline, started: str, ids: Mapping[str, str] | None = None
) -> tuple[Assessment, ...]:
    """The assessments with every finding told to be new or existing, and since when.

    What a rule finds that the baseline's scan did not run is told apart: it may have been there all the time.

    Args:
        assessments: Of a scan.
        baseline: To compare with.
        started: When the scan began.
        ids: Every id that the rules have or had → the id that they have now.
    """
    ids = ids or {}
    seen = {entry.fingerprint: entry.first_seen for entry in baseline.entries}
    ran = {ids.get(name, name) for name in baseline.rules}

    def labelled(finding: FindingRecord, rule_id: str) -> FindingRecord:
        since = _first(seen, finding)
        new = "new" if not ran or rule_id in ran else "rule_added"
        return replace(finding, lifecycle="existing" if since else new, first_seen=since or started)

    return tuple(
        replace(
            assessment,
            findings=tuple(labelled(finding, assessment.rule_id) for finding in assessment.findings),
            first_seen=_first(baseline.checks, assessment) or started,
        )
        for assessment in assessments
    )


def _first(times: Mapping[str, str], item: Assessment | FindingRecord) -> str | None:
    """The earliest time of any fingerprint that something has or had."""
    return min((times[name] for name in (item.fingerprint, *item.aliases) if name in times), default=None)


def record(result: ScanResult, baseline: Baseline) -> BaselineRecord:
    """What became of a baseline's findings that a result does not have."""
    found = (finding for assessment in result.assessments for finding in assessment.findings)
    present = {name for finding in found for name in (finding.fingerprint, *finding.aliases)}
    missing = [entry for entry in baseline.entries if entry.fingerprint not in present]
    changes = {entry.fingerprint: gone(entry, result).change for entry in missing}
    return BaselineRecord(
        scan_id=baseline.scan_id,
        created=baseline.created,
        entries=len(baseline.entries),
        resolved=tuple(entry for entry in missing if changes[entry.fingerprint] is Change.RESOLVED),
        not_observed=tuple(entry for entry in missing if changes[entry.fingerprint] is Change.NOT_OBSERVED),
    )
