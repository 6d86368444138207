"""A scan of a whole account of which many answers go wrong: it ends, knows all that could be read, and errs nowhere.

The fake AWS decides by a seed which request fails and how, so a failure here can be seen again.
"""

import json
from collections import Counter, defaultdict
from dataclasses import dataclass, replace

import pytest

from fake_clouds import Account, Exchange, FakeAws, Faults, Kind, bucket_name
from fake_clouds.twilio import twilio_environment, twilio_server
from recordscan.collect.collector import Request, collect_snapshot
from recordscan.collect.session import CALLS, Clients
from recordscan.collect.traffic import Traffic
from recordscan.collect.twilio import open_accounts
from recordscan.demo.twilio_server import Fault as TwilioFault
from recordscan.demo.twilio_server import FaultKind as TwilioFaultKind
from recordscan.engine import assess_snapshot
from recordscan.facts import Reason
from recordscan.observation import Observation, ObservationOutcome, canonical_json, observation_id
from recordscan.plugins import load_rules
from recordscan.result import Assessment, Outcome
from recordscan.snapshot import Snapshot
from recordscan.testing import AWS_ACCOUNT, NOW, TWILIO_ACCOUNT, sound

BUCKETS = 300
CHAOS = Faults(seed=20261125, errors=0.05, lost=0.002, slow=0.2)
REGIONAL = {call.operation for call in CALLS if call.regional}
GOOD = (Kind.NONE, Kind.SLOW)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scanned:
    """A scan, and what its AWS did."""

    snapshot: Snapshot
    assessments: dict[tuple[str, str], Assessment]
    exchanges: list[Exchange]

    def find(self, key: str) -> Observation | None:
        return self.snapshot.find(key)


def scan(faults: Faults) -> Scanned:
    case = sound()
    scope = replace(case.scope, whole_account=True)
    with (
        FakeAws(Account(buckets=BUCKETS), faults) as aws,
        twilio_server() as twilio,
        pytest.MonkeyPatch.context() as patch,
    ):
        environment = {**aws.environment(), **twilio_environment(twilio.url)}
        for name, value in environment.items():
            patch.setenv(name, value)
        if faults.errors:
            twilio.faults["Recordings"] = TwilioFault(kind=TwilioFaultKind.UNAVAILABLE, times=1)
            twilio.faults["AwsCredentials"] = TwilioFault(kind=TwilioFaultKind.RESET, times=1)
        # Waits are of no interest here, and short.
        traffic = Traffic(workers=16, jitter=lambda least, most: least + (most - least) / 50)
        request = Request(
            scope=scope,
            profile=case.profile,
            fail_on="none",
            clients=Clients(),
            readers=open_accounts((), environment, optional=False, traffic=traffic),
            traffic=traffic,
            now=lambda: NOW,
        )
        snapshot = collect_snapshot(request)
        exchanges = aws.exchanges()
    result = assess_snapshot(snapshot, load_rules(), fail_on=None)
    assessments = {(a.rule_id, a.subject.uid): a for a in result.assessments}
    return Scanned(snapshot=snapshot, assessments=assessments, exchanges=exchanges)


def unanswered(exchanges: list[Exchange]) -> set[str]:
    """Keys of observations of which a page never got its good answer."""
    pages: dict[str, dict[str, bool]] = defaultdict(dict)
    for exchange in exchanges:
        operation, region, asked, token = json.loads(exchange.question)
        asked.pop("EncodingType", None)  # botocore's own
        account = None if operation == "sts:GetCallerIdentity" else AWS_ACCOUNT
        key = canonical_json([operation, account, region if operation in REGIONAL else None, asked])
        pages[key][str(token)] = pages[key].get(str(token), False) or exchange.kind in GOOD
    return {key for key, answered in pages.items() if not all(answered.values())}


def known(observation: Observation | None) -> bool:
    return observation is not None and observation.outcome is not ObservationOutcome.FAILED


def the_account_is_sound_enough_to_show_what_faults_do(calm: Scanned, _chaos: Scanned) -> None:
    assert {o.operation for o in calm.snapshot.observations if not known(o)} == set()
    outcomes = Counter(a.outcome for a in calm.assessments.values())
    assert outcomes[Outcome.UNKNOWN] == 0
    assert min(outcomes[Outcome.PASS], outcomes[Outcome.FAIL]) > BUCKETS


def the_scan_ends_and_gives_each_bucket_a_verdict_of_every_rule(calm: Scanned, chaos: Scanned) -> None:
    assert not chaos.snapshot.interrupted
    assert chaos.assessments.keys() == calm.assessments.keys()
    rules = {rule for rule, uid in chaos.assessments if uid == f"s3://{bucket_name(0)}/"}
    assert len(rules) > 20
    assert {(rule, f"s3://{bucket_name(number)}/") for rule in rules for number in range(BUCKETS)} <= (
        chaos.assessments.keys()
    )


def every_kind_of_fault_struck(_calm: Scanned, chaos: Scanned) -> None:
    struck = Counter(exchange.kind for exchange in chaos.exchanges)
    assert min(struck[kind] for kind in Kind) > 20
    assert 0.04 < 1 - struck[Kind.NONE] / struck.total() < 0.08


def all_that_could_be_read_in_the_end_is_known_and_all_else_has_its_reason(calm: Scanned, chaos: Scanned) -> None:
    lost = unanswered(chaos.exchanges)
    assert 5 < len(lost) < 0.02 * len(calm.snapshot.observations)
    for expected in calm.snapshot.observations:
        found = chaos.find(expected.key)
        if expected.key in lost:
            # A bucket policy is text within the answer: cut off, it is an answer, which its reader finds to be no JSON.
            assert not known(found) or expected.operation == "s3:GetBucketPolicy"
        elif found is not None:  # not asked, where the answer that leads to it was lost
            assert (found.outcome, found.sha256) == (expected.outcome, expected.sha256)
    failed = [o for o in chaos.snapshot.observations if not known(o)]
    assert all(o.error is not None and o.error.message for o in failed)
    assert {Reason.FAILED, Reason.THROTTLED} <= {o.error.reason for o in failed if o.error is not None}
    assert not [o for o in chaos.snapshot.observations if calm.find(o.key) is None]


def verdicts_are_those_of_calm_or_unknown_for_a_lost_answer(calm: Scanned, chaos: Scanned) -> None:
    lost = {observation_id(key) for key in unanswered(chaos.exchanges)}
    unknown = [a for key, a in chaos.assessments.items() if a.outcome is not calm.assessments[key].outcome]
    assert unknown
    for assessment in unknown:
        assert (assessment.outcome, assessment.reason is None, assessment.detail is None) == (
            Outcome.UNKNOWN,
            False,
            False,
        )
        assert {citation.observation for citation in assessment.evidence} & lost, assessment
    assert len(unknown) < 0.1 * len(calm.assessments)


def the_media_of_twilio_are_judged_in_spite_of_faults_at_twilio(_calm: Scanned, chaos: Scanned) -> None:
    subject = f"twilio:{TWILIO_ACCOUNT}/recordings"
    outcomes = Counter(a.outcome for (_, uid), a in chaos.assessments.items() if uid == subject)
    assert outcomes[Outcome.PASS] > 50
    assert not outcomes[Outcome.FAIL]


def test_faults_lose_nothing(subtests: pytest.Subtests) -> None:
    """One test, so that no two workers scan for it: an account is read twice, once without faults."""
    calm, chaos = scan(Faults()), scan(CHAOS)
    for check in (
        the_account_is_sound_enough_to_show_what_faults_do,
        the_scan_ends_and_gives_each_bucket_a_verdict_of_every_rule,
        every_kind_of_fault_struck,
        all_that_could_be_read_in_the_end_is_known_and_all_else_has_its_reason,
        verdicts_are_those_of_calm_or_unknown_for_a_lost_answer,
        the_media_of_twilio_are_judged_in_spite_of_faults_at_twilio,
    ):
        with subtests.test(check.__name__):
            check(calm, chaos)
