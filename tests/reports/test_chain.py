"""The picture of each target: which part is sound, broken or unknown, and what its parts are."""

from collections.abc import Callable

import pytest

from recordscan.engine import assess_snapshot
from recordscan.plugins import load_rules
from recordscan.testing import BUCKET, CREDENTIAL, KEY_ARN, WRITER_ARN, Case, bucket_url, sound
from recordscan_reports.html import render
from recordscan_reports.html.chain import Chain, chains_of

RULES = load_rules()


def chain(*changes: Callable[[Case], object]) -> Chain:
    case = sound()
    for change in changes:
        change(case)
    [found] = chains_of(assess_snapshot(case.snapshot(), RULES, fail_on=None))
    return found


def states(of: Chain) -> list[str]:
    return [node.state for node in of.nodes]


def test_a_sound_target_is_sound_from_end_to_end_and_names_its_parts() -> None:
    found = chain()
    assert states(found) == ["sound"] * 5
    assert [link.state for link in found.links] == ["sound"] * 4
    assert [node.label for node in found.nodes][1:] == [CREDENTIAL, WRITER_ARN, f"arn:aws:s3:::{BUCKET}", KEY_ARN]
    assert found.nodes[0].label == bucket_url("video/recordings/")
    assert all(link.rules for link in found.links)


@pytest.mark.parametrize(
    ("change", "node", "state"),
    [
        (lambda case: case.set("s3:GetBucketVersioning", "/Status", "Suspended"), 3, "broken"),
        (lambda case: case.deny("s3:GetBucketVersioning"), 3, "unknown"),
        (lambda case: case.set("kms:DescribeKey", "/KeyMetadata/KeyState", "Disabled"), 4, "broken"),
        (lambda case: case.answer("iam:GetLoginProfile", {"LoginProfile": {}}), 2, "broken"),
    ],
)
def test_a_part_is_as_its_worst_weighty_check(change: Callable[[Case], object], node: int, state: str) -> None:
    assert states(chain(change))[node] == state


def test_what_is_mild_breaks_no_part() -> None:
    found = chain(lambda case: case.set("iam:GetUser", "/User/PermissionsBoundary", None))
    assert (found.nodes[2].state, found.nodes[2].failed) == ("sound", 1)


def test_a_link_is_broken_where_the_next_part_cannot_be_reached() -> None:
    found = chain(lambda case: case.set("kms:DescribeKey", "/KeyMetadata/KeyState", "Disabled"))
    assert [link.state for link in found.links] == ["sound", "sound", "sound", "broken"]


def test_what_is_not_known_says_so_and_is_no_none() -> None:
    found = chain(lambda case: case.deny("s3:GetBucketEncryption"))
    assert (found.nodes[4].known, found.nodes[4].short, found.nodes[4].state) == (False, "not known", "unknown")
    plain = chain(
        lambda case: case.set(
            "s3:GetBucketEncryption",
            "/ServerSideEncryptionConfiguration/Rules/0/ApplyServerSideEncryptionByDefault",
            {"SSEAlgorithm": "AES256"},
        )
    )
    assert (plain.nodes[4].known, plain.nodes[4].short, plain.nodes[4].state) == (True, "none", "none")


def test_the_page_has_picture_and_table() -> None:
    page = render(assess_snapshot(sound().snapshot(), RULES, fail_on=None))
    assert page.count('<svg class="chain"') == 1
    assert 'aria-label="Twilio setting sound, AWS credential sound' in page
    assert f"<code>{KEY_ARN}</code>" in page
