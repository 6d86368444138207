"""Cases of one rule each, with the decision that AWS's documentation calls for."""

from typing import Any

import pytest

from recordscan.facts import Known
from recordscan.policy.authorize import authorize
from scanner.policy.asking import probed, probes


@pytest.mark.parametrize("probe", probes(), ids=lambda probe: probe["id"])
def test_a_probe_is_decided_as_aws_documents(probe: dict[str, Any]) -> None:
    decision = authorize(*probed(probe))
    assert isinstance(decision, Known)
    assert [str(outcome) for outcome in decision.value.outcomes] == [probe["expect"]], probe["title"]
