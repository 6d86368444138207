"""The configuration: what is understood, and what is refused with one sentence that says where."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import jsonschema
import pytest

from recordscan.config import (
    Config,
    config_schema,
    find_configs,
    load_config,
    parse_bucket,
    parse_duration,
    presets,
)
from recordscan.errors import ConfigError
from recordscan.profile import Profile
from recordscan.scope import BucketScope

EXAMPLE = Path(__file__).parents[2] / "examples" / "recordscan.toml"
ACCOUNT = "AC0123456789abcdef0123456789abcdef"
NOW = datetime(2026, 11, 20, tzinfo=UTC)


@pytest.fixture(autouse=True)
def no_home(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever runs the tests may have a configuration."""
    monkeypatch.setenv("XDG_CONFIG_HOME", "/dev/null")


def write(folder: Path, text: str) -> Path:
    path = folder / "recordscan.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_example_is_understood_and_names_every_key() -> None:
    config = load_config(EXAMPLE)
    text = EXAMPLE.read_text(encoding="utf-8")
    for section, field in Config.model_fields.items():
        assert section in text
        names = getattr(field.annotation, "model_fields", {})
        assert [name for name in names if name not in text] == []
    assert config.to_profile().retention_max_days == 400


def test_without_a_file_the_defaults_hold() -> None:
    config = load_config(None)
    assert config.gate.fail_on == "critical"
    assert config.to_scope(accounts=(), buckets=(), now=NOW).alerts_since == "2026-10-22"


def test_a_table_in_pyproject_is_found_where_there_is_no_file_of_its_own(tmp_path: Path) -> None:
    project = tmp_path / "pyproject.toml"
    project.write_text("[project]\nname = 'x'\n", encoding="utf-8")
    assert find_configs(tmp_path) == []
    project.write_text("[tool.recordscan.gate]\nfail_on = 'low'\n", encoding="utf-8")
    assert find_configs(tmp_path) == [project]
    assert load_config(project).gate.fail_on == "low"
    own = write(tmp_path, "")
    assert find_configs(tmp_path) == [own, project]


def test_parent_folders_are_not_searched(tmp_path: Path) -> None:
    write(tmp_path, "")
    (tmp_path / "inner").mkdir()
    assert find_configs(tmp_path / "inner") == []


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[gates]\n", "unknown key 'gates'; did you mean 'gate'?"),
        ("[gate]\nfail_onn = 'high'\n", "unknown key 'gate.fail_onn'; did you mean 'fail_on'?"),
        (
            "[[twilio.accounts]]\nsid='AC0123456789abcdef0123456789abcdef'\ntoken='x'\n",
            "unknown key 'twilio.accounts.0.token'",
        ),
        ("[gate]\nfail_on = 'severe'\n", "gate.fail_on: must be 'critical'"),
        ("[scan]\nworkers = 0\n", "scan.workers: must be at least 1"),
        ("[scan]\nworkers = '4'\n", "scan.workers: must be a whole number"),
        ("[scan]\nmax_rate = 0\n", "scan.max_rate: must be at least 0.1"),
        ("[scan]\ndeadline = '10 m'\n", "scan.deadline: expected a time in seconds, minutes or hours"),
        ("[profile]\nretention_min_days = 9\nretention_max_days = 3\n", "retention_min_days is greater"),
        ("[profile]\npreset = 'hippa'\n", "profile: there is no preset 'hippa'; there are: baseline, strict, hipaa"),
        ("[profile]\npreset = 7\n", "profile.preset: must be text in quotes"),
        ("[profile]\nobject_lock_min_days = 9\nretention_max_days = 3\n", "object_lock_min_days is greater"),
        ("[profile]\nobject_lock_min_days = 0\n", "profile.object_lock_min_days: must be at least 1"),
        ("[profile]\nobject_lock_mode = 'governance'\n", "profile.object_lock_mode: must be 'GOVERNANCE'"),
        (
            "[profile]\nallowed_regions = ['Ireland']\n",
            "profile.allowed_regions.0: expected an AWS Region, such as 'eu-west-1'",
        ),
        ("[profile]\nrequire_crr = 'yes'\n", "profile.require_crr: must be true or false"),
        ("[scan]\nsample_objects = -1\n", "scan.sample_objects: must be at least 0"),
        ("[profile]\nkey_networks = ['203.0.113.7/24']\n", "profile.key_networks: expected a network"),
        ("[profile]\nkey_networks = ['office']\n", "profile.key_networks: expected a network"),
        ("[profile]\ncallback_hosts = ['https://x.example']\n", "profile.callback_hosts.0: expected a host name"),
        ("[profile]\ncallback_hosts = ['X.example']\n", "profile.callback_hosts.0: expected a host name"),
        ("[profile]\ntwilio_keys = ['AC1']\n", "profile.twilio_keys.0: expected the SID of an API key"),
        ("[profile]\nkey_actors = ['jane']\n", "profile.key_actors.0: expected the SID of a user"),
        ("[profile]\nstorage_regions = ['Ireland']\n", "profile.storage_regions.0: expected an AWS Region"),
        ("[profile]\nmedia_regions = ['eu-west-1']\n", "profile.media_regions.0: expected a region of Twilio"),
        ("[profile]\ntrusted_accounts = ['12']\n", "profile.trusted_accounts.0: expected an AWS account id"),
        (
            "[profile]\ntrusted_organizations = ['acme']\n",
            "profile.trusted_organizations.0: expected the id of an AWS organization, such as 'o-exampleorgid'",
        ),
        ("[aws]\nbucket_owners = ['12']\n", "aws.bucket_owners.0: expected an AWS account id"),
        ("[credential_links]\nCR1 = 'AKIAIOSFODNN7EXAMPLE'\n", "credential_links.CR1"),
        ("[credential_links]\nCR0123456789abcdef0123456789abcdef = 'me'\n", "credential_links"),
        ("[[twilio.accounts]]\nsid = 'AC1'\n", "twilio.accounts.0.sid"),
        ("gate = ", "is no valid TOML"),
    ],
)
def test_a_mistake_is_refused_with_its_place(text: str, sentence: str, tmp_path: Path) -> None:
    path = write(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    assert str(path) in str(caught.value)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_whom_the_configuration_trusts_the_profile_trusts(tmp_path: Path) -> None:
    text = "[profile]\ntrusted_accounts = ['111122223333']\ntrusted_organizations = ['o-0123456789']\n"
    profile = load_config(write(tmp_path, text)).to_profile()
    assert profile.trusted_accounts == ("111122223333",)
    assert profile.trusted_organizations == ("o-0123456789",)


def test_what_the_configuration_demands_of_a_bucket_the_profile_and_the_scope_hold(tmp_path: Path) -> None:
    text = (
        "[scan]\nsample_objects = 3\n[profile]\nobject_lock_mode = 'COMPLIANCE'\nobject_lock_min_days = 30\n"
        "noncurrent_max_days = 7\nrequire_backup = true\nrequire_crr = true\n"
        "allowed_regions = ['us-gov-west-1', 'eu-central-1']\n"
    )
    config = load_config(write(tmp_path, text))
    profile = config.to_profile()
    assert (profile.object_lock_mode, profile.object_lock_min_days, profile.noncurrent_max_days) == (
        "COMPLIANCE",
        30,
        7,
    )
    assert (profile.require_backup, profile.require_crr) == (True, True)
    assert profile.allowed_regions == ("us-gov-west-1", "eu-central-1")
    assert config.to_scope(accounts=(), buckets=(), now=NOW).sample_objects == 3


def test_a_replay_may_not_demand_a_lock_for_longer_than_the_snapshot_keeps_media(tmp_path: Path) -> None:
    config = load_config(write(tmp_path, "[profile]\nobject_lock_min_days = 500\n"))
    with pytest.raises(
        ConfigError, match=r"object_lock_min_days is 500 \(the configuration's\) and retention_max_days is 400"
    ):
        config.to_replay_profile(Profile(retention_max_days=400))


def test_one_account_named_twice_is_refused(tmp_path: Path) -> None:
    account = f"[[twilio.accounts]]\nsid = '{ACCOUNT}'\n"
    with pytest.raises(ConfigError, match="named twice"):
        load_config(write(tmp_path, account * 2))


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        load_config(tmp_path / "gone.toml")
    (tmp_path / "latin.toml").write_bytes(b"\xe4")
    with pytest.raises(ConfigError, match="is not UTF-8 text"):
        load_config(tmp_path / "latin.toml")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("media", BucketScope(bucket="media")),
        ("media/recordings/", BucketScope(bucket="media", prefix="recordings/")),
        ("s3://media/a/b", BucketScope(bucket="media", prefix="a/b")),
    ],
)
def test_a_bucket_is_named_with_or_without_prefix(text: str, expected: BucketScope) -> None:
    assert parse_bucket(text) == expected


@pytest.mark.parametrize("text", ["", "/x", "Media", "a", "https://media.s3.amazonaws.com/", "me dia/x"])
def test_what_is_no_bucket_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="NAME or NAME/PREFIX"):
        parse_bucket(text)


def test_the_schema_accepts_the_example_and_refuses_unknown_keys() -> None:
    import tomllib

    schema = config_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    document = tomllib.loads(EXAMPLE.read_text(encoding="utf-8"))
    validator.validate(document)
    assert not validator.is_valid({**document, "more": 1})


def test_readers_and_administrators_are_named_literally(tmp_path: Path) -> None:
    path = tmp_path / "recordscan.toml"
    role = "arn:aws:iam::111122223333:role/video-reviewers"
    path.write_text(f"[profile]\nreaders = ['{role}', 'cloudfront.amazonaws.com']\nadministrators = []\n", "utf-8")
    profile = load_config(path).to_profile()
    assert profile.readers == (role, "cloudfront.amazonaws.com")
    assert profile.administrators == ()
    assert (Profile().readers, Profile().administrators) == (None, None)
    path.write_text("[profile]\nreaders = ['arn:aws:iam::111122223333:role/*']\n", "utf-8")
    with pytest.raises(ConfigError, match=r"profile\.readers\.0"):
        load_config(path)


# Presets.


@pytest.mark.parametrize("name", presets())
def test_a_preset_is_sound_by_itself(name: str, tmp_path: Path) -> None:
    profile = load_config(write(tmp_path, f'[profile]\npreset = "{name}"\n')).to_profile()
    assert profile.preset == name
    assert {field: getattr(profile, field) for field in presets()[name]} == {
        field: tuple(value) if isinstance(value, list) else value for field, value in presets()[name].items()
    }


def test_the_baseline_is_what_holds_without_a_preset() -> None:
    assert replace(Profile.of(presets()["baseline"]), preset=None) == Profile() == load_config(None).to_profile()


def test_what_the_file_says_itself_goes_before_the_preset(tmp_path: Path) -> None:
    text = '[profile]\npreset = "strict"\nkey_max_age_days = 30\nreaders = ["arn:aws:iam::111122223333:role/r"]\n'
    profile = load_config(write(tmp_path, text)).to_profile()
    assert profile.key_max_age_days == 30
    assert profile.readers == ("arn:aws:iam::111122223333:role/r",)
    assert profile.retention_min_days == presets()["strict"]["retention_min_days"]


def test_a_stored_profile_is_changed_by_all_that_a_preset_says(tmp_path: Path) -> None:
    config = load_config(write(tmp_path, '[profile]\npreset = "strict"\n'))
    merged = config.to_replay_profile(Profile(key_max_age_days=1000, test_files=("x",)))
    assert merged.key_max_age_days == presets()["strict"]["key_max_age_days"]
    assert merged.test_files == ("x",)


@pytest.mark.parametrize(("text", "seconds"), [("90", 90.0), ("90s", 90.0), ("10m", 600.0), ("2h", 7200.0)])
def test_durations_are_seconds_minutes_or_hours(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds
