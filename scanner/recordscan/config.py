"""The configuration file: `recordscan.toml`, or `[tool.recordscan]` in `pyproject.toml`; see `FILE_NAMES`.

It holds no secret: credentials come from the environment, under names that the file may choose.
"""

import difflib
import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from importlib import resources
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails

from recordscan.errors import ConfigError, fault_in_words, faults_in_words
from recordscan.profile import Profile
from recordscan.redaction import redact_url_credentials
from recordscan.rule import Severity
from recordscan.scope import BucketScope, Scope, TwilioAccountScope

FILE_NAMES = ("recordscan.toml", ".recordscan.toml", ".github/recordscan.toml", "pyproject.toml")
"""Where a configuration is looked for in the working folder, and never above it, the first first."""

HOME_FILE = Path("recordscan", "config.toml")
"""Within the folder that `XDG_CONFIG_HOME` names, or `~/.config`; for where the working folder has none."""

_ACCOUNT_ID = r"^\d{12}$"
_ORGANIZATION_ID = r"^o-[a-z0-9]{10,32}$"
_TWILIO_SID = r"^AC[0-9a-fA-F]{32}$"
_CREDENTIAL_SID = r"^CR[0-9a-fA-F]{32}$"
_KEY_SID = r"^SK[0-9a-fA-F]{32}$"
_ACTOR_SID = r"^(AC|SK|US)[0-9a-fA-F]{32}$"
_HOST_NAME = r"^(\*\.)?[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$"
_AWS_REGION = r"^[a-z]{2}(-[a-z]+)+-\d+$"
_MEDIA_REGION = r"^[a-z]{2,4}\d{0,2}$"
_ROLE_ARN = r"^arn:aws[a-z-]*:iam::\d{12}:role/[A-Za-z0-9_+=,.@/-]+$"
_ROLE_NAME = r"^[A-Za-z0-9_+=,.@/-]+$"
_UNIT_ID = r"^(r-[0-9a-z]{4,32}|ou-[0-9a-z]{4,32}-[0-9a-z]{8,32})$"
_KEY_OR_USER = r"^(A[A-Z0-9]{15,127}|arn:aws[a-z-]*:iam::\d{12}:(user/.+|root))$"
_PRINCIPAL_NAME = (
    r"^(arn:aws[a-z-]*:(iam|sts)::(\d{12}|cloudfront):[^*?]+|[a-z0-9.-]+\.amazonaws\.com(\.cn)?|[0-9a-f]{64})$"
)
_S3_ACTION = r"^s3:[A-Za-z]+$"
_REGION = r"^[a-z]{2,4}(-[a-z]+)+-\d{1,2}$"
_DURATION = r"^[1-9][0-9]{0,5}[smh]?$"
_ENVIRONMENT_NAME = r"^[A-Za-z_][A-Za-z0-9_]*$"

_EXPECTED = {
    _ACCOUNT_ID: "an AWS account id: 12 digits, such as '123456789012'",
    _ORGANIZATION_ID: "the id of an AWS organization, such as 'o-exampleorgid'",
    _TWILIO_SID: "an account SID: AC followed by 32 hexadecimal digits, such as 'AC0123456789abcdef0123456789abcdef'",
    _CREDENTIAL_SID: "a credential SID: CR followed by 32 hexadecimal digits, such as "
    "'CR0123456789abcdef0123456789abcdef'",
    _KEY_SID: "the SID of an API key: SK followed by 32 hexadecimal digits, such as "
    "'SK0123456789abcdef0123456789abcdef'",
    _ACTOR_SID: "the SID of a user, an account or an API key, such as 'US0123456789abcdef0123456789abcdef'",
    _HOST_NAME: "a host name in lower case, such as 'hooks.example.com', or '*.example.com' for its subdomains",
    _AWS_REGION: "an AWS Region, such as 'eu-west-1'",
    _MEDIA_REGION: "a region of Twilio's media servers, such as 'ie1'",
    _KEY_OR_USER: "an access key id, such as 'AKIAIOSFODNN7EXAMPLE', or the ARN of an IAM user, such as "
    "'arn:aws:iam::123456789012:user/twilio'",
    _PRINCIPAL_NAME: "a principal without wildcards: its ARN, such as 'arn:aws:iam::123456789012:role/review', the "
    "host name of a service, such as 'cloudfront.amazonaws.com', or a canonical user id of 64 hexadecimal digits",
    _ROLE_ARN: "the ARN of an IAM role, such as 'arn:aws:iam::123456789012:role/recordscan'",
    _ROLE_NAME: "the name of an IAM role, with its path if it has one, such as 'recordscan'",
    _UNIT_ID: "the id of an organizational unit or root, such as 'ou-abcd-11111111' or 'r-abcd'",
    _S3_ACTION: "an S3 action without wildcards, such as 's3:AbortMultipartUpload'",
    _REGION: "an AWS Region, such as 'eu-west-1'",
    _DURATION: "a time in seconds, minutes or hours, such as '90s', '10m' or '1h'",
    _ENVIRONMENT_NAME: "the name of an environment variable: letters, digits and _, such as 'TWILIO_API_KEY'",
}
"""Patterns in the words of the people who have to meet them."""

AccountId = Annotated[str, Field(pattern=_ACCOUNT_ID)]
OrganizationId = Annotated[str, Field(pattern=_ORGANIZATION_ID)]
TwilioSid = Annotated[str, Field(pattern=_TWILIO_SID)]
CredentialSid = Annotated[str, Field(pattern=_CREDENTIAL_SID)]
KeySid = Annotated[str, Field(pattern=_KEY_SID)]
ActorSid = Annotated[str, Field(pattern=_ACTOR_SID)]
HostName = Annotated[str, Field(pattern=_HOST_NAME)]
AwsRegion = Annotated[str, Field(pattern=_AWS_REGION)]
MediaRegion = Annotated[str, Field(pattern=_MEDIA_REGION)]
KeyOrUser = Annotated[str, Field(pattern=_KEY_OR_USER)]
PrincipalName = Annotated[str, Field(pattern=_PRINCIPAL_NAME)]
"""ARN of a principal, host name of a service, or canonical user id; without wildcards."""
RoleArn = Annotated[str, Field(pattern=_ROLE_ARN)]
RoleName = Annotated[str, Field(pattern=_ROLE_NAME)]
UnitId = Annotated[str, Field(pattern=_UNIT_ID)]
S3Action = Annotated[str, Field(pattern=_S3_ACTION)]
Region = Annotated[str, Field(pattern=_REGION)]
EnvironmentName = Annotated[str, Field(pattern=_ENVIRONMENT_NAME)]
Days = Annotated[int, Field(ge=0, le=36_500)]

ALERT_DAYS = 29
"""Twilio keeps 30 days of alerts and takes whole days in UTC, so the thirtieth is partly gone."""


@cache
def presets() -> dict[str, dict[str, Any]]:
    """Named sets of requirements that come with recordscan, the mildest first: values for `[profile]`."""
    folder = resources.files("recordscan").joinpath("presets")
    return {
        name: tomllib.loads(folder.joinpath(f"{name}.toml").read_text(encoding="utf-8"))
        for name in ("baseline", "strict", "hipaa")
    }


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class AwsAccountSection(_Section):
    """A further AWS account, and how to get into it: by a role there, or by a profile of the configuration files."""

    role_arn: RoleArn | None = Field(None, description="role to take on with the scan's own credentials")
    external_id: str | None = Field(None, description="what the trust policy of that role asks for", min_length=2)
    profile: str | None = Field(None, description="named profile instead of a role, as for another partition")
    id: AccountId | None = Field(None, description="account id, with `profile`; a role names it already")
    label: str | None = Field(None, description="what reports call it", min_length=1, max_length=60)

    @model_validator(mode="after")
    def _one_way_in(self) -> "AwsAccountSection":
        if (self.role_arn is None) == (self.profile is None):
            raise ValueError("name either role_arn or profile")
        if (self.profile is None) != (self.id is None):
            raise ValueError("id goes with profile, and profile with id")
        return self

    @property
    def account(self) -> str:
        """Account id."""
        return self.id or (self.role_arn or "").split(":")[4]


class AwsOrganizationSection(_Section):
    """All accounts of the organization, which is asked for them, and the role that each has."""

    role_name: RoleName
    external_id: str | None = Field(None, description="what the trust policy of that role asks for", min_length=2)
    include: list[UnitId] = Field([], description="organizational units or roots, with all below; all if empty")
    exclude: list[UnitId] = Field([], description="organizational units that are left out, with all below")


class AwsSection(_Section):
    """Where AWS is read from. Credentials come from the standard chain."""

    profile: str | None = Field(None, description="named profile of the AWS configuration files")
    region: str | None = Field(None, description="Region in which global services are asked")
    bucket_owners: list[AccountId] = Field(
        [], description="account ids that may own the buckets; those of the accounts that are read if empty"
    )
    accounts: list[AwsAccountSection] = Field([], description="further accounts to read")
    organization: AwsOrganizationSection | None = Field(None, description="read all accounts of the organization")
    assume_organization_allows: bool = Field(
        False, description="take organization policies (SCPs, RCPs) that cannot be read as allowing; verdicts say so"
    )

    @model_validator(mode="after")
    def _each_once(self) -> "AwsSection":
        ids = [account.account for account in self.accounts]
        if len(set(ids)) != len(ids):
            raise ValueError("an AWS account is named twice")
        return self


class TwilioAccountSection(_Section):
    """One Twilio account or subaccount, and the environment variables that hold its credential."""

    sid: TwilioSid
    label: str | None = Field(None, description="what reports call it", min_length=1, max_length=60)
    api_key_env: EnvironmentName = "TWILIO_API_KEY"
    api_secret_env: EnvironmentName = "TWILIO_API_SECRET"  # noqa: S105 - the name of a variable
    auth_token_env: EnvironmentName | None = Field(None, description="instead of an API key; can do far more than read")
    api_key: KeySid | None = Field(None, description="SID of the API key, with `secret_command`; it is no secret")
    secret_command: list[str] | None = Field(
        None, description="program and arguments that print the API key's secret; run without a shell", min_length=1
    )

    @model_validator(mode="after")
    def _key_of_the_secret(self) -> "TwilioAccountSection":
        if (self.api_key is None) != (self.secret_command is None):
            raise ValueError("api_key goes with secret_command, and secret_command with api_key")
        if self.secret_command is not None and self.auth_token_env is not None:
            raise ValueError("name either secret_command or auth_token_env")
        return self


class TwilioSection(_Section):
    """Twilio accounts to scan; that of TWILIO_ACCOUNT_SID if none is named."""

    accounts: list[TwilioAccountSection] = []

    @model_validator(mode="after")
    def _each_once(self) -> "TwilioSection":
        sids = [account.sid for account in self.accounts]
        if len(set(sids)) != len(sids):
            raise ValueError("a Twilio account is named twice")
        return self


class ScanSection(_Section):
    """What is looked at, and how."""

    scope: Literal["targets", "account"] = Field("targets", description="targets, or the whole AWS account as well")
    buckets: list[str] = Field([], description="`name` or `name/prefix` of buckets that are targets without Twilio")
    rules: list[str] = Field([], description="rules to run; all if empty")
    skip_rules: list[str] = Field([], description="rules to leave out; the report names them")
    frameworks: list[str] = Field([], description="run only rules that give evidence for these; all if empty")
    workers: Annotated[int, Field(ge=1, le=64)] = Field(16, description="requests in flight at most")
    max_rate: Annotated[float, Field(ge=0.1, le=10_000)] | None = Field(
        None, description="requests a second at most, of all services together; no limit if unset"
    )
    deadline: Annotated[str, Field(pattern=_DURATION)] | None = Field(
        None, description="time after which the scan ends with what it has, such as 10m; no limit if unset"
    )
    max_pages: Annotated[int, Field(ge=1, le=100_000)] = Field(200, description="pages of one list at most")
    sample_objects: Annotated[int, Field(ge=0, le=1000)] = Field(
        0, description="objects of each target whose encryption and ACL are looked at; needs s3:GetObject"
    )


class ProfileSection(_Section):
    """What your organisation requires."""

    preset: str | None = Field(None, description="a named set of requirements, which the others of this section change")
    storage: Literal["external", "compose-then-delete"] = "external"
    source_grace_days: Days = 7
    credential_max_age_days: Days = 90
    key_max_age_days: Days = 90
    key_unused_days: Days = 45
    key_overlap_days: Days = 14
    key_rotation_max_days: Days = 365
    root_unused_days: Days = Field(90, description="days during which nobody may have used the root user")
    log_retention_min_days: Days | None = Field(None, description="days that access logs must be kept at least")
    retention_min_days: Days | None = None
    retention_max_days: Days | None = None
    noncurrent_max_days: Days = Field(90, description="days that noncurrent versions may stay")
    object_lock_mode: Literal["GOVERNANCE", "COMPLIANCE"] | None = Field(
        None, description="mode of Object Lock that media must at least be under by default"
    )
    object_lock_min_days: Annotated[int, Field(ge=1, le=36_500)] | None = Field(
        None, description="days that Object Lock must at least keep media by default"
    )
    require_backup: bool = Field(False, description="AWS Backup must protect the bucket")
    require_crr: bool = Field(False, description="media must be replicated to another Region")
    allowed_regions: list[Region] = Field([], description="Regions that copies and keys may be in; any if empty")
    test_files: list[str] = []
    trusted_accounts: list[AccountId] = Field([], description="accounts that bucket and key may be shared with")
    trusted_organizations: list[OrganizationId] = Field([], description="organizations that they may be shared with")
    readers: list[PrincipalName] | None = Field(None, description="who may read media, by ARN")
    administrators: list[PrincipalName] | None = Field(None, description="who may change what guards media, by ARN")
    writer_actions: list[S3Action] = Field([], description="what uploads need beside s3:PutObject")
    twilio_retention_days: Days | None = Field(
        None, description="days that media may lie at Twilio; retention_max_days if not set"
    )
    client_side_encryption: bool = Field(False, description="Twilio must encrypt media with your public key")
    public_key_max_age_days: Days = Field(365, description="age of a public key at Twilio")
    callback_hosts: list[HostName] | None = Field(
        None, description="hosts that status callbacks may go to; `*.example.com` for subdomains"
    )
    record_on_connect: bool | None = Field(None, description="whether Rooms record participants as they connect")
    storage_regions: list[AwsRegion] | None = Field(None, description="AWS Regions that media may lie in")
    media_regions: list[MediaRegion] | None = Field(
        None, description="Twilio regions that the media of Rooms may pass through"
    )
    twilio_keys: list[KeySid] = Field(
        [], description="SIDs of Twilio API keys that may change storage settings and delete media"
    )
    twilio_key_max_age_days: Days = Field(180, description="age of a Twilio API key")
    restricted_keys_percent: Annotated[int, Field(ge=0, le=100)] = Field(
        50, description="least share of Twilio API keys that are restricted"
    )
    key_actors: list[ActorSid] | None = Field(
        None, description="SIDs of who may create and delete keys and credentials at Twilio"
    )
    key_networks: list[str] | None = Field(
        None, description="networks that they may do so from, such as 203.0.113.0/24"
    )
    unconfigured_subaccounts: list[TwilioSid] = Field(
        [], description="SIDs of Twilio subaccounts that need no storage of their own"
    )
    transient_alerts: Annotated[int, Field(ge=0)] = Field(
        10, description="passing upload errors that are put up with in a month"
    )
    covers_calls: bool = Field(False, description="the requirements hold for recordings of calls, too")
    transcripts_elsewhere: bool = Field(False, description="transcriptions of Rooms are looked after apart")
    options: dict[str, dict[str, bool | int | str | list[str]]] = Field({}, description="rule id = its options")

    @model_validator(mode="before")
    @classmethod
    def _on_top_of_the_preset(cls, values: dict[str, Any]) -> dict[str, Any]:
        preset = values.get("preset")
        if not isinstance(preset, str):
            return values
        if preset not in presets():
            raise ValueError(f"there is no preset {preset!r}; there are: {', '.join(presets())}")
        return {**presets()[preset], **values}

    @field_validator("key_networks")
    @classmethod
    def _networks(cls, value: list[str] | None) -> list[str] | None:
        for network in value or ():
            try:
                ip_network(network)
            except ValueError:
                raise ValueError(
                    "expected a network, such as '203.0.113.0/24', with no bits set after its prefix"
                ) from None
        return value

    @model_validator(mode="after")
    def _ordered(self) -> "ProfileSection":
        most = self.retention_max_days
        for name, least in (
            ("retention_min_days", self.retention_min_days),
            ("object_lock_min_days", self.object_lock_min_days),
        ):
            if least is not None and most is not None and least > most:
                raise ValueError(f"{name} is greater than retention_max_days")
        return self


class GateSection(_Section):
    """What breaks a CI run."""

    fail_on: Literal["critical", "high", "medium", "low", "info", "none"] = "critical"
    min_coverage: Annotated[int, Field(ge=0, le=100)] = Field(
        100, description="percent of the checks at or above the gate that must be decided"
    )


class Config(_Section):
    """The whole configuration."""

    aws: AwsSection = AwsSection()
    twilio: TwilioSection = TwilioSection()
    scan: ScanSection = ScanSection()
    profile: ProfileSection = ProfileSection()
    gate: GateSection = GateSection()
    credential_links: dict[CredentialSid, KeyOrUser] = Field(
        {}, description="Twilio credential SID = the access key id, or ARN of the IAM user, that it holds"
    )

    def to_profile(self) -> Profile:
        """The requirements, for the rules."""
        return Profile.of(self.profile.model_dump())

    def to_replay_profile(self, stored: Profile) -> Profile:
        """The requirements for a stored snapshot: what the configuration does not say stays as it was.

        Raises:
            ConfigError: What it says does not go with what stays.
        """
        own = self.to_profile()
        merged = replace(stored, **{name: getattr(own, name) for name in self.profile.model_fields_set})
        most = merged.retention_max_days
        for name in ("retention_min_days", "object_lock_min_days"):
            least = getattr(merged, name)
            if least is not None and most is not None and least > most:
                raise ConfigError(
                    f"profile: {name} is {least} ({self._whence(name)}) and retention_max_days is {most} "
                    f"({self._whence('retention_max_days')}); set both in the section [profile]"
                )
        return merged

    def _whence(self, name: str) -> str:
        """Who set a requirement, where a snapshot has its own."""
        if name not in self.profile.model_fields_set:
            return "the snapshot's"
        preset = self.profile.preset
        if preset is not None and presets()[preset].get(name) == getattr(self.profile, name):
            return f"that of the preset {preset!r}"
        return "the configuration's"

    def to_scope(self, *, accounts: tuple[TwilioAccountScope, ...], buckets: tuple[str, ...], now: datetime) -> Scope:
        """What the scan looks at.

        Args:
            accounts: Twilio accounts that there are credentials for.
            buckets: More buckets, from the command line.
            now: Start of the scan.

        Raises:
            ConfigError: A bucket is not given as `name` or `name/prefix`.
        """
        return Scope(
            twilio_accounts=accounts,
            buckets=tuple(parse_bucket(text) for text in (*self.scan.buckets, *buckets)),
            whole_account=self.scan.scope == "account",
            bucket_owners=tuple(self.aws.bucket_owners),
            credential_links=dict(self.credential_links),
            assume_organization_allows=self.aws.assume_organization_allows,
            alerts_since=(now - timedelta(days=ALERT_DAYS)).strftime("%Y-%m-%d"),
            max_pages=self.scan.max_pages,
            sample_objects=self.scan.sample_objects,
        )


def parse_bucket(text: str) -> BucketScope:
    """Read `name` or `name/prefix`.

    Raises:
        ConfigError: It is neither.
    """
    name, _, prefix = text.removeprefix("s3://").partition("/")
    if not re.fullmatch(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", name):
        raise ConfigError(f"{redact_url_credentials(text)!r} names no bucket; write NAME or NAME/PREFIX")
    return BucketScope(bucket=name, prefix=prefix)


def parse_duration(text: str) -> float:
    """Seconds of `90`, `90s`, `10m` or `1h`.

    Raises:
        ConfigError: It is none of these.
    """
    if not re.fullmatch(_DURATION, text):
        raise ConfigError(f"{text!r}: expected {_EXPECTED[_DURATION]}")
    return float(text.rstrip("smh")) * {"m": 60, "h": 3600}.get(text[-1], 1)


def select_targets(config: Config, names: Sequence[str], account: str | None) -> tuple[Config, tuple[str, ...], bool]:
    """The configuration with only some of its targets, what is left out, and whether Twilio is to be read at all.

    Args:
        config: The whole one.
        names: Labels or SIDs of Twilio accounts, and buckets as the configuration has them.
        account: The Twilio account of the environment, which counts where the configuration names none.

    Raises:
        ConfigError: There is no such target; suggests the nearest.
    """
    by_name: dict[str, str] = {}
    for entry in config.twilio.accounts:
        by_name |= {entry.sid: entry.sid, **({entry.label: entry.sid} if entry.label else {})}
    if not config.twilio.accounts and account:
        by_name[account] = account
    by_name |= {bucket: bucket for bucket in config.scan.buckets}
    wanted = set()
    for name in names:
        if name not in by_name:
            close = difflib.get_close_matches(name, list(by_name), n=1)
            there_are = f"there are: {', '.join(by_name) or 'none'}"
            raise ConfigError(
                f"there is no target {redact_url_credentials(name)!r}; "
                + (f"did you mean {close[0]!r}?" if close else there_are)
            )
        wanted.add(by_name[name])
    accounts = [entry for entry in config.twilio.accounts if entry.sid in wanted]
    buckets = [bucket for bucket in config.scan.buckets if bucket in wanted]
    left_out = tuple(dict.fromkeys(place for place in by_name.values() if place not in wanted))
    chosen = config.model_copy(
        update={
            "twilio": config.twilio.model_copy(update={"accounts": accounts}),
            "scan": config.scan.model_copy(update={"buckets": buckets}),
        }
    )
    return chosen, left_out, bool(accounts) or account in wanted


def parse_fail_on(word: str) -> Severity | None:
    """The severity of the gate; None for `none`."""
    return None if word == "none" else Severity(word)


def find_configs(folder: Path) -> list[Path]:
    """The configuration files of a folder, the one that counts first; that of the user's home where there is none.

    Parent folders are not searched.

    Raises:
        ConfigError: `pyproject.toml` has to be read to know, and cannot.
    """
    found: list[Path] = []
    for name in FILE_NAMES:
        path = folder / name
        if path.is_file() and (name != "pyproject.toml" or _has_section(path, found)):
            found.append(path)
    if found:
        return found
    # Source: https://specifications.freedesktop.org/basedir-spec/latest/
    base = os.environ.get("XDG_CONFIG_HOME") or os.environ.get("HOME", "") + "/.config"
    home = Path(base) / HOME_FILE
    return [home] if home.is_absolute() and home.is_file() else []


def _has_section(project: Path, found: list[Path]) -> bool:
    """Whether a `pyproject.toml` configures recordscan; one that is not used, as there are others, may be unsound."""
    try:
        return "recordscan" in _read_toml(project).get("tool", {})
    except ConfigError:
        if found:
            return False
        raise


def load_config(path: Path | None) -> Config:
    """Read and check a configuration file; the defaults where there is none.

    Raises:
        ConfigError: It cannot be read, is no TOML, or says something that recordscan does not know; names the place.
    """
    if path is None:
        return Config()
    document = _read_toml(path)
    if path.name == "pyproject.toml":
        document = document.get("tool", {}).get("recordscan", {})
    try:
        return Config.model_validate(document)
    except ValidationError as error:
        raise ConfigError(f"{path}: {_sentence(error)}") from None


def config_schema() -> dict[str, Any]:
    """JSON Schema of the configuration."""
    schema = Config.model_json_schema()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:recordscan:schema:config:1",
        **schema,
    }


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: is not UTF-8 text") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: is no valid TOML: {error}") from None


def _sentence(error: ValidationError) -> str:
    return faults_in_words([_one_sentence(fault) for fault in error.errors()])


def _one_sentence(fault: ErrorDetails) -> str:
    place = ".".join(str(step) for step in fault["loc"] if step != "[key]") or "the file"
    if fault["type"] == "extra_forbidden":
        return f"unknown key {place!r}{_suggestion(fault['loc'])}"
    if fault["type"] == "string_pattern_mismatch":
        return f"{place}: expected {_EXPECTED[fault['ctx']['pattern']]}"
    return f"{place}: {fault_in_words(fault)}"


def _suggestion(location: tuple[int | str, ...]) -> str:
    known = list(_fields_at(Config, location[:-1]))
    close = difflib.get_close_matches(str(location[-1]), known, n=1)
    return f"; did you mean {close[0]!r}?" if close else f"; known here: {', '.join(known)}"


def _fields_at(model: type[BaseModel], location: tuple[int | str, ...]) -> Mapping[str, Any]:
    for step in location:
        if isinstance(step, int):
            continue
        annotation = model.model_fields[step].annotation
        inner = getattr(annotation, "__args__", (annotation,))[0]
        if not (isinstance(inner, type) and issubclass(inner, BaseModel)):
            return {}
        model = inner
    return model.model_fields
