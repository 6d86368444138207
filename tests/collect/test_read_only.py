"""Nothing but the operations of the call tables leaves the AWS clients, whoever calls them."""

import re

import pytest

from recordscan.collect.session import CALLS, Clients
from recordscan.demo.aws_server import AwsServer
from recordscan.errors import ConfigError, RecordscanError

TABLE = {(call.service, call.operation.partition(":")[2]) for call in CALLS}
WRITES = re.compile(
    r"(Put|Create|Delete|Update|Attach|Detach|Remove|Tag|Untag|Schedule|Set|Start|Stop|Enable|Disable)[A-Z]"
)


@pytest.fixture
def clients(monkeypatch: pytest.MonkeyPatch) -> Clients:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "made-up")
    return Clients(region="eu-west-1")


@pytest.mark.parametrize("service", sorted({service for service, _ in TABLE}))
def test_of_all_operations_of_a_service_only_those_of_the_tables_get_through(clients: Clients, service: str) -> None:
    client = clients.get(service)
    through = set()
    for name in client.meta.service_model.operation_names:
        model = client.meta.service_model.operation_model(name)
        event = f"before-call.{model.service_model.service_id.hyphenize()}.{name}"
        request = {"url": "https://127.0.0.1/", "headers": {}, "body": b""}
        try:
            client.meta.events.emit(event, model=model, params=request, request_signer=None, context={})
        except RecordscanError:
            continue
        through.add((service, name))
    assert through == {pair for pair in TABLE if pair[0] == service}


def test_no_operation_of_the_tables_writes() -> None:
    assert [name for _, name in TABLE if WRITES.match(name)] == []


@pytest.mark.parametrize(
    ("service", "method", "arguments"),
    [
        ("s3", "put_object", {"Bucket": "acme", "Key": "a", "Body": b"x"}),
        ("s3", "get_object", {"Bucket": "acme", "Key": "a"}),
        ("s3", "delete_bucket", {"Bucket": "acme"}),
        ("iam", "create_access_key", {"UserName": "writer"}),
        ("kms", "decrypt", {"CiphertextBlob": b"x"}),
        ("kms", "schedule_key_deletion", {"KeyId": "alias/a"}),
        ("sts", "get_session_token", {}),
        ("cloudtrail", "stop_logging", {"Name": "trail"}),
    ],
)
def test_a_call_that_writes_or_reads_media_is_refused_before_anything_is_sent(
    monkeypatch: pytest.MonkeyPatch,
    spare_aws: AwsServer,
    clients: Clients,
    service: str,
    method: str,
    arguments: dict[str, object],
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", spare_aws.url)
    spare_aws.requests.clear()
    with pytest.raises(RecordscanError, match="only reads"):
        getattr(clients.get(service), method)(**arguments)
    assert spare_aws.requests == []


@pytest.mark.parametrize("url", ["http://aws.example.com", "http://10.0.0.1:4566", "http://127.0.0.1.example.com"])
def test_an_endpoint_without_tls_must_be_on_this_machine(
    monkeypatch: pytest.MonkeyPatch, clients: Clients, url: str
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", url)
    with pytest.raises(ConfigError, match="of s3 is not encrypted; write https in AWS_ENDPOINT_URL"):
        clients.get("s3")


@pytest.mark.parametrize(
    ("url", "stand_ins"),
    [
        (None, set()),
        ("https://bucket.vpce-1a2b3c4d.s3.eu-west-1.vpce.amazonaws.com", set()),
        ("https://user:word@aws.example.com", {"aws https://aws.example.com"}),
        ("http://127.0.0.1:4566", {"aws http://127.0.0.1:4566"}),
    ],
)
def test_whatever_answers_instead_of_aws_is_remembered(
    monkeypatch: pytest.MonkeyPatch, clients: Clients, url: str | None, stand_ins: set[str]
) -> None:
    if url is not None:
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
    clients.get("s3")
    clients.get("kms", "us-gov-west-1")
    assert clients.stand_ins == stand_ins
