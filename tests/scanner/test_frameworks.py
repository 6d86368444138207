"""Frameworks of controls: the data, and how an id finds its control."""

import re
from itertools import pairwise

import pytest

from recordscan.frameworks import NAMES, Framework, load_framework
from recordscan.rule import FRAMEWORKS

each_framework = pytest.mark.parametrize("id", list(FRAMEWORKS))


def load(id: str) -> Framework:
    return load_framework(id)


def test_names_are_known_without_reading_the_others() -> None:
    load_framework.cache_clear()
    assert "soc2" in FRAMEWORKS
    assert len(list(FRAMEWORKS)) == len(FRAMEWORKS) == 10
    assert load_framework.cache_info().currsize == 0
    assert FRAMEWORKS["soc2"] == "SOC 2"
    assert FRAMEWORKS.get("theirs", "theirs") == "theirs"
    assert load_framework.cache_info().currsize == 1


@pytest.mark.parametrize("id", ["theirs", "", "../frameworks/soc2", "soc2.toml", "__init__"])
def test_what_is_no_framework_is_not_read(id: str) -> None:
    assert id not in NAMES
    with pytest.raises(KeyError):
        load_framework(id)


@each_framework
def test_a_framework_says_what_it_is_and_where_its_numbers_come_from(id: str) -> None:
    framework = load(id)
    assert framework.id == id
    assert framework.name
    assert len(framework.name) <= 24  # the column of the text report
    assert framework.version
    assert framework.publisher
    assert framework.url.startswith("https://")
    assert framework.note.endswith(".")
    for control, title in framework.controls.items():
        assert control == control.strip()
        assert title == title.strip()
        assert 4 <= len(title) <= 90, control
        assert not title.endswith(".")
        assert title[0].isupper()


@each_framework
def test_controls_are_in_the_order_of_their_numbers_within_a_chapter(id: str) -> None:
    def numbers(control: str) -> list[int]:
        steps = re.findall(r"\d+|(?<=\()[a-z]", control)
        return [int(step) if step.isdecimal() else ord(step) for step in steps]

    def chapter(control: str) -> str:
        return re.match(r"[A-Za-z]*", control)[0]  # type: ignore[index]

    for before, after in pairwise(load(id).controls):
        if chapter(before) == chapter(after):
            assert numbers(before) < numbers(after)


@each_framework
def test_no_control_is_a_part_of_another(id: str) -> None:
    framework = load(id)
    for control in framework.controls:
        assert framework.resolve(control) == control
        if framework.part is not None:
            assert (
                Framework(
                    id=id, name=id, part=framework.part, controls={c: "" for c in framework.controls if c != control}
                ).resolve(control)
                is None
            )


@pytest.mark.parametrize(
    ("id", "named", "control"),
    [
        ("nist_800_53_r5", "AC-2", "AC-2"),
        ("nist_800_53_r5", "AC-2(12)", "AC-2"),
        ("nist_800_53_r5", "SA-9(5)", "SA-9"),
        ("nist_800_53_r5", "AC-13", None),  # withdrawn
        ("nist_800_53_r5", "AC-2.1", None),
        ("pci_dss_4_0_1", "3.5.1", "3.5"),
        ("pci_dss_4_0_1", "3.5.1.2", "3.5"),
        ("pci_dss_4_0_1", "12.10.1", "12.10"),
        ("pci_dss_4_0_1", "3.8.1", None),
        ("pci_dss_4_0_1", "3", None),
        ("hipaa", "164.308(a)(1)(ii)(B)", "164.308(a)(1)"),
        ("hipaa", "164.312(a)(1)", "164.312(a)"),
        ("hipaa", "164.312(a)(2)(iv)", "164.312(a)"),
        ("hipaa", "164.312", None),
        ("hipaa", "164.308(a)(9)", None),
        ("gdpr", "art. 5(1)(e)", "art. 5"),
        ("gdpr", "art. 99", None),
        ("security_hub", "S3.5", "S3.5"),
        ("security_hub", "S3.4", None),  # retired
        ("security_hub", "S3.5(1)", None),
        ("cis_aws_v5", "1.10", "1.10"),
        ("cis_aws_v5", "2.1.9", None),
        ("cis_aws_v5", "2.1", None),
        ("iso_27001_2022", "A.8.24", "A.8.24"),
        ("soc2", "CC6.1", "CC6.1"),
    ],
)
def test_a_part_counts_with_its_control_and_nothing_else_does(id: str, named: str, control: str | None) -> None:
    assert load(id).resolve(named) == control


def test_every_part_of_a_framework_is_there() -> None:
    counts = {name: len(load(name).controls) for name in FRAMEWORKS}
    assert counts["iso_27001_2022"] == 37 + 8 + 14 + 34
    assert counts["soc2"] == 33 + 3 + 2 + 5
    assert counts["pci_dss_4_0_1"] == 5 + 3 + 7 + 2 + 4 + 5 + 3 + 6 + 5 + 7 + 6 + 10
    families = {control.split("-")[0] for control in load("nist_800_53_r5").controls}
    assert families == {"AC", "AU", "CA", "CM", "CP", "IA", "SA", "SC", "SI"}
    services = {control.split(".")[0] for control in load("security_hub").controls}
    assert services == {"Account", "CloudTrail", "Config", "GuardDuty", "IAM", "KMS", "Macie", "S3"}


def test_cis_6_is_cis_5_with_each_chapter_one_number_further() -> None:
    shifted = {}
    for control, title in load("cis_aws_v5").controls.items():
        chapter, _, rest = control.partition(".")
        shifted[f"{int(chapter) + 1}.{rest}"] = title
    assert list(load("cis_aws_v6").controls.items()) == list(shifted.items())
    assert "peers" in load("cis_aws_v6").note


def test_cis_5_has_each_number_once_where_a_peer_has_1_1_twice() -> None:
    identity = [control for control in load("cis_aws_v5").controls if control.startswith("1.")]
    assert identity == [f"1.{number}" for number in range(1, 22)]


def test_not_every_control_of_security_hub_is_in_its_best_practices() -> None:
    hub = load("security_hub")
    assert list(hub.standards) == ["FSBP"]
    assert set(hub.standards["FSBP"]) < set(hub.controls)
    assert len(set(hub.standards["FSBP"])) == len(hub.standards["FSBP"])
    for control in ("S3.14", "S3.15", "S3.17", "S3.20", "S3.22", "S3.23", "KMS.4"):
        assert hub.standards_with(control) == ()
    assert hub.standards_with("S3.5") == ("FSBP",)
