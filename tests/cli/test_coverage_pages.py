"""The pages about what the rules cover are fresh, and nothing that the guide asks for is without a rule."""

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from recordscan.plugins import load_rules

DOCS = Path(__file__).parents[2] / "docs"
RULES = load_rules()
KNOWN = {rule.id for rule in RULES}


@pytest.fixture(scope="module")
def coverage() -> ModuleType:
    spec = importlib.util.spec_from_file_location("coverage_pages", DOCS / "coverage.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("page", ["seed-coverage.md", "prowler-coverage.md"])
def test_the_page_is_fresh(coverage: ModuleType, page: str) -> None:
    assert (DOCS / page).read_text(encoding="utf-8") == coverage.PAGES[page](RULES)


def test_every_requirement_of_the_guide_has_a_rule_or_a_reason_why_none_can_test_it(coverage: ModuleType) -> None:
    requirements: list[dict[str, Any]] = coverage.load("guide")["requirement"]
    assert len(requirements) >= 40
    for requirement in requirements:
        rules = requirement.get("rules", [])
        assert bool(rules) != ("nothing" in requirement), requirement["words"]
        assert set(rules) <= KNOWN, requirement["words"]
        assert len(set(rules)) == len(rules)
    assert sum("nothing" in requirement for requirement in requirements) == 1


def test_every_rule_that_quotes_the_guide_stands_at_a_requirement(coverage: ModuleType) -> None:
    named = {rule for requirement in coverage.load("guide")["requirement"] for rule in requirement.get("rules", [])}
    assert sorted(rule.id for rule in RULES if rule.guide is not None and rule.id not in named) == []


def test_every_check_of_prowler_has_rules_or_a_reason(coverage: ModuleType) -> None:
    services: dict[str, dict[str, Any]] = coverage.load("prowler")["checks"]
    assert {name: len(checks) for name, checks in services.items()} == {
        "s3": 22,
        "kms": 11,
        "iam": 48,
        "cloudtrail": 15,
        "macie": 2,
        "accessanalyzer": 2,
        "organizations": 5,
    }
    for checks in services.values():
        for check, found in checks.items():
            assert (set(found) <= KNOWN and found) if isinstance(found, list) else found.startswith("none: "), check
    assert all(isinstance(found, list) for found in services["s3"].values())
