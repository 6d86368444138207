"""Copies of media, and what tells of changes to it."""

import pytest

from recordscan.facts import Json
from recordscan.result import Outcome
from recordscan.rule import Rule
from recordscan.testing import AWS_ACCOUNT, KEY_ARN, PREFIX, REGION, TWILIO_ACCOUNT, Case, judge, judge_all, sound
from recordscan_rules.copies import backup, replication
from recordscan_rules.monitoring import events, inventory
from rules.failing_bucket import (
    ALL_EVENTS,
    COPIES,
    COPIES_REGION,
    OWNERSHIP,
    backed_up,
    demand,
    guarded,
    lock,
    notifies,
)
from rules.failing_bucket import replication as replicated
from rules.mutations_bucket import FOREIGN

RECORDINGS = f"twilio:{TWILIO_ACCOUNT}/recordings"
REPLICA_KEY = KEY_ARN.replace(REGION, COPIES_REGION)
INVENTORIES = "s3:ListBucketInventoryConfigurations"
INVENTORY = "/InventoryConfigurationList/0"


def destination(**members: Json) -> dict[str, Json]:
    row: dict[str, Json] = {
        "Bucket": f"arn:aws:s3:::{COPIES}",
        "EncryptionConfiguration": {"ReplicaKmsKeyID": REPLICA_KEY},
    }
    return {**row, **members}


@pytest.mark.parametrize("rule", [replication, backup, events, inventory], ids=lambda rule: rule.id)
def test_a_bucket_in_good_order_passes_and_without_storage_there_is_none(rule: Rule) -> None:
    outcomes = {uid.rpartition("/")[2]: a.outcome for uid, a in judge_all(rule, guarded()).items()}
    assert outcomes == {"recordings": Outcome.PASS, "compositions": Outcome.NOT_APPLICABLE}


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(replicated(sound(), ID=None), id="without an id, on which prowler raises"),
        pytest.param(
            replicated(sound(), Destination=destination(EncryptionConfiguration={"ReplicaKmsKeyID": "alias/copies"})),
            id="with a key by its alias",
        ),
        pytest.param(
            replicated(
                sound(),
                Destination=destination(EncryptionConfiguration={"UseSourceMultiRegionKey": {"Status": "Enabled"}}),
            ),
            id="with the replica of the same key",
        ),
        pytest.param(
            demand(
                replicated(
                    sound(),
                    Destination=destination(Account=FOREIGN, AccessControlTranslation={"Owner": "Destination"}),
                ),
                trusted_accounts=(FOREIGN,),
            ),
            id="to a trusted account, which becomes the owner",
        ),
    ],
)
def test_copies_that_lie_as_they_should_pass(case: Case) -> None:
    # Who owns the bucket there is what the rule says, so that its Region is asked for in that name.
    case.add("s3:HeadBucket", {"HTTPStatusCode": 200, "BucketRegion": COPIES_REGION}, Bucket=COPIES)
    assert judge(replication, case).outcome is Outcome.PASS


@pytest.mark.parametrize(
    ("members", "observed"),
    [
        pytest.param({"Destination": destination(Account=FOREIGN)}, FOREIGN, id="to another account"),
        pytest.param(
            {"Destination": destination(Bucket="arn:aws:s3:::theirs")},
            "another account, which the rule does not name",
            id="to a bucket of nobody knows whom, which prowler and steampipe pass",
        ),
        pytest.param({"SourceSelectionCriteria": {}}, "not enabled", id="without what KMS encrypts"),
        pytest.param({"Destination": {"Bucket": f"arn:aws:s3:::{COPIES}"}}, "none", id="without a key"),
        pytest.param(
            {"Destination": destination(EncryptionConfiguration={"ReplicaKmsKeyID": KEY_ARN})},
            KEY_ARN,
            id="with a key of another Region",
        ),
    ],
)
def test_copies_that_do_not_fail(members: dict[str, Json], observed: str) -> None:
    case = replicated(sound(), **members)
    case.add("s3:HeadBucket", {"HTTPStatusCode": 403, "BucketRegion": COPIES_REGION}, Bucket="theirs")
    assessment = judge(replication, case)
    assert (assessment.outcome, [f.observed for f in assessment.findings]) == (Outcome.FAIL, [observed])


def test_copies_in_a_trusted_account_must_become_its_own() -> None:
    case = demand(replicated(sound(), Destination=destination(Account=FOREIGN)), trusted_accounts=(FOREIGN,))
    assert judge(replication, case).findings[0].observed == "no owner override"


@pytest.mark.parametrize("allowed", [(), (COPIES_REGION, "eu-west-2")])
def test_copies_in_allowed_regions_pass(allowed: tuple[str, ...]) -> None:
    assert judge(replication, demand(replicated(sound()), allowed_regions=allowed)).outcome is Outcome.PASS


def test_copies_in_another_region_fail() -> None:
    case = demand(replicated(sound()), allowed_regions=(REGION,))
    assert judge(replication, case).findings[0].observed == COPIES_REGION


def test_a_destination_whose_region_is_not_known_is_unknown() -> None:
    case = demand(replicated(sound()), allowed_regions=(COPIES_REGION,))
    case.forget("s3:HeadBucket", Bucket=COPIES)
    assert judge(replication, case).outcome is Outcome.UNKNOWN


def test_whose_the_destination_is_stays_unknown_when_buckets_may_not_be_listed() -> None:
    case = replicated(sound())
    case.deny("s3:ListBuckets")
    assert judge(replication, case).outcome is Outcome.UNKNOWN


def test_an_encryption_of_s3_s_own_needs_no_key_there() -> None:
    case = replicated(sound(), SourceSelectionCriteria=None, Destination={"Bucket": f"arn:aws:s3:::{COPIES}"})
    default = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    case.answer("s3:GetBucketEncryption", {"ServerSideEncryptionConfiguration": {"Rules": [default]}})
    assert judge(replication, case).outcome is Outcome.PASS


@pytest.mark.parametrize(
    "members",
    [
        pytest.param({"Status": "Disabled"}, id="disabled"),
        pytest.param({"Filter": {"Prefix": "logs/"}}, id="of another prefix"),
    ],
)
def test_rules_that_copy_no_media_are_not_judged(members: dict[str, Json]) -> None:
    case = replicated(sound(), **members, Destination=destination(Account=FOREIGN))
    assert judge(replication, case, RECORDINGS).outcome is Outcome.NOT_APPLICABLE


@pytest.mark.parametrize(
    ("members", "region", "outcome"),
    [
        pytest.param({}, COPIES_REGION, Outcome.PASS, id="to another Region"),
        pytest.param({}, REGION, Outcome.FAIL, id="to the same Region, which steampipe passes"),
        pytest.param({"Filter": {"Prefix": f"{PREFIX}a"}}, COPIES_REGION, Outcome.FAIL, id="of a part"),
        pytest.param(
            {"Filter": {"Tag": {"Key": "a", "Value": "b"}}}, COPIES_REGION, Outcome.FAIL, id="of tagged media"
        ),
        pytest.param({"Filter": {"Not": {"Prefix": PREFIX}}}, COPIES_REGION, Outcome.FAIL, id="of all but media"),
        pytest.param({"Status": "Disabled"}, COPIES_REGION, Outcome.FAIL, id="by a disabled rule"),
    ],
)
def test_where_it_is_demanded_all_media_must_be_copied_elsewhere(
    members: dict[str, Json], region: str, outcome: Outcome
) -> None:
    encryption = {"ReplicaKmsKeyID": KEY_ARN.replace(REGION, region)}
    case = replicated(sound(), Destination=destination(EncryptionConfiguration=encryption), **members)
    case.set("s3:HeadBucket", "/BucketRegion", region, Bucket=COPIES)
    assert judge(replication, demand(case, require_crr=True)).outcome is outcome


def test_replication_that_may_not_be_read_is_unknown() -> None:
    case = replicated(sound())
    case.deny("s3:GetBucketReplication")
    assert judge(replication, case).outcome is Outcome.UNKNOWN


def test_a_backup_counts_where_it_is_demanded() -> None:
    assert judge(backup, demand(backed_up(sound()), require_backup=True)).outcome is Outcome.PASS
    assert judge(backup, demand(sound(), require_backup=True)).outcome is Outcome.FAIL
    assert judge(backup, sound(), RECORDINGS).outcome is Outcome.NOT_APPLICABLE


def test_backups_that_may_not_be_listed_or_were_cut_are_unknown() -> None:
    case = demand(sound(), require_backup=True)
    case.set("backup:ListProtectedResources", "/truncated", True)
    assert judge(backup, case).outcome is Outcome.UNKNOWN
    case.deny("backup:ListProtectedResources")
    assert judge(backup, case).permission == "backup:ListProtectedResources"


@pytest.mark.parametrize(
    ("case", "outcome"),
    [
        pytest.param(sound(), Outcome.PASS, id="EventBridge, whose configuration is empty"),
        pytest.param(notifies(sound(), *ALL_EVENTS), Outcome.PASS, id="all of them"),
        pytest.param(notifies(sound(), *ALL_EVENTS[:2]), Outcome.PASS, id="no ACL events where ACLs are off"),
        pytest.param(
            notifies(sound(), *ALL_EVENTS, Filter={"Key": {"FilterRules": [{"Name": "Prefix", "Value": "video/"}]}}),
            Outcome.PASS,
            id="of the prefix",
        ),
        pytest.param(
            notifies(sound(), "s3:ObjectCreated:*"), Outcome.FAIL, id="of uploads only, which prowler and config pass"
        ),
        pytest.param(
            notifies(sound(), "s3:ObjectRemoved:Delete", "s3:LifecycleExpiration:*"),
            Outcome.FAIL,
            id="without delete markers",
        ),
        pytest.param(
            notifies(sound(), *ALL_EVENTS, Filter={"Key": {"FilterRules": [{"Name": "suffix", "Value": ".mkv"}]}}),
            Outcome.FAIL,
            id="of some suffix",
        ),
        pytest.param(
            notifies(sound(), *ALL_EVENTS, Filter={"Key": {"FilterRules": [{"Name": "prefix", "Value": "logs/"}]}}),
            Outcome.FAIL,
            id="of another prefix",
        ),
        pytest.param(
            notifies(sound(), *ALL_EVENTS, destination=f"arn:aws:sns:{REGION}:{FOREIGN}:t"),
            Outcome.FAIL,
            id="to another account, at which nobody else looks",
        ),
    ],
)
def test_deletions_must_be_reported(case: Case, outcome: Outcome) -> None:
    assert judge(events, case).outcome is outcome


def test_changes_of_acls_must_be_reported_where_acls_are_alive() -> None:
    case = notifies(sound(), *ALL_EVENTS[:2])
    case.set("s3:GetBucketOwnershipControls", OWNERSHIP, "ObjectWriter")
    assert judge(events, case).findings[0].observed == "not reported: s3:ObjectAcl:Put"


def test_notifications_that_may_not_be_read_are_unknown() -> None:
    case = sound()
    case.deny("s3:GetBucketNotificationConfiguration")
    assert judge(events, case).outcome is Outcome.UNKNOWN


@pytest.mark.parametrize(
    ("pointer", "value", "observed"),
    [
        ("/IsEnabled", False, "no inventory of the prefix"),
        ("/Filter", {"Prefix": f"{PREFIX}2026/"}, "no inventory of the prefix"),
        ("/OptionalFields", ["Size"], "weekly without EncryptionStatus"),
        ("/Destination/S3BucketDestination/AccountId", None, "no AccountId"),
        ("/Destination/S3BucketDestination/AccountId", FOREIGN, FOREIGN),
        ("/Destination/S3BucketDestination/Encryption", None, "no Encryption"),
    ],
)
def test_an_inventory_that_lacks_something_fails(pointer: str, value: Json, observed: str) -> None:
    case = sound()
    case.set(INVENTORIES, f"{INVENTORY}{pointer}", value)
    assessment = judge(inventory, case)
    assert (assessment.outcome, [f.observed for f in assessment.findings]) == (Outcome.FAIL, [observed])


def test_an_inventory_for_a_trusted_account_passes() -> None:
    case = demand(sound(), trusted_accounts=(FOREIGN,))
    case.set(INVENTORIES, f"{INVENTORY}/Destination/S3BucketDestination/AccountId", FOREIGN)
    assert judge(inventory, case).outcome is Outcome.PASS


def test_under_object_lock_the_inventory_must_show_the_retention() -> None:
    case = lock(sound())
    assert judge(inventory, case).outcome is Outcome.PASS
    case.set(INVENTORIES, f"{INVENTORY}/OptionalFields", ["EncryptionStatus"])
    assert judge(inventory, case).outcome is Outcome.FAIL


def test_inventories_that_were_cut_or_may_not_be_read_are_unknown() -> None:
    case = sound()
    case.set(INVENTORIES, "/InventoryConfigurationList", [])
    case.set(INVENTORIES, "/truncated", True)
    assert judge(inventory, case).outcome is Outcome.UNKNOWN
    case.deny(INVENTORIES)
    assert judge(inventory, case).outcome is Outcome.UNKNOWN


def test_the_account_of_the_bucket_is_trusted_by_itself() -> None:
    assert AWS_ACCOUNT not in sound().profile.trusted_accounts
    assert judge(inventory, sound()).outcome is Outcome.PASS
