"""`recordscan simulate`: decide requests as AWS would, from cases that need no cloud."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from recordscan.cli.streams import print_line, stdin_bytes
from recordscan.errors import CaseError
from recordscan.visible import visible

if TYPE_CHECKING:
    from recordscan.policy.authorize import Decision
    from recordscan.policy.cases import Case


@click.command(
    epilog="""\b
Example of a case:
  {"id": "upload", "expect": "Allowed",
   "request": {"principal": "arn:aws:iam::111122223333:user/twilio", "action": "s3:PutObject",
               "resource": "arn:aws:s3:::acme-video/recordings/RT1.mka"},
   "identityPolicies": [{"name": "uploads", "policy": {"Version": "2012-10-17", "Statement": [...]}}]}
"""
)
@click.argument(
    "path", metavar="[FILE|-]", default="-", type=click.Path(path_type=Path, dir_okay=False, allow_dash=True)
)
@click.option("--expect", "expecting", is_flag=True, help="Compare each decision with the `expect` of its case.")
@click.option("--explain", is_flag=True, help="Add what decides, and what all but one element would have matched.")
def simulate(*, path: Path, expecting: bool, explain: bool) -> int:
    """Decide requests as AWS would, from cases in FILE or on stdin, one JSON object a line; answers likewise.

    A case has a `request` and the policies that bear on it: `identityPolicies`, `permissionBoundaries`,
    `sessionPolicy`, `scps`, `rcps`, `resourcePolicy`, `grants` and `restrictPublicBuckets`. What it does not say is not
    there: a condition key that its `context` does not list is absent from the request.

    Exits 2 when a case is invalid or there is none, else 1 when with --expect a decision is not the expected one.
    """
    from recordscan.policy.cases import case_id, parse_case, read_case

    counts: Counter[str] = Counter()
    lines = list(_lines(path))
    if len(lines) > 1 and _is_one_document(lines):
        raise CaseError(
            f"{_named(path)}: is one JSON document over several lines; write each case in a line of its own, as "
            "`jq -c .` does, or `jq -c '.[]'` with a list"
        )
    for number, line in lines:
        label: str | int = number
        try:
            body = parse_case(line)
            label = case_id(body, number)
            case = read_case(body, expecting=expecting)
        except CaseError as error:
            answer: dict[str, Any] = {"line": number, "error": str(error)}
            counts["invalid"] += 1
        else:
            answer = _answer(case, explain=explain)
            counts["as expected" if answer.get("ok", True) else "not"] += 1
        print_line(json.dumps({"id": label, **answer}))
    if not counts:
        raise CaseError(f"{_named(path)}: there are no cases; write one JSON object a line")
    if expecting:
        words = ", ".join(f"{counts[word]} {word}" for word in ("as expected", "not", "invalid"))
        print_line(f"{counts.total()} case{'' if counts.total() == 1 else 's'}: {words}", err=True)
    return 2 if counts["invalid"] else 1 if counts["not"] else 0


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """The lines that are not blank, with their numbers.

    Raises:
        CaseError: The file cannot be read.
    """
    try:
        with stdin_bytes() if path == Path("-") else path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                # Editors on Windows begin UTF-8 files with a byte order mark.
                text = line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line
                if text.strip():
                    yield number, text
    except OSError as error:
        raise CaseError(f"{_named(path)}: cannot be read: {error.strerror}") from None


def _is_one_document(lines: Sequence[tuple[int, bytes]]) -> bool:
    """Whether the lines are no JSON one by one, but all together."""
    try:
        json.loads(lines[0][1])
    except (ValueError, RecursionError):
        pass
    else:
        return False
    try:
        json.loads(b"".join(line for _, line in lines))
    except (ValueError, RecursionError):
        return False
    return True


def _named(path: Path) -> str:
    return "stdin" if path == Path("-") else visible(str(path))


def _answer(case: "Case", *, explain: bool) -> dict[str, Any]:
    decision = case.decide()
    [outcome] = decision.outcomes  # a case is whole, so its decision is certain
    answer: dict[str, Any] = {
        "decision": outcome,
        "deny": [[row.layer, row.policy, row.label] for row in decision.denying],
        "allow": [[row.layer, row.policy, row.label] for row in decision.allowing],
    }
    if explain:
        answer["because"] = [*decision.because, *_near_misses(decision)]
    if case.warnings:
        answer["warnings"] = list(case.warnings)
    if case.expect is not None:
        differs = {} if outcome is case.expect else {"expect": case.expect}
        answer |= {**differs, "ok": outcome is case.expect}
    return answer


def _near_misses(decision: "Decision") -> list[str]:
    """Statements that would have decided otherwise, but for one element."""
    if decision.denying:
        return []
    effect, verb = ("Deny", "deny") if decision.allowed else ("Allow", "allow")
    near = [row for row in decision.rows if row.near and row.effect == effect]
    return [f"{row.where} would {verb} it but for its {row.misses[0]}" for row in near]
