"""Baselines: the findings that were there at some time, so that new ones stand out. A baseline never hides anything."""

from dataclasses import dataclass, replace

from recordscan.diff import Change, entries_of, gone
from recordscan.result import Assessment, BaselineEntry, BaselineRecord, ScanResult

BASELINE_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """The findings of one scan.

    Attributes:
        version: Of the form of the file.
        scan_id: Of the scan.
        created: When it began, UTC, ISO 8601 with `Z`.
        tool_version: That judged it.
        entries: Its findings, by fingerprint.
    """

    version: int
    scan_id: str
    created: str
    tool_version: str
    entries: tuple[BaselineEntry, ...]


def baseline_of(result: ScanResult) -> Baseline:
    """The baseline that a result makes."""
    return Baseline(
        version=BASELINE_VERSION,
        scan_id=result.scan.scan_id,
        created=result.scan.started,
        tool_version=result.scan.tool_version,
        entries=entries_of(result),
    )


def label(assessments: tuple[Assessment, ...], baseline: Baseline, started: str) -> tuple[Assessment, ...]:
    """The assessments with every finding told to be new or existing, and since when.

    Args:
        assessments: Of a scan.
        baseline: To compare with.
        started: When the scan began.
    """
    seen = {entry.fingerprint: entry.first_seen for entry in baseline.entries}
    return tuple(
        replace(
            assessment,
            findings=tuple(
                replace(
                    finding,
                    lifecycle="existing" if finding.fingerprint in seen else "new",
                    first_seen=seen.get(finding.fingerprint, started),
                )
                for finding in assessment.findings
            ),
        )
        for assessment in assessments
    )


def record(result: ScanResult, baseline: Baseline) -> BaselineRecord:
    """What became of a baseline's findings that a result does not have."""
    present = {finding.fingerprint for assessment in result.assessments for finding in assessment.findings}
    missing = [entry for entry in baseline.entries if entry.fingerprint not in present]
    changes = {entry.fingerprint: gone(entry, result).change for entry in missing}
    return BaselineRecord(
        scan_id=baseline.scan_id,
        created=baseline.created,
        entries=len(baseline.entries),
        resolved=tuple(entry for entry in missing if changes[entry.fingerprint] is Change.RESOLVED),
        not_observed=tuple(entry for entry in missing if changes[entry.fingerprint] is Change.NOT_OBSERVED),
    )
