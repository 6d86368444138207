"""Which objects are looked at one by one."""

from hypothesis import given
from hypothesis import strategies as st

from recordscan.estate.answers import moment
from recordscan.estate.bucket import StoredObject
from recordscan.estate.sample import newest_of, sampled_keys
from recordscan.facts import Known, Reason, Unavailable


def listed(count: int) -> list[StoredObject]:
    return [
        StoredObject(key=f"k{i:03}", size=1, modified=moment(Known(f"2026-11-{i % 28 + 1:02}T00:00:00Z")))
        for i in range(count)
    ]


@given(count=st.integers(0, 60), size=st.integers(0, 70))
def test_a_sample_is_as_large_as_it_can_be_and_names_no_object_twice(count: int, size: int) -> None:
    keys = sampled_keys(listed(count), size)
    assert len(keys) == len(set(keys)) == min(count, size)
    assert list(keys) == sorted(keys)


def test_a_sample_reaches_from_the_first_to_the_last() -> None:
    assert sampled_keys(listed(1000), 3) == ("k000", "k499", "k999")
    assert sampled_keys(listed(9), 1) == ("k000",)


def test_the_newest_is_the_one_with_the_latest_date() -> None:
    assert newest_of(listed(5)) == "k004"
    assert newest_of([]) is None
    undated = StoredObject(key="x", size=1, modified=Unavailable(Reason.MALFORMED, "no date"))
    assert newest_of([undated]) is None
