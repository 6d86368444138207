"""Estates in good order, to start from."""

from dataclasses import replace
from functools import cache

from recordscan.profile import Profile
from recordscan.scope import Scope, TwilioAccountScope
from recordscan.testing.aws import (
    add_account,
    add_account_watch,
    add_alarms,
    add_bucket,
    add_key,
    add_log_buckets,
    add_side_doors,
    add_trail,
    add_writer,
    objects_of,
    set_writer_policy,
    upload_policy,
)
from recordscan.testing.case import Case
from recordscan.testing.names import (
    ACCESS_KEY,
    ALERTS_SINCE,
    CALLBACK_HOST,
    COMPOSITIONS_PREFIX,
    CREDENTIAL,
    OWNED,
    REGION,
    REVIEWERS_ARN,
    TWILIO_ACCOUNT,
)
from recordscan.testing.twilio import add_twilio, bucket_url, composition, hook, storage_setting


def sound() -> Case:
    """A Twilio account whose Recordings go to a bucket in good order; Compositions are not used.

    Subjects: the targets `twilio:AC…/recordings` and `twilio:AC…/compositions`, the account `twilio:AC…`.
    """
    return _sound().copy()


@cache
def _sound() -> Case:
    case = Case(
        Scope(
            twilio_accounts=(TwilioAccountScope(sid=TWILIO_ACCOUNT, label="production"),),
            credential_links={CREDENTIAL: ACCESS_KEY},
            alerts_since=ALERTS_SINCE,
        ),
        Profile(
            retention_min_days=30,
            retention_max_days=400,
            readers=(REVIEWERS_ARN,),
            administrators=(),
            callback_hosts=(CALLBACK_HOST,),
            storage_regions=(REGION,),
            media_regions=("ie1",),
            record_on_connect=True,
        ),
    )
    add_twilio(case)
    add_bucket(case)
    add_side_doors(case)
    add_key(case)
    add_account(case)
    add_account_watch(case)
    add_writer(case)
    add_trail(case)
    add_log_buckets(case)
    add_alarms(case)
    return case


def composing() -> Case:
    """The other sound way: Recordings stay at Twilio until composed, then go; Compositions go to the bucket."""
    return _composing().copy()


@cache
def _composing() -> Case:
    case = sound()
    case.profile = replace(case.profile, storage="compose-then-delete")
    settings = case.find("twilio:FetchRecordingSettings")
    case.answer("twilio:FetchCompositionSettings", {**settings, "aws_s3_url": bucket_url(COMPOSITIONS_PREFIX)})
    case.answer("twilio:FetchRecordingSettings", storage_setting(enabled=False))
    case.answer("twilio:ListRecordings", {"recordings": [], "pages": 1, "truncated": False})
    case.answer("twilio:ListCompositionHooks", {"composition_hooks": [hook()], "pages": 1, "truncated": False})
    case.answer(
        "twilio:ListCompositions",
        {"compositions": [composition(1)], "pages": 1, "truncated": False},
        status="completed",
    )
    composed = objects_of(COMPOSITIONS_PREFIX, f"CJ{1:032x}")
    case.add("s3:ListObjectsV2", composed, **OWNED, Prefix=COMPOSITIONS_PREFIX)
    set_writer_policy(case, upload_policy(COMPOSITIONS_PREFIX))
    return case
