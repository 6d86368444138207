"""Credentials that are missing, unknown, wrong or expired: exit 4, and one sentence that says which side."""

import pytest

from cli.scanned import one_sentence
from conftest import CommandLine, Run
from recordscan.demo.aws_faults import Fault, FaultKind
from recordscan.demo.company_twilio import PRODUCTION
from recordscan.demo.run import Company

pytestmark = pytest.mark.usefixtures("clouds")

COMMANDS = pytest.mark.parametrize("command", ["scan", "preflight"])


def refusal(run: Run, clouds: Company) -> str:
    """The one sentence of a run that ended with 4, which holds no secret."""
    assert run.status == 4, run.stderr
    secrets = [value for name, value in clouds.environment.items() if "SECRET" in name]
    assert len(secrets) >= 3
    assert [secret for secret in secrets if secret in run.stderr] == []
    return one_sentence(run)


@COMMANDS
def test_no_aws_credentials(recordscan: CommandLine, clouds: Company, command: str) -> None:
    run = recordscan(command, env={"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None})
    assert refusal(run, clouds).startswith("AWS: there are no credentials; set AWS_PROFILE or ")
    assert clouds.aws.requests == []
    assert clouds.twilio.log == []


def test_half_an_aws_credential(recordscan: CommandLine, clouds: Company) -> None:
    run = recordscan("scan", env={"AWS_SECRET_ACCESS_KEY": None})
    assert refusal(run, clouds).startswith("AWS: the credentials cannot be had: PartialCredentialsError")
    assert clouds.aws.requests == []


def test_an_unknown_aws_profile_of_the_environment(recordscan: CommandLine, clouds: Company) -> None:
    run = recordscan("scan", env={"AWS_PROFILE": "nobody"})
    assert refusal(run, clouds) == "AWS: The config profile (nobody) could not be found"
    assert clouds.aws.requests == []


def test_an_unknown_aws_profile_of_the_configuration(recordscan: CommandLine, clouds: Company) -> None:
    config = clouds.config.replace("[aws]\n", '[aws]\nprofile = "nobody"\n')
    (recordscan.folder / "recordscan.toml").write_text(config, encoding="utf-8")
    assert refusal(recordscan("scan"), clouds) == "AWS: The config profile (nobody) could not be found"
    assert clouds.aws.requests == []


@COMMANDS
@pytest.mark.parametrize(
    ("kind", "says"),
    [
        (FaultKind.UNKNOWN_ACCESS_KEY, "AWS: the credentials are refused (InvalidClientTokenId); "),
        (FaultKind.WRONG_SIGNATURE, "AWS: the credentials are refused (SignatureDoesNotMatch); "),
        (FaultKind.EXPIRED_TOKEN, "AWS: the credentials have expired (ExpiredToken); "),
    ],
)
def test_refused_aws_credentials(
    recordscan: CommandLine, clouds: Company, command: str, kind: FaultKind, says: str
) -> None:
    clouds.aws.faults["sts:GetCallerIdentity"] = Fault(kind=kind)
    assert refusal(recordscan(command), clouds) == f"{says}renew them and scan again"
    assert clouds.aws.operations() == ["sts:GetCallerIdentity"]
    assert clouds.twilio.log == []


@pytest.mark.parametrize(
    ("env", "says"),
    [
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:PORT"}, "(EndpointConnectionError: the endpoint cannot be reached)"),
        ({"AWS_ENDPOINT_URL": "foo"}, "(ValueError: the endpoint is no URL, or the Region no name)"),
        ({"AWS_DEFAULT_REGION": "no where", "AWS_ENDPOINT_URL": None}, "AWS cannot be reached in no where ("),
    ],
    ids=["nobody listens", "no URL", "no Region"],
)
def test_aws_that_cannot_be_reached_is_no_matter_of_credentials(
    recordscan: CommandLine, clouds: Company, unused_port: int, env: dict[str, str | None], says: str
) -> None:
    set_up = {name: value and value.replace("PORT", str(unused_port)) for name, value in env.items()}
    config = clouds.config.replace('region = "', '# region = "')
    (recordscan.folder / "recordscan.toml").write_text(config, encoding="utf-8")
    sentence = refusal(recordscan("scan", env=set_up), clouds)
    assert sentence.startswith("AWS cannot be reached in ")
    assert says in sentence
    hint = "so no credentials were tried; check the network, the proxy (HTTPS_PROXY), the Region (AWS_DEFAULT_REGION)"
    assert sentence.endswith(hint + (" and AWS_ENDPOINT_URL" if env["AWS_ENDPOINT_URL"] else ""))
    assert clouds.twilio.log == []


@pytest.mark.parametrize(
    ("name", "account"),
    [
        ("TWILIO_API_KEY", "production"),
        ("TWILIO_API_SECRET", "production"),
        ("RESEARCH_TWILIO_API_KEY", "research"),
        ("RESEARCH_TWILIO_API_SECRET", "research"),
    ],
)
@pytest.mark.parametrize("value", [None, ""], ids=["unset", "empty"])
def test_a_missing_variable_of_a_configured_twilio_account(
    recordscan: CommandLine, clouds: Company, name: str, account: str, value: str | None
) -> None:
    run = recordscan("scan", env={name: value})
    assert refusal(run, clouds) == f"Twilio: {name} is not set, which holds the credential of {account}"
    assert clouds.aws.requests == []
    assert clouds.twilio.log == []


@pytest.mark.parametrize(
    ("missing", "says"),
    [
        (["TWILIO_ACCOUNT_SID"], "Twilio: TWILIO_ACCOUNT_SID is not set; set it with TWILIO_API_KEY and "),
        (["TWILIO_API_KEY"], "Twilio: TWILIO_API_KEY is not set; an API key needs both"),
        (["TWILIO_API_SECRET"], "Twilio: TWILIO_API_SECRET is not set; an API key needs both"),
        (["TWILIO_API_KEY", "TWILIO_API_SECRET"], "Twilio: set TWILIO_API_KEY and TWILIO_API_SECRET, or TWILIO_AUTH_"),
    ],
    ids=["no account", "no key", "no secret", "neither"],
)
def test_a_missing_variable_without_a_configuration(
    recordscan: CommandLine, clouds: Company, missing: list[str], says: str
) -> None:
    run = recordscan("scan", "--no-config", env=dict.fromkeys(missing))
    assert refusal(run, clouds).startswith(says)
    assert clouds.aws.requests == []
    assert clouds.twilio.log == []


def test_twilio_refuses_every_account(recordscan: CommandLine, clouds: Company) -> None:
    run = recordscan("scan", env={"TWILIO_API_SECRET": "wrong-one", "RESEARCH_TWILIO_API_SECRET": "wrong-two"})
    says = refusal(run, clouds)
    assert says.startswith("Twilio: the credentials are refused (20003) for production (API key ")
    assert "research (API key " in says
    assert says.endswith("; renew them and scan again")
    assert "wrong-one" not in says
    assert clouds.aws.operations() == ["sts:GetCallerIdentity"]


def test_twilio_refuses_an_auth_token(recordscan: CommandLine, clouds: Company) -> None:
    token = {"TWILIO_API_KEY": None, "TWILIO_API_SECRET": None, "TWILIO_AUTH_TOKEN": "wrong-token"}
    says = refusal(recordscan("scan", "--no-config", env=token), clouds)
    assert says == (
        f"Twilio: the credentials are refused (20003) for {PRODUCTION} (Auth Token); renew them and scan again"
    )


def test_twilio_that_cannot_be_reached_is_no_matter_of_credentials(
    recordscan: CommandLine, clouds: Company, unused_port: int
) -> None:
    run = recordscan("scan", "-q", env={"RECORDSCAN_TWILIO_URL": f"http://127.0.0.1:{unused_port}"})
    assert refusal(run, clouds) == (
        "Twilio cannot be reached (ConnectionError: the connection failed), so no credentials were tried; check the "
        "network and the proxy (HTTPS_PROXY)"
    )


def test_a_named_bucket_is_audited_while_twilio_cannot_be_reached(recordscan: CommandLine, unused_port: int) -> None:
    unreachable = {"RECORDSCAN_TWILIO_URL": f"http://127.0.0.1:{unused_port}"}
    run = recordscan("scan", "-q", "--bucket", "hollow-creek-video", "-f", "none", env=unreachable)
    assert run.status in (1, 3), run.stderr


def test_nothing_set_at_all(bare: CommandLine) -> None:
    run = bare("scan")
    assert run.status == 4
    assert one_sentence(run).startswith("Twilio: TWILIO_ACCOUNT_SID is not set; ")
