"""What an action is beyond uploading, where it can be that, and which example is shown."""

from dataclasses import replace

import pytest

from recordscan.facts import Known
from recordscan.policy.actions import REFRESHED, access_level, expand, known
from recordscan.policy.excess import excess
from recordscan.policy.families import FAMILIES, Family, Surroundings, Zone, family_of, telling, zones_of
from recordscan.policy.matching import literal
from recordscan.policy.regions import Region
from scanner.policy.writers import ACCOUNT, BUCKET, KEY, PLACE, USER, Body, allow, deny, writer

HERE = Surroundings(PLACE, ACCOUNT, USER, "eu-west-1")

CRYPTOGRAPHIC = (
    "Decrypt DeriveSharedSecret Encrypt GenerateDataKey GenerateDataKeyPair GenerateDataKeyPairWithoutPlaintext "
    "GenerateDataKeyWithoutPlaintext GenerateMac ReEncryptFrom ReEncryptTo Sign Verify VerifyMac "
    "Encapsulate Decapsulate"
)
"""https://docs.aws.amazon.com/kms/latest/developerguide/kms-cryptography.html#cryptographic-operations, with the two
permissions of ReEncrypt. GenerateRandom is about no key."""

CONTROL = (
    "CancelKeyDeletion CreateAlias CreateGrant CreateKey DeleteAlias DisableKey DisableKeyRotation EnableKey "
    "EnableKeyRotation ImportKeyMaterial PutKeyPolicy ReplicateKey RetireGrant RevokeGrant ScheduleKeyDeletion "
    "TagResource UntagResource UpdateAlias UpdateKeyDescription UpdatePrimaryRegion"
)

AS_OTHERS = (
    "cloudformation:CreateChangeSet cloudformation:ExecuteChangeSet cloudformation:UpdateStack "
    "cloudformation:UpdateStackSet codebuild:StartBuild codebuild:StartBuildBatch codebuild:UpdateProject "
    "cognito-identity:SetIdentityPoolRoles datapipeline:PutPipelineDefinition "
    "ec2-instance-connect:SendSerialConsoleSSHPublicKey ec2-instance-connect:SendSSHPublicKey "
    "ec2:ModifyInstanceAttribute ec2:ReplaceIamInstanceProfileAssociation ecs:ExecuteCommand "
    "eks:AssociateAccessPolicy eks:CreateAccessEntry glue:UpdateDevEndpoint glue:UpdateJob lambda:UpdateFunctionCode "
    "lambda:UpdateFunctionConfiguration rolesanywhere:CreateTrustAnchor rolesanywhere:UpdateProfile "
    "rolesanywhere:UpdateTrustAnchor sagemaker:CreatePresignedDomainUrl sagemaker:CreatePresignedNotebookInstanceUrl "
    "ssm:ResumeSession ssm:SendCommand ssm:StartAutomationExecution ssm:StartSession "
    "sso:AttachManagedPolicyToPermissionSet sso:CreateAccountAssignment sso:PutInlinePolicyToPermissionSet "
    "states:UpdateStateMachine"
)
"""What the services' documentation says to run with a role that is there already."""


def in_family(family: Family, actions: str, prefix: str = "") -> list[tuple[str, Family]]:
    return [(prefix + action, family) for action in actions.split()]


@pytest.mark.parametrize(
    ("action", "family"),
    [
        *in_family("key", CRYPTOGRAPHIC, "kms:"),
        *in_family("key", "DescribeKey GetKeyPolicy ListKeys ListGrants", "kms:"),
        *in_family("key-control", CONTROL, "kms:"),
        *in_family("identity", AS_OTHERS),
        *in_family("identity", "iam:CreateUser iam:PassRole iam:TagUser sts:AssumeRole organizations:AttachPolicy"),
        *in_family("services", "iam:GetUser iam:ListRoles sts:GetCallerIdentity organizations:DescribeOrganization"),
        *in_family("services", "sts:DecodeAuthorizationMessage ec2:RunInstances lambda:InvokeFunction"),
        *in_family("delete", "BypassGovernanceRetention DeleteBucket DeleteObject DeleteObjectVersion", "s3:"),
        *in_family("delete", "PutLifecycleConfiguration ReplicateDelete", "s3:"),
        *in_family("policies", "s3:PutBucketPolicy s3:PutBucketAcl s3:PutBucketPublicAccessBlock s3:PutObjectAcl"),
        *in_family("settings", "s3:PutObject s3:PutBucketVersioning s3:PutReplicationConfiguration"),
        *in_family("list", "s3:ListBucket s3:ListAllMyBuckets s3:GetBucketPolicy s3:GetEncryptionConfiguration"),
        *in_family("other-buckets", "s3express:CreateSession s3tables:GetTable s3-object-lambda:GetObject"),
    ],
)
def test_an_action_is_of_one_family_however_it_is_spelled(action: str, family: Family) -> None:
    for spelled in (action, action.lower(), action.upper()):
        assert family_of(spelled, on_object=False) == family


@pytest.mark.parametrize(
    ("action", "family"),
    [
        ("s3:GetObject", "read"),
        ("s3:GetObjectVersion", "read"),
        ("s3:ListMultipartUploadParts", "list"),
        ("s3:DeleteObject", "delete"),
        ("s3express:GetObject", "other-buckets"),
        ("iam:GetUser", "services"),
        ("kms:DescribeKey", "key"),
    ],
)
def test_reading_is_of_objects_only(action: str, family: Family) -> None:
    assert family_of(action, on_object=True) == family


def test_of_the_services_around_recordings_every_action_is_somewhere() -> None:
    for service in REFRESHED:
        for action in expand(f"{service}:*"):
            assert known(action)
            assert access_level(action) != "Unknown", action
            zones = zones_of(action, HERE)
            assert zones
            assert {zone.family for zone in zones} <= FAMILIES.keys()


def test_the_most_telling_action_comes_first_and_all_others_by_their_names() -> None:
    named = ["ec2:RunInstances", "iam:PutUserPolicy", "s3:PutBucketPolicy", "s3:GetObject"]
    others = ["s3:getbucketTagging", "ec2:StopInstances", "s3:GetBucketCORS"]
    assert sorted(others + named, key=telling) == [
        "iam:PutUserPolicy",
        "s3:PutBucketPolicy",
        "s3:GetObject",
        "ec2:RunInstances",
        "ec2:StopInstances",
        "s3:GetBucketCORS",
        "s3:getbucketTagging",
    ]


TELLING = (
    "iam:PutUserPolicy iam:AttachUserPolicy sts:AssumeRole iam:CreateAccessKey iam:PassRole s3:PutBucketPolicy "
    "kms:PutKeyPolicy kms:CreateGrant s3:PutObjectAcl s3:PutReplicationConfiguration s3:PutBucketVersioning "
    "s3:DeleteObject s3:DeleteObjectVersion s3:GetObject s3:PutObject s3:ListBucket s3:ListAllMyBuckets "
    "kms:ScheduleKeyDeletion kms:Decrypt ec2:RunInstances"
)


def test_actions_that_tell_the_most_are_in_this_order() -> None:
    order = TELLING.split()
    assert sorted(expand("*"), key=telling)[: len(order)] == order


def of_keys(family: Family, *scopes: str, own: str | None = KEY) -> Zone:
    outside = ("arn:aws:kms::*",) if own is None else ("arn:aws:kms::*", own)
    regions = tuple(Region((f"arn:aws:kms:{scope}:key/?*",), outside) for scope in scopes)
    return Zone(family, regions, (f"arn:aws:kms:{scopes[0].replace('*', 'any')}:key/any",))


OBJECTS = (
    Zone("settings", (Region((f"{BUCKET}/recordings/*",)),), (f"{BUCKET}/recordings/RT0", f"{BUCKET}/recordings/a")),
    Zone(
        "other-prefixes",
        (Region((f"{BUCKET}/*",), (f"{BUCKET}/recordings/*",)),),
        (f"{BUCKET}/another-prefix/RT0", f"{BUCKET}/a"),
    ),
    Zone("other-buckets", (Region(("arn:aws:s3:::?*/?*",), (f"{BUCKET}/*",)),), ("arn:aws:s3:::another-bucket/RT0",)),
)
BUCKETS = (
    Zone("settings", (Region((BUCKET,)),), (BUCKET,), exact=True),
    Zone(
        "other-buckets", (Region(("arn:aws:s3:::?*",), (BUCKET, "arn:aws:s3:::*/*")),), ("arn:aws:s3:::another-bucket",)
    ),
)
OWN_KEY = Zone("key", (Region((KEY,)),), (KEY,), exact=True)
NOWHERE = Region((literal("*"),))


def test_the_key_is_one_zone_and_other_keys_are_looked_for_from_near_to_far() -> None:
    near, wide, far, named = f"eu-west-1:{ACCOUNT}", f"*:{ACCOUNT}", "*:999999999999", "*:????????????"
    assert zones_of("kms:Decrypt", HERE) == (OWN_KEY, of_keys("other-keys", near, wide, far, named))
    nowhere = replace(HERE, region=None)
    assert zones_of("kms:Decrypt", nowhere) == (OWN_KEY, of_keys("other-keys", wide, far, named))
    without = replace(HERE, place=replace(PLACE, key_arn=None))
    assert zones_of("kms:Decrypt", without) == (of_keys("other-keys", near, wide, far, named, own=None),)


def test_what_has_no_region_is_looked_for_in_accounts_and_the_writer_is_the_first_example() -> None:
    users = tuple(Region((f"arn:aws:iam::{a}:user/?*",), ("arn:aws:iam:::*",)) for a in (ACCOUNT, "9" * 12, "?" * 12))
    any_user = f"arn:aws:iam::{ACCOUNT}:user/any"
    assert zones_of("iam:CreateAccessKey", HERE) == (Zone("identity", users, (USER, any_user)),)
    [roles] = zones_of("sts:AssumeRole", HERE)
    assert roles.samples == (f"arn:aws:iam::{ACCOUNT}:role/any",)
    assert roles.regions[0].inside == (f"arn:aws:iam::{ACCOUNT}:role/?*",)


def test_an_action_that_is_not_known_is_looked_for_wherever_its_service_has_something() -> None:
    assert zones_of("s3:NoSuchAction", HERE) == (*OBJECTS, *BUCKETS)
    own, others = zones_of("kms:NoSuchAction", HERE)
    assert (own.family, own.regions, others.family) == ("key-control", OWN_KEY.regions, "other-keys")
    somewhere = (NOWHERE, Region(("arn:*:iam:*:*:?*",)))
    assert zones_of("iam:NoSuchAction", HERE) == (Zone("identity", somewhere, ("*",)),)


def test_other_services_are_looked_for_anywhere_but_among_those_known_here() -> None:
    known_here = tuple(f"arn:aws:{service}:*" for service in REFRESHED)
    elsewhere = (NOWHERE, Region(("arn:aws:*:*:*:?*",), known_here))
    assert zones_of("ec2:RunInstances", HERE) == (Zone("services", elsewhere, ("*",)),)


def test_what_is_about_no_resource_is_one_zone() -> None:
    assert zones_of("s3:ListAllMyBuckets", HERE) == (Zone("list", (NOWHERE,), ("*",), exact=True),)


@pytest.mark.parametrize(
    ("action", "family"),
    [
        ("s3:GetAccessPointPolicy", "other-buckets"),
        ("s3:PutAccessPointPolicy", "policies"),
        ("s3express:CreateSession", "other-buckets"),
        ("s3tables:GetTable", "other-buckets"),
        ("iam:PutUserPolicy", "identity"),
    ],
)
def test_what_is_neither_bucket_nor_key_is_another_bucket_unless_it_is_about_policies(
    action: str, family: Family
) -> None:
    assert {zone.family for zone in zones_of(action, HERE)} == {family}


OTHER = "arn:aws:kms:{}:{}:key/{}"


@pytest.mark.parametrize(
    ("statements", "witness"),
    [
        ((allow("kms:Decrypt", "*"),), OTHER.format("eu-west-1", ACCOUNT, "any")),
        (
            (allow("kms:Decrypt", "*"), deny("kms:*", f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/*")),
            f":{ACCOUNT}:key/",
        ),
        ((allow("kms:Decrypt", "*"), deny("kms:*", f"arn:aws:kms:*:{ACCOUNT}:*")), ":999999999999:key/"),
        ((allow("kms:Decrypt", "arn:aws:kms:*:444455556666:key/*"),), ":444455556666:key/"),
        (
            (allow("kms:Decrypt", "arn:aws:kms:us-east-1:444455556666:key/k7"),),
            OTHER.format("us-east-1", "444455556666", "k7"),
        ),
    ],
)
def test_keys_are_found_wherever_a_policy_reaches(statements: tuple[Body, ...], witness: str) -> None:
    fact = excess(writer(*statements))
    assert isinstance(fact, Known)
    [line] = [line for line in fact.value if line.family == "other-keys"]
    assert witness in line.witness.resource
