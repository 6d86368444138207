"""Edits of documents: several rules change one setting, and nobody's statement gets lost."""

from dataclasses import replace
from typing import Any

import pytest

from recordscan.remedy import ConflictError, Document, Edit, Order, Step, edited, joined, pointer

POLICY: dict[str, Any] = {
    "Version": "2012-10-17",
    "Statement": [
        {"Sid": "A", "Effect": "Allow", "Principal": {"AWS": ["x", "y"]}, "Action": "s3:GetObject", "Resource": "r"},
        {"Sid": "B", "Effect": "Allow", "Principal": {"AWS": "z", "Service": "s"}, "Action": "s3:*", "Resource": "r"},
        {"Sid": "C", "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "r", "Condition": {}},
    ],
}
D = {"Sid": "D", "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "r"}


def drop(*steps: str | int) -> Edit:
    return Edit(action="remove", path=pointer(*steps))


def put(value: Any, *steps: str | int) -> Edit:
    return Edit(action="set", path=pointer(*steps), value=value)


def add(value: Any, *steps: str | int) -> Edit:
    return Edit(action="add", path=pointer(*steps), value=value)


def sids(document: Any) -> list[str]:
    return [statement["Sid"] for statement in document["Statement"]]


def test_paths_are_those_of_the_document_before_any_edit() -> None:
    found = edited(POLICY, [drop("Statement", 0), add(D, "Statement"), put("Allow", "Statement", 2, "Effect")])
    assert sids(found) == ["B", "C", "D"]
    assert found["Statement"][1]["Effect"] == "Allow"
    assert sids(POLICY) == ["A", "B", "C"]  # the document that was read stays


def test_the_order_of_edits_does_not_matter() -> None:
    edits = [
        drop("Statement", 1),
        drop("Statement", 1, "Principal", "AWS"),
        put("true", "Statement", 1, "Condition", "Bool", "aws:SecureTransport"),
        add(D, "Statement"),
        drop("Statement", 0, "Principal", "AWS", 1),
    ]
    forwards, backwards = edited(POLICY, edits), edited(POLICY, reversed(edits))
    assert forwards == backwards
    assert sids(forwards) == ["A", "C", "D"]
    assert forwards["Statement"][0]["Principal"] == {"AWS": ["x"]}


def test_a_statement_goes_with_the_last_of_its_principals() -> None:
    both = [drop("Statement", 0, "Principal", "AWS", 0), drop("Statement", 0, "Principal", "AWS", 1)]
    assert sids(edited(POLICY, both)) == ["B", "C"]
    one_kind = [drop("Statement", 1, "Principal", "AWS")]
    assert edited(POLICY, one_kind)["Statement"][1]["Principal"] == {"Service": "s"}


def test_the_same_item_is_added_once_and_not_at_all_where_it_stands() -> None:
    assert sids(edited(POLICY, [add(D, "Statement"), add(dict(D), "Statement")])) == ["A", "B", "C", "D"]
    assert sids(edited(POLICY, [add(POLICY["Statement"][0], "Statement")])) == ["A", "B", "C"]


def test_objects_on_the_way_are_made_and_names_with_slashes_are_kept_whole() -> None:
    found = edited({}, [put(1, "a", "b/c~d", "e"), add(2, "list")])
    assert found == {"a": {"b/c~d": {"e": 1}}, "list": [2]}


def test_empty_objects_that_nobody_emptied_stay() -> None:
    lifecycle = {"Rules": [{"ID": "all", "Filter": {}, "Transitions": []}]}
    assert edited(lifecycle, [put("Enabled", "Rules", 0, "Status")]) == {
        "Rules": [{"ID": "all", "Filter": {}, "Transitions": [], "Status": "Enabled"}]
    }


@pytest.mark.parametrize(
    "edits",
    [
        pytest.param([put("a", "Version"), put("b", "Version")], id="two values"),
        pytest.param([put("a", "Version"), drop("Version")], id="a value and its end"),
        pytest.param([drop("Statement", 3)], id="no such item"),
        pytest.param([drop("Nothing")], id="no such member"),
        pytest.param([put(1, "Version", "deeper")], id="within a text"),
        pytest.param([add(1, "Version")], id="no list"),
    ],
)
def test_edits_that_contradict_each_other_or_the_document_are_refused(edits: list[Edit]) -> None:
    with pytest.raises(ConflictError):
        edited(POLICY, edits)


def step(*edits: Edit, **changes: Any) -> Step:
    document = Document(parameter="Policy", as_text=True, current=POLICY, edits=edits)
    made = Step(
        operation="s3:PutBucketPolicy",
        does="changes it: bucket b",
        order=Order.DENY,
        account="111122223333",
        region="eu-west-1",
        parameters={"Bucket": "b"},
        document=document,
    )
    return replace(made, **changes)


def test_joined_steps_have_all_edits_and_the_latest_order() -> None:
    first = step(add(D, "Statement"), warnings=("one", "two"))
    second = step(drop("Statement", 0), order=Order.REMOVE, does="removes A: bucket b", warnings=("two", "three"))
    found = joined([first, second])
    assert found.order is Order.REMOVE
    assert found.does == "changes it, and removes A: bucket b"
    assert found.warnings == ("one", "two", "three")
    operation, parameters = found.request()
    assert operation == "s3:PutBucketPolicy"
    assert '"Sid": "B"' in parameters["Policy"]
    assert '"Sid": "A"' not in parameters["Policy"]


def test_steps_that_rest_on_different_documents_are_not_joined() -> None:
    other = step(document=Document(parameter="Policy", as_text=True, current={}, edits=()))
    with pytest.raises(ConflictError, match="different settings"):
        joined([step(), other])


def test_a_policy_of_which_nothing_is_left_is_deleted() -> None:
    every = step(*(drop("Statement", i) for i in range(3)))
    assert every.request() == ("s3:DeleteBucketPolicy", {"Bucket": "b"})


def test_orders_run_from_what_ends_a_loss_to_what_takes_away() -> None:
    assert [order.rank for order in Order] == list(range(6))
    assert (Order.RESTORE.rank, Order.REMOVE.rank) == (0, 5)
