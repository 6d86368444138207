"""`recordscan simulate`: every line is answered, and what AWS would refuse is never decided."""

import json
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from operator import setitem
from pathlib import Path
from typing import Any, get_args

import pytest
from click.testing import CliRunner
from hypothesis import example, given
from hypothesis import strategies as st

from cli.scanned import one_sentence
from conftest import SCRIPT, CommandLine
from recordscan.cli.simulate import simulate
from recordscan.errors import CaseError
from recordscan.policy.cases import REMEDIES
from recordscan.policy.documents import DefectCode

PROBES = Path(__file__).parents[1] / "data" / "iam-probes.ndjson"
PROBE_LINES = PROBES.read_text(encoding="utf-8").splitlines()

UPLOADER = "arn:aws:iam::111122223333:user/uploader"
KEY = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
PUT = {"Sid": "Upload", "Effect": "Allow", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::acme/recordings/*"}
ALL = {"Effect": "Allow", "Action": "*", "Resource": "*"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    status: int
    lines: list[dict[str, Any]]
    stderr: str


def ask(lines: bytes, *options: str) -> Answers:
    """Run the command in this process; an exception that is no answer gets through."""
    run = CliRunner().invoke(simulate, options, input=lines, standalone_mode=False, catch_exceptions=False)
    assert isinstance(run.return_value, int)
    answers = [json.loads(line, parse_constant=pytest.fail) for line in run.stdout.splitlines()]
    return Answers(status=run.return_value, lines=answers, stderr=run.stderr)


def answer(case: object, *options: str) -> dict[str, Any]:
    [line] = ask(json.dumps(case).encode(), *options).lines
    return line


def document(*statements: object, **elements: object) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)} | elements


def named(name: str, *statements: object) -> dict[str, Any]:
    return {"name": name, "policy": document(*statements)}


def request(**changes: object) -> dict[str, Any]:
    return {
        "principal": UPLOADER,
        "action": "s3:PutObject",
        "resource": "arn:aws:s3:::acme/recordings/RT1.mka",
        **changes,
    }


def case(**members: object) -> dict[str, Any]:
    return {"request": request(), "identityPolicies": [named("uploads", PUT)], **members}


def without(members: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in members.items() if key != name}


def test_all_probes_are_decided_as_aws_documents(bare: CommandLine) -> None:
    run = bare("simulate", "--expect", str(PROBES))
    answers = [json.loads(line) for line in run.stdout.splitlines()]
    assert [a for a in answers if a.get("ok") is not True] == []
    assert [a["id"] for a in answers] == [json.loads(line)["id"] for line in PROBE_LINES]
    assert (run.status, run.stderr) == (0, "145 cases: 145 as expected, 0 not, 0 invalid\n")


def test_an_answer_names_the_layer_the_policy_and_the_statement() -> None:
    tls = {"Bool": {"aws:SecureTransport": "false"}}
    of_s3 = {"Principal": "*", "Action": "s3:*", "Resource": "*"}
    assert answer(
        {
            "id": "plain http",
            "request": request(context={"aws:SecureTransport": False}),
            "identityPolicies": [named("uploads", {"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}, PUT)],
            "permissionBoundaries": [named("limit", ALL)],
            "sessionPolicy": document(ALL),
            "scps": [{"level": "root", "policies": [named("FullAWSAccess", ALL)]}],
            "rcps": [{"level": "root", "policies": [named("tls", {"Effect": "Deny", "Condition": tls} | of_s3)]}],
            "resourcePolicy": document({"Sid": "OnlyTls", "Effect": "Deny", "Condition": tls} | of_s3),
            "title": "unknown members are ignored",
        }
    ) == {
        "id": "plain http",
        "decision": "ExplicitlyDenied",
        "deny": [["rcp", "tls", "#1"], ["resource", "resourcePolicy", "OnlyTls"]],
        "allow": [
            ["identity", "uploads", "Upload"],
            ["boundary", "limit", "#1"],
            ["session", "sessionPolicy", "#1"],
            ["scp", "FullAWSAccess", "#1"],
        ],
    }


def test_a_request_is_enough_and_what_is_not_said_is_not_there() -> None:
    assert answer({"request": request()}) == {"id": 1, "decision": "ImplicitlyDenied", "deny": [], "allow": []}
    nothing = dict.fromkeys(("identityPolicies", "permissionBoundaries", "sessionPolicy", "scps", "rcps", "grants"))
    assert answer({"request": request(context=None), **nothing, "restrictPublicBuckets": None, "id": None}) == {
        "id": 1,
        "decision": "ImplicitlyDenied",
        "deny": [],
        "allow": [],
    }


def test_a_case_without_id_goes_by_its_line_and_blank_lines_count_but_are_no_cases() -> None:
    lines = "\n".join(["", json.dumps(case()), " \t\r", json.dumps(case(id="named")), json.dumps(case(id=7)), ""])
    assert [line["id"] for line in ask(lines.encode()).lines] == [2, "named", 7]


def test_a_file_from_an_editor_on_windows_is_read() -> None:
    lines = b"\xef\xbb\xbf" + json.dumps(case()).encode() + b"\r\n" + json.dumps(case()).encode()
    assert [line["decision"] for line in ask(lines).lines] == ["Allowed", "Allowed"]


def test_a_document_may_be_text() -> None:
    text = {"name": "uploads", "policy": json.dumps(document(PUT))}
    assert answer(case(identityPolicies=[text])) == answer(case())
    denied = case(resourcePolicy=json.dumps(document({"Effect": "Deny", "Principal": "*"} | without(PUT, "Effect"))))
    assert answer(denied)["deny"] == [["resource", "resourcePolicy", "Upload"]]


def test_an_empty_level_of_scps_blocks_and_no_level_does_not() -> None:
    assert answer(case(scps=[]))["decision"] == "Allowed"
    assert answer(case(scps=[{"level": "root", "policies": []}]))["decision"] == "ImplicitlyDenied"
    assert answer(case(rcps=[{"level": "root", "policies": []}]))["decision"] == "Allowed"


@pytest.mark.parametrize(
    ("principal", "decision"),
    [
        ({"type": "Anonymous"}, "ImplicitlyDenied"),
        ("logging.s3.amazonaws.com", "Allowed"),
        ({"type": "Service", "id": "logging.s3.amazonaws.com"}, "Allowed"),
        ({"type": "AWS", "arn": UPLOADER}, "ImplicitlyDenied"),
        ({"type": "AWS", "value": "arn:aws:iam::111122223333:user/other"}, "Allowed"),
    ],
)
def test_who_asks_can_be_written_in_several_ways(principal: object, decision: str) -> None:
    logs = without(PUT, "Sid") | {
        "Principal": {"Service": "logging.s3.amazonaws.com", "AWS": "arn:aws:iam::111122223333:user/other"}
    }
    asked = request(principal=principal, resourceAccount="111122223333")
    assert answer({"request": asked, "resourcePolicy": document(logs)})["decision"] == decision


def test_whose_the_resource_is_follows_from_its_arn_or_from_who_asks() -> None:
    partner = "arn:aws:iam::444455556666:user/partner"
    decrypt = {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*"}
    of_the_key = request(principal=partner, action="kms:Decrypt", resource=KEY)
    policies: dict[str, Any] = {
        "identityPolicies": [named("p", decrypt)],
        "resourcePolicy": document(decrypt | {"Principal": {"AWS": "444455556666"}}),
    }
    assert answer({"request": of_the_key, **policies})["decision"] == "Allowed"
    assert answer({"request": of_the_key, **without(policies, "resourcePolicy")})["decision"] == "ImplicitlyDenied"
    assert answer(case())["decision"] == "Allowed"
    assert answer(case(request=request(resourceAccount="444455556666")))["decision"] == "ImplicitlyDenied"


@pytest.mark.parametrize(
    ("operator", "wanted", "value"),
    [
        ("Bool", "true", True),
        ("StringEquals", "false", False),
        ("NumericEquals", "10", 10),
        ("StringEquals", "1.5", 1.5),
        ("ForAnyValue:StringEquals", "b", ["a", "b"]),
        ("ForAllValues:StringEquals", ["true", "2"], [True, 2]),
        ("Null", "true", []),
    ],
)
def test_context_values_are_read_as_those_of_policies_are(operator: str, wanted: object, value: object) -> None:
    conditional = PUT | {"Condition": {operator: {"acme:Key": wanted}}}
    asked = request(context={"ACME:key": value})
    assert answer(case(request=asked, identityPolicies=[named("p", conditional)]))["decision"] == "Allowed"


def test_a_grant_allows_what_its_constraints_allow() -> None:
    grant = {
        "GrantId": "0123",
        "GranteePrincipal": UPLOADER,
        "Operations": ["Decrypt"],
        "Constraints": {"EncryptionContextSubset": {"room": "RM1"}},
    }
    asked = request(action="kms:Decrypt", resource=KEY, context={"kms:EncryptionContext:room": "RM1"})
    granted = answer({"request": asked, "grants": [grant]})
    assert (granted["decision"], granted["allow"]) == ("Allowed", [["resource", "grants", "0123"]])
    elsewhere = asked | {"context": {"kms:EncryptionContext:room": "RM2"}}
    assert answer({"request": elsewhere, "grants": [grant]})["decision"] == "ImplicitlyDenied"


def test_a_grant_is_for_one_key_and_one_source() -> None:
    grant = {"GrantId": "0123", "KeyId": KEY, "GranteePrincipal": UPLOADER, "Operations": ["Decrypt"]}
    asked = request(action="kms:Decrypt", resource=KEY)
    for name in (KEY, KEY.rpartition("/")[2]):
        assert answer({"request": asked, "grants": [grant | {"KeyId": name}]})["decision"] == "Allowed"
    other = answer({"request": asked, "grants": [grant | {"KeyId": "99999999-12ab-34cd-56ef-1234567890ab"}]})
    assert other["decision"] == "ImplicitlyDenied"
    assert other["warnings"] == [
        "grants[1] is for the key '99999999-12ab-34cd-56ef-1234567890ab' and not for that of the request"
    ]
    sourced = {"request": asked, "grants": [grant | {"Constraints": {"SourceArn": "arn:aws:s3:::acme"}}]}
    assert answer(sourced)["decision"] == "ImplicitlyDenied"
    asked["context"] = {"aws:SourceArn": "arn:aws:s3:::acme"}
    assert answer(sourced)["decision"] == "Allowed"
    service = without(grant, "GranteePrincipal") | {"GranteeServicePrincipal": "s3.amazonaws.com"}
    by_service = {"request": request(principal="s3.amazonaws.com", action="kms:Decrypt", resource=KEY)}
    assert answer({**by_service, "grants": [service]})["decision"] == "Allowed"


def test_a_federated_user_has_what_its_session_policy_allows() -> None:
    """See https://docs.aws.amazon.com/STS/latest/APIReference/API_GetFederationToken.html."""
    joe = "arn:aws:sts::111122223333:federated-user/joe"
    whole = case(request=request(principal=joe))
    assert answer(whole)["decision"] == "ImplicitlyDenied"
    assert answer(whole | {"sessionPolicy": document(PUT)})["decision"] == "Allowed"
    named_there = document(without(PUT, "Sid") | {"Principal": {"AWS": joe}})
    assert answer(whole | {"resourcePolicy": named_there})["decision"] == "Allowed"


@pytest.mark.parametrize(
    ("policy", "changes", "warns"),
    [
        (PUT | {"Condition": {"StringNotEquals": {"aws:PrincipalAccount": "1"}}}, {}, "aws:PrincipalAccount"),
        (PUT | {"Condition": {"ArnLike": {"AWS:principalarn": "*"}}}, {}, "aws:PrincipalArn"),
        (PUT | {"Resource": "arn:aws:s3:::acme/${aws:username}/*"}, {}, "aws:username"),
        (PUT | {"Resource": "arn:aws:s3:::acme/${aws:username, 'x'}/*"}, {}, "aws:username"),
        (PUT | {"Resource": "arn:aws:s3:::acme/${aws:username}/*"}, {"context": {"aws:username": "u"}}, None),
        (
            PUT | {"Resource": "arn:aws:s3:::acme/${aws:username}/*"},
            {"principal": "arn:aws:sts::111122223333:assumed-role/app/x"},
            None,
        ),
        (PUT | {"Condition": {"StringEquals": {"aws:SourceVpc": "vpc-1"}}}, {}, None),
    ],
)
def test_a_key_that_aws_always_sends_is_missed(
    policy: dict[str, Any], changes: dict[str, Any], warns: str | None
) -> None:
    for members in (
        {"identityPolicies": [named("x", policy)]},
        {"scps": [{"policies": [named("x", policy)]}]},
        {"permissionBoundaries": [named("x", policy)]},
    ):
        found = answer({"request": request(**changes), **members}).get("warnings", [])
        missed = f"a policy looks at {warns}, which AWS puts into the request and context does not have; add it"
        assert found == ([] if warns is None else [missed])


def test_a_context_that_contradicts_the_principal_is_told() -> None:
    [warning] = answer(case(request=request(context={"aws:PrincipalAccount": "444455556666"})))["warnings"]
    assert warning == f"context has another aws:PrincipalAccount than the principal {UPLOADER}"
    assert "warnings" not in answer(case(request=request(context={"aws:PrincipalAccount": "111122223333"})))


def test_a_trust_policy_has_no_resource() -> None:
    role = "arn:aws:iam::111122223333:role/archive"
    trust = document({"Effect": "Allow", "Principal": {"AWS": UPLOADER}, "Action": "sts:AssumeRole"})
    assume = request(action="sts:AssumeRole", resource=role)
    assert answer({"request": assume, "resourcePolicy": trust})["decision"] == "Allowed"


def test_a_public_bucket_that_is_restricted_cuts_off_strangers() -> None:
    everybody = without(PUT, "Sid") | {"Principal": "*"}
    asked = request(principal={"type": "Anonymous"}, resourceAccount="111122223333")
    public = {"request": asked, "resourcePolicy": document(everybody)}
    assert answer(public)["decision"] == "Allowed"
    restricted = answer(public | {"restrictPublicBuckets": True})
    assert restricted["decision"] == "ExplicitlyDenied"
    assert restricted["deny"] == [["resource", "RestrictPublicBuckets", "#1"]]


def test_an_unknown_operator_holds_for_no_request_and_the_answer_says_so() -> None:
    remedy = "no request meets it, so correct its spelling"
    misspelt = PUT | {"Condition": {"StringEqualz": {"aws:SourceVpce": "vpce-1"}}}
    asked = request(context={"aws:SourceVpce": "vpce-1"})
    assert answer(case(request=asked, identityPolicies=[named("uploads", misspelt)])) == {
        "id": 1,
        "decision": "ImplicitlyDenied",
        "deny": [],
        "allow": [],
        "warnings": [f"identity policy uploads, statement Upload: 'StringEqualz' is no condition operator; {remedy}"],
    }


def test_a_slip_of_the_pen_in_a_member_is_told_as_it_would_change_the_decision() -> None:
    told = answer(case(permissionBoundary=[], request=request(contxt={})))
    assert told["warnings"] == [
        "the case has 'permissionBoundary', which is ignored; did you mean 'permissionBoundaries'?",
        "request has 'contxt', which is ignored; did you mean 'context'?",
    ]
    assert "warnings" not in answer(case(title="t", rule="r", basis="doc", tags=[], comment="c", ticket=1))


def test_explanations_name_what_decides_and_what_nearly_would() -> None:
    denied = answer(case(request=request(action="s3:GetObject")), "--explain")
    assert denied["because"] == [
        "no identity policy allows it",
        "statement Upload of uploads would allow it but for its Action",
    ]
    tls = PUT | {"Sid": "Tls", "Effect": "Deny", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}
    secured = case(identityPolicies=[named("uploads", PUT, tls)])
    assert answer(secured, "--explain")["because"] == [
        "statement Upload of uploads allows it",
        "statement Tls of uploads would deny it but for its Condition Bool aws:SecureTransport",
    ]
    plain = secured | {"request": request(context={"aws:SecureTransport": False})}
    assert answer(plain, "--explain")["because"] == ["statement Tls of uploads denies it"]


def spoilt(**changes: object) -> dict[str, Any]:
    return case(identityPolicies=[named("uploads", {**PUT, **changes})])


@pytest.mark.parametrize(
    ("invalid", "says"),
    [
        ([], "the line is no JSON object; write one JSON object a line, as `jq -c .` does"),
        ({}, 'the case has no request; write one with "principal", "action" and "resource"'),
        ({"request": "s3:PutObject"}, "request is 's3:PutObject'; write an object"),
        ({"id": True, "request": request()}, "id is true, neither text nor a whole number"),
        ({"request": without(request(), "principal")}, "principal is null, which names nobody who can ask; write"),
        ({"request": request(principal="uploader")}, "principal is 'uploader', which names nobody who can ask"),
        ({"request": request(principal="*")}, 'or {"type": "Anonymous"}'),
        ({"request": request(principal={"type": "Service", "id": UPLOADER})}, "which names nobody who can ask"),
        ({"request": request(principal={"type": "AWS"})}, "principal is an object, which names nobody who can ask"),
        ({"request": request(action="PutObject")}, "action 'PutObject' is no action; write one in full"),
        ({"request": request(action="s3:*")}, "action 's3:*' is no action"),
        ({"request": request(resource="acme/recordings/RT1.mka")}, "resource 'acme/recordings/RT1.mka' is no ARN"),
        ({"request": request(resourceAccount=111122223333)}, "resourceAccount is 111122223333; write the 12 digits"),
        ({"request": request(principal={"type": "Anonymous"})}, "whose the resource is; add resourceAccount"),
        ({"request": request(context={"aws:SourceIp": None})}, "context key 'aws:SourceIp' is neither text"),
        ({"request": request(context={"a": {"b": 1}})}, "leave out a key that the request does not have"),
        ({"request": request(context={"a:B": "1", "A:b": "2"})}, "context has 'A:b' twice"),
        (case(identityPolicies={}), "identityPolicies is an object; write a list"),
        (case(identityPolicies=[document(PUT)]), 'identityPolicies[1] has no policy; write {"name": ..., "policy"'),
        (case(identityPolicies=[{"name": 1, "policy": {}}]), "name of identityPolicies[1] is 1; write text"),
        (case(permissionBoundaries=[]), "permissionBoundaries is an empty list; write null where there is no boundary"),
        (case(scps=[named("FullAWSAccess", ALL)]), 'scps[1] is no level; write {"level": "root", "policies": [...]}'),
        (case(restrictPublicBuckets="yes"), "restrictPublicBuckets is 'yes'; write true or false"),
        (case(grants=[{}]), "GranteePrincipal of grants[1] is null; write an ARN"),
        (case(grants=[{"GranteePrincipal": UPLOADER, "Operations": "Decrypt"}]), "Operations of grants[1] is no list"),
        (
            case(grants=[{"GranteePrincipal": UPLOADER, "Operations": [], "Constraints": {"SourceVpc": "x"}}]),
            "grants[1] has the constraint 'SourceVpc'; known are",
        ),
        (
            spoilt(Effect="allow"),
            "uploads, statement Upload: Effect is 'allow', neither Allow nor Deny; write \"Allow\" or \"Deny\"",
        ),
        (spoilt(Sid=None, Actions="s3:*"), "identity policy uploads, statement #1: 'Actions' is no element"),
        (spoilt(Principal="*"), "an identity policy may not name principals; remove it, or write the document as"),
        (spoilt(Condition={"StringEquals": {"a": None}}), "statement Upload: a value of 'a' is neither text"),
        (case(identityPolicies=[{"policy": "{"}]), "identity policy #1: the policy is not JSON; correct it"),
        (case(identityPolicies=[{"policy": '{"Version": NaN}'}]), "identity policy #1: the policy is not JSON"),
        (case(identityPolicies=[{"policy": None}]), "identity policy #1: the policy is no JSON object"),
        (case(permissionBoundaries=[named("b", {})]), "permissions boundary b, statement #1: "),
        (case(sessionPolicy=document(PUT, Version="2012")), "session policy: Version '2012' does not exist"),
        (case(resourcePolicy=document(PUT)), "resource policy, statement Upload: it names no principal; add Principal"),
        (
            case(scps=[{"level": "root", "policies": [named("guard", without(PUT, "Resource"))]}]),
            "SCP guard of level root, statement Upload: it names no resource; add Resource or NotResource",
        ),
        (case(rcps=[{"policies": [named("guard", PUT)]}]), "RCP guard of level #1, statement Upload: it names no"),
        (
            case(rcps=[{"policies": [named("guard", PUT | {"Principal": {"AWS": UPLOADER}})]}]),
            'statement Upload: the principal of an RCP is "*" and nobody else; write Action and "Principal": "*"',
        ),
        (
            case(permissionBoundaries=[named("a", PUT), named("b", PUT)]),
            "permissionBoundaries has 2 policies; nobody has more than one boundary",
        ),
        ({"request": request(action="kms:Decrypt", resource="*")}, "'*' is no key, and KMS decides kms:Decrypt on one"),
        ({"request": request(action="kms:Decrypt")}, "is no key, and KMS decides kms:Decrypt on one; write the key's"),
        ({"request": request(resource=KEY)}, "is not of S3, and s3:PutObject is; write the ARN of a bucket or object"),
        (
            {"request": request(principal="arn:aws-cn:iam::111122223333:user/u")},
            "resource 'arn:aws:s3:::acme/recordings/RT1.mka' are of two partitions, which share nobody",
        ),
        (case(grants=[{"KeyId": 1, "GranteePrincipal": UPLOADER, "Operations": []}]), "KeyId of grants[1] is 1; write"),
        (
            case(grants=[{"GranteePrincipal": UPLOADER, "Operations": [], "Constraints": {"SourceArn": ["x"]}}]),
            "SourceArn of grants[1] is a list; write an ARN",
        ),
        (
            {"request": request(action="kms:Decrypt", resource="arn:aws:kms:us-east-1:111122223333:alias/media")},
            "alias/media' is an alias, and KMS decides kms:Decrypt on the key; write the key's ARN",
        ),
    ],
)  # fmt: skip
def test_an_invalid_case_is_told_in_one_sentence(invalid: object, says: str) -> None:
    answers = ask(b"\n" + json.dumps(invalid).encode())
    [line] = answers.lines
    assert answers.status == 2
    assert line.keys() == {"id", "line", "error"}
    assert (line["id"], line["line"]) == (2, 2)
    assert says in line["error"]
    assert "\n" not in line["error"]


DEEP = 100_000
TWICE = json.dumps(case()).replace('"Effect": "Allow"', '"Effect": "Deny", "Effect": "Allow"')


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (b"{", "the line is not JSON: Expecting property name enclosed in double quotes at column"),
        (b'{"id": "a\tb"}', "the line is not JSON: Invalid control character at column 10; write one JSON"),
        (b'{"id": NaN}', "it has NaN, Infinity or a number without end"),
        (b'{"id": 1' + b"0" * 5000 + b"}", "it has NaN, Infinity or a number without end"),
        (b'{"id": "\xff"}', "the line is not UTF-8 text; save it as such"),
        (bytes(range(128, 256)), "the line is not UTF-8 text; save it as such"),
        (b"\x00", "the line is not JSON"),
        (b'{"id": 1e999}', "id is inf, neither text nor a whole number"),
        (b'{"x": ' * DEEP + b"1" + b"}" * DEEP, "the line is nested too deep"),
        (b"[" * DEEP, "the line is nested too deep"),
        (TWICE.encode(), "identity policy uploads, statement Upload: 'Effect' is given twice; write it once"),
        (TWICE.replace("Effect", "Version").encode(), "'Version' is given twice; write it once"),
        (b'{"request": {}, "request": {}}', "the case has 'request' twice; write it once"),
        (b'{"request": {"action": "a", "action": "b"}}', "request has 'action' twice; write it once"),
        (json.dumps(case(sessionPolicy=[])).replace("[]}", "[" * 60 + "]" * 60 + "}").encode(), "more than 32 deep"),
    ],
)
def test_what_is_no_json_or_has_two_meanings_is_told_and_the_others_are_decided(line: bytes, says: str) -> None:
    sound = json.dumps(case(id="sound")).encode()
    answers = ask(b"\n".join([sound, line, sound]))
    assert answers.status == 2
    before, between, after = answers.lines
    assert before == after == {"id": "sound", "decision": "Allowed", "deny": [], "allow": [LABEL]}
    assert says in between["error"]
    assert len(between["error"]) < 400


LABEL = ["identity", "uploads", "Upload"]


def test_there_is_a_remedy_for_each_defect() -> None:
    assert set(REMEDIES) == set(get_args(DefectCode))


def test_a_mismatch_is_shown_with_what_was_expected_and_exits_with_1() -> None:
    lines = [case(expect="Allowed"), case(expect="ImplicitlyDenied"), case(expect="Allowed")]
    answers = ask("\n".join(map(json.dumps, lines)).encode(), "--expect")
    decided = {"decision": "Allowed", "deny": [], "allow": [LABEL]}
    assert answers.lines == [
        {"id": 1, **decided, "ok": True},
        {"id": 2, **decided, "expect": "ImplicitlyDenied", "ok": False},
        {"id": 3, **decided, "ok": True},
    ]
    assert answers.status == 1
    assert answers.stderr == "3 cases: 2 as expected, 1 not, 0 invalid\n"


@pytest.mark.parametrize("expect", [None, "allowed", "Denied", True, ["Allowed"], "\ud800"])
def test_a_case_without_a_sound_expectation_is_invalid_which_comes_before_a_mismatch(expect: object) -> None:
    lines = [case(expect="ImplicitlyDenied"), case(expect=expect)]
    answers = ask("\n".join(map(json.dumps, lines)).encode(), "--expect")
    assert answers.status == 2
    assert "write one of Allowed, ImplicitlyDenied, ExplicitlyDenied" in answers.lines[1]["error"]
    assert answers.stderr == "2 cases: 0 as expected, 1 not, 1 invalid\n"


def test_without_the_option_expectations_are_not_looked_at() -> None:
    answers = ask(json.dumps(case(expect="nonsense")).encode())
    assert answers == Answers(
        status=0, lines=[{"id": 1, "decision": "Allowed", "deny": [], "allow": [LABEL]}], stderr=""
    )


def test_one_case_is_counted_as_one() -> None:
    assert ask(json.dumps(case(expect="Allowed")).encode(), "--expect").stderr == (
        "1 case: 1 as expected, 0 not, 0 invalid\n"
    )


@pytest.mark.parametrize("lines", [b"", b"\n \n\t\r\n"])
@pytest.mark.parametrize("options", [(), ("--expect",)])
def test_no_cases_are_an_error_and_never_a_pass(lines: bytes, options: tuple[str, ...]) -> None:
    with pytest.raises(CaseError, match="stdin: there are no cases; write one JSON object a line") as raised:
        ask(lines, *options)
    assert raised.value.exit_status == 2


def test_an_empty_or_missing_file_is_told_in_one_sentence(bare: CommandLine) -> None:
    (bare.folder / "empty.ndjson").touch()
    empty = bare("simulate", "empty.ndjson")
    assert (empty.status, one_sentence(empty)) == (
        2,
        "empty.ndjson: there are no cases; write one JSON object a line",
    )
    missing = bare("simulate", "--expect", "absent.ndjson")
    assert (missing.status, one_sentence(missing)) == (
        2,
        "absent.ndjson: cannot be read: No such file or directory",
    )
    folder = bare("simulate", ".")
    assert folder.status == 2
    assert "'.' is a directory" in folder.stderr


@pytest.mark.parametrize("dash", [["-"], []])
def test_cases_come_from_stdin_which_may_be_closed(bare: CommandLine, dash: list[str]) -> None:
    command = [str(SCRIPT), "simulate", *dash]
    cases = json.dumps(case())
    piped = subprocess.run(
        command, env=bare.environment, input=cases, capture_output=True, text=True, check=False, timeout=60
    )
    assert (piped.returncode, json.loads(piped.stdout)["decision"], piped.stderr) == (0, "Allowed", "")
    closed = subprocess.run(
        ["/bin/sh", "-c", '"$@" <&-', "sh", *command],
        env=bare.environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (closed.returncode, closed.stdout) == (2, "")
    assert closed.stderr == "recordscan: stdin: there are no cases; write one JSON object a line\n"


@pytest.mark.parametrize(("redirection", "told"), [(">&-", True), ("| true", True), (">&- 2>&-", False)])
def test_a_reader_that_goes_away_changes_no_verdict(bare: CommandLine, redirection: str, told: bool) -> None:
    (bare.folder / "cases").write_text("\n".join([json.dumps(case(expect="ExplicitlyDenied"))] * 2000))
    done = subprocess.run(
        ["/bin/sh", "-c", f'{{ "$0" simulate --expect cases; echo $? > status; }} {redirection}', str(SCRIPT)],
        env=bare.environment,
        cwd=bare.folder,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        timeout=60,
    )
    assert (bare.folder / "status").read_text() == "1\n"
    assert done.stderr == ("2000 cases: 0 as expected, 2000 not, 0 invalid\n" if told else "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no full device")
def test_a_full_disk_behind_stdout_is_no_pass(bare: CommandLine) -> None:
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        done = subprocess.run(
            [str(SCRIPT), "simulate", "--expect", str(PROBES)],
            env=bare.environment,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=60,
        )
    assert done.returncode == 5
    assert done.stderr == "recordscan: reading or writing failed: No space left on device\n"


MEGABYTE = 1_000_000


@pytest.mark.parametrize(
    "hostile",
    [
        case(title="x" * MEGABYTE),
        case(id="x" * MEGABYTE),
        case(identityPolicies=[named("x" * MEGABYTE, PUT)]),
        spoilt(Sid="x" * MEGABYTE, Effect="no"),
        spoilt(Resource="arn:aws:s3:::" + "${" * (MEGABYTE // 2)),
        spoilt(Resource="*:*:*:*:*:*x") | {"request": request(resource="arn:aws:s3:::" + ":" * MEGABYTE)},
        spoilt(Resource="*" * MEGABYTE) | {"request": request(resource="arn:aws:s3:::" + "*" * 1000)},
        spoilt(Resource=["arn:aws:s3:::a"] * (MEGABYTE // 20)),
        {"request": request(principal="a." * (MEGABYTE // 2))},
        {"request": request(action="a" * MEGABYTE)},
        {"request": request(context={f"k{n}": n for n in range(MEGABYTE // 20)})},
        case(**{f"reques{n}": n for n in range(MEGABYTE // 20)}),
    ],
    ids=lambda hostile: max((key for key in hostile), key=lambda key: len(str(hostile[key]))),
)
def test_a_line_of_a_megabyte_is_answered_in_time(hostile: dict[str, Any]) -> None:
    line = answer(hostile)
    assert "decision" in line or len(line["error"]) < 1000


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([10**400, -(10**80)])
    | st.floats()
    | st.text(alphabet=st.characters(exclude_categories=()), max_size=8)
    | st.sampled_from(["*", "${", "${aws:username}", "${a, 'b'}", "arn:aws:s3:::*", "arn::::::", UPLOADER, KEY, "{}"])
)
WORDS = st.sampled_from(["Statement", "Effect", "Principal", "Condition", "policy", "policies", "type", "StringLike"])
ANYTHING = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS | st.text(max_size=4), inner, max_size=3)
)


def places(value: Any) -> Iterator[Callable[[Any], None]]:
    """A setter for each place within a JSON value."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in list(items):
        yield partial(setitem, value, key)
        yield from places(child)


@given(st.data())
def test_a_case_with_anything_anywhere_is_answered(data: st.DataObject) -> None:
    body = json.loads(data.draw(st.sampled_from(PROBE_LINES)))
    for _ in range(data.draw(st.integers(min_value=1, max_value=3))):
        setters = list(places(body))
        if setters:
            data.draw(st.sampled_from(setters))(data.draw(ANYTHING))
    answers = ask(json.dumps(body).encode(), "--expect", "--explain")
    [line] = answers.lines
    assert ("decision" in line) is not ("error" in line)
    assert (answers.status == 2) is ("error" in line)


@given(st.lists(st.binary() | ANYTHING.map(lambda value: json.dumps(value).encode()), min_size=1))
@example([b"\xef\xbb\xbf"])
def test_arbitrary_lines_are_answered_one_by_one(lines: list[bytes]) -> None:
    text = b"\n".join([*lines, b"{}"])
    after_mark = text.removeprefix(b"\xef\xbb\xbf")  # what some editors begin a file with is no part of its first line
    wanted = [number for number, line in enumerate(after_mark.split(b"\n"), start=1) if line.strip()]
    answers = ask(text)
    assert [line["line"] for line in answers.lines if "error" in line] == wanted
    assert answers.status == 2


def test_a_slip_of_the_pen_is_an_error_where_cases_are_tests() -> None:
    case = {"id": "a", "expect": "ImplicitlyDenied", "identityPolices": [], "request": request()}
    lenient, strict = ask(json.dumps(case).encode()), ask(json.dumps(case).encode(), "--expect")
    assert (lenient.status, strict.status) == (0, 2)
    assert "did you mean 'identityPolicies'?" in lenient.lines[0]["warnings"][0]
    assert "no member of it; did you mean 'identityPolicies'?" in strict.lines[0]["error"]


@pytest.mark.parametrize(
    "member",
    [
        *("request", "identityPolicies", "permissionBoundaries", "sessionPolicy", "scps", "rcps", "resourcePolicy"),
        *("restrictPublicBuckets", "grants", "expect"),
    ],
)
def test_a_slip_of_the_pen_in_each_member_of_a_case_is_told(member: str) -> None:
    told = answer({"id": "a", "request": request(), f"{member}s": None})
    assert told["warnings"] == [f"the case has '{member}s', which is ignored; did you mean '{member}'?"]


@pytest.mark.parametrize("member", ["principal", "action", "resource", "resourceAccount", "context"])
def test_a_slip_of_the_pen_in_each_member_of_a_request_is_told(member: str) -> None:
    told = answer({"request": request(**{f"{member}x": None})})
    assert told["warnings"] == [f"request has '{member}x', which is ignored; did you mean '{member}'?"]


def test_a_case_with_every_member_has_nothing_odd() -> None:
    every = {"permissionBoundaries": None, "sessionPolicy": None, "scps": None, "rcps": None, "resourcePolicy": None}
    more = {"restrictPublicBuckets": False, "grants": None, "expect": "Allowed", "id": "a"}
    whole = case(**every, **more, request=request(resourceAccount="111122223333", context={}))
    for options in ((), ("--expect",)):
        answers = ask(json.dumps(whole).encode(), *options)
        assert answers.status == 0
        assert "warnings" not in answers.lines[0]


WILD = {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:user/up*"}, "Action": "*", "Resource": "*"}


@pytest.mark.parametrize(
    ("members", "says"),
    [
        ({"identityPolicies": [named("twins", PUT, PUT)]}, "give each a Sid of its own"),
        ({"resourcePolicy": document(WILD)}, "name the principal in full, or test aws:PrincipalArn under Condition"),
        (
            {"rcps": [{"policies": [named("r", {**ALL, "Effect": "Deny", "Principal": "*"})]}]},
            'write "Deny", and the service before the action, such as "s3:*"',
        ),
        ({"sessionPolicy": document({**ALL, "Sid": "two words"})}, "take out what else is there"),
    ],
)
def test_a_defect_that_leaves_one_meaning_is_a_warning(members: dict[str, Any], says: str) -> None:
    answers = ask(json.dumps(case(**members)).encode())
    assert answers.status == 0
    [*_, warning] = answers.lines[0]["warnings"]
    assert warning.endswith(f"; {says}")


@pytest.mark.parametrize(
    ("members", "says"),
    [
        ({"identityPolicies": [named("x", {**ALL, "NotAction": "*"})]}, "keep one of them"),
        ({"identityPolicies": [named("x", {**ALL, "NotResource": "*"})]}, "keep one of them"),
        ({"resourcePolicy": document({**ALL, "Principal": "*", "NotPrincipal": "*"})}, "keep one of them"),
        ({"resourcePolicy": document(ALL)}, "add Principal"),
        ({"identityPolicies": [named("x", {**ALL, "Principal": "*"})]}, "or write the document as resourcePolicy"),
        ({"identityPolicies": [named("x", without(ALL, "Action"))]}, "add Action or NotAction"),
        ({"identityPolicies": [named("x", without(ALL, "Resource"))]}, "add Resource or NotResource"),
        ({"identityPolicies": [named("x", {**ALL, "Effect": "allow"})]}, 'write "Allow" or "Deny"'),
        ({"identityPolicies": [named("x", {**ALL, "Actions": "*"})]}, "remove it, or correct its spelling"),
        ({"identityPolicies": [named("x", {**ALL, "Action": 1})]}, "write it as the grammar of policies says"),
        ({"identityPolicies": [named("x", {**ALL, "Condition": []})]}, "or a list of values"),
        ({"identityPolicies": [named("x", {**ALL, "Action": "Put"})]}, 'write it in full, such as "s3:PutObject"'),
        ({"resourcePolicy": document({**WILD, "Resource": "b/*"})}, 'such as "arn:aws:s3:::bucket/*"'),
        *(
            ({"resourcePolicy": document({**ALL, "Principal": principal})}, "a role, a session or a service in full")
            for principal in (
                *({"AWS": name} for name in ("bob", "12345", "arn:aws:iam::111122223333:group/g", "s3.amazonaws.com")),
                {"Service": "s3"},
                {"Service": UPLOADER},
            )
        ),
        ({"sessionPolicy": {"Version": "2013", "Statement": []}}, 'write "2012-10-17"'),
        ({"sessionPolicy": []}, "write an object with Version and Statement"),
        ({"sessionPolicy": "{"}, "correct it, or write it as an object of the case"),
    ],
)
def test_a_defect_that_aws_refuses_makes_the_case_invalid(members: dict[str, Any], says: str) -> None:
    answers = ask(json.dumps(case(**members)).encode())
    assert answers.status == 2
    assert answers.lines[0]["error"].endswith(says)


def test_an_action_that_aws_does_not_have_is_warned_of() -> None:
    case = {"request": {**request(), "action": "s3:PutObjct"}}
    assert "action 's3:PutObjct' is none that AWS documented by " in answer(case)["warnings"][0]
    assert "warnings" not in answer({"request": request()})
    policies = [named("x", {**without(ALL, "Action"), "NotAction": ["s3:DeleteObjct", "s3:DeleteObj*"]})]
    [warning] = answer({"request": request(), "identityPolicies": policies})["warnings"]
    assert warning.startswith(
        "identity policy x, statement #1: action 's3:DeleteObjct' is none that AWS documented by "
    )


@pytest.mark.parametrize("whole", [[{"id": "a"}], {"id": "a", "request": {}}])
def test_one_document_over_several_lines_is_told_once(whole: object) -> None:
    with pytest.raises(CaseError, match="is one JSON document over several lines; write each case in a line"):
        ask(json.dumps(whole, indent=2).encode())
