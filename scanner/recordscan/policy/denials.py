"""Proofs of denial: which part of a bucket everybody is denied when a certain condition holds.

A bucket policy is proof only as a whole: one statement may deny on the objects, the next on the bucket, a third may
exempt somebody. Here the union of the statements that surely deny is held against every S3 action on the bucket and on
all its objects. Whatever is doubtful does not count, and is told in words.

Sources:
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/security-best-practices.html
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice, product
from math import prod
from typing import Literal, TypeAlias

from recordscan.policy.documents import ConditionTest, PolicyDocument, Statement
from recordscan.policy.globs import TooComplexError, includes, intersects, matches, surely_includes, witness

DenialLevel: TypeAlias = Literal["full", "partial", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Denial:
    """What a policy denies everybody when the condition holds.

    Attributes:
        level: `full`: all that was asked for. `partial`: a part of it, or not to everybody. `none`: nothing.
        statements: Labels of the statements that deny it, or a part of it.
        gaps: What is missing, in words; () when the level is full.
    """

    level: DenialLevel
    statements: tuple[str, ...]
    gaps: tuple[str, ...]

    @property
    def full(self) -> bool:
        """Whether all is denied."""
        return self.level == "full"

    def __bool__(self) -> bool:
        """Whether all is denied: a partial denial must never read as one."""
        return self.full


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionForm:
    """Condition tests of one spelling.

    Attributes:
        operators: Canonical operators with their `IfExists`, without set operator.
        key: Condition key in lower case.
        value: Whether a value makes the test hold; one is enough.
    """

    operators: tuple[str, ...]
    key: str
    value: Callable[[str], bool]

    def fits(self, test: ConditionTest) -> bool:
        """Whether a test is of this form."""
        return (
            test.set_operator is None
            and test.base + ("IfExists" if test.if_exists else "") in self.operators
            and test.key.lower() == self.key
            and any(map(self.value, test.values))
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionShape:
    """A circumstance of a request, and the tests that surely hold in it.

    Attributes:
        requests: The requests meant, for messages: "requests without TLS".
        implied: Tests that hold for each such request.
        doubtful: Tests that may hold, each with the reason for the doubt; they deny in part at best.
        idle: Tests that look alike but hold for no such request, each with the reason.
    """

    requests: str
    implied: tuple[ConditionForm, ...]
    doubtful: tuple[tuple[ConditionForm, str], ...] = ()
    idle: tuple[tuple[ConditionForm, str], ...] = ()

    def implies(self, test: ConditionTest) -> bool:
        """Whether a test surely holds."""
        return any(form.fits(test) for form in self.implied)

    def concerns(self, test: ConditionTest) -> bool:
        """Whether a test is about this circumstance at all."""
        return test.key.lower() in {form.key for form in self.implied}

    def doubt(self, test: ConditionTest) -> str | None:
        """Why a test that may hold is no proof; None for a test that is not known to."""
        return next((reason for form, reason in self.doubtful if form.fits(test)), None)

    def objection(self, test: ConditionTest) -> str:
        """Why a test does not hold."""
        known = next((reason for form, reason in self.idle if form.fits(test)), None)
        return known or f"tests {test.key} with {test.operator} {list(test.values)}, which proves nothing"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Demand:
    """What must be denied: each action of a glob on each resource of a glob."""

    action: str
    resource: str
    where: str
    examples: tuple[str, ...]


def _is_false(value: str) -> bool:
    return value.lower() == "false"


def _is_positive_number(value: str) -> bool:
    try:
        return 0 < float(value) < float("inf")
    except ValueError:
        return False


WITHOUT_TLS = ConditionShape(
    requests="requests without TLS",
    implied=(
        # aws:SecureTransport is in the context of every request, so IfExists changes nothing.
        ConditionForm(operators=("Bool", "BoolIfExists"), key="aws:securetransport", value=_is_false),
        ConditionForm(operators=("NumericLessThanIfExists",), key="s3:tlsversion", value=_is_positive_number),
    ),
    doubtful=(
        (
            ConditionForm(
                operators=tuple(
                    operator + suffix
                    for operator in ("StringEquals", "StringEqualsIgnoreCase", "StringLike")
                    for suffix in ("", "IfExists")
                ),
                key="aws:securetransport",
                value=_is_false,
            ),
            "tests the Boolean key aws:SecureTransport with an operator for text",
        ),
    ),
    idle=(
        (
            ConditionForm(operators=("NumericLessThan",), key="s3:tlsversion", value=_is_positive_number),
            "tests s3:TlsVersion alone, which a request without TLS does not have: NumericLessThan is then false",
        ),
        (
            ConditionForm(
                operators=("Bool", "BoolIfExists"), key="aws:securetransport", value=lambda v: v.lower() == "true"
            ),
            "tests that TLS is used, not that it is missing",
        ),
    ),
)


def _is_finite(value: str, least: float, *, above: bool) -> bool:
    try:
        number = float(value)
    except ValueError:
        return False
    return (number > least if above else number >= least) and number < float("inf")


WITH_OLD_TLS = ConditionShape(
    requests="requests with TLS older than 1.2",
    implied=(
        ConditionForm(
            operators=("NumericLessThan", "NumericLessThanIfExists"),
            key="s3:tlsversion",
            value=lambda value: _is_finite(value, 1.1, above=True),
        ),
        ConditionForm(
            operators=("NumericLessThanEquals", "NumericLessThanEqualsIfExists"),
            key="s3:tlsversion",
            value=lambda value: _is_finite(value, 1.1, above=False),
        ),
    ),
)

WITH_SSE_C = ConditionShape(
    requests="uploads with a customer-provided key (SSE-C)",
    implied=(
        ConditionForm(operators=("Null",), key="s3:x-amz-server-side-encryption-customer-algorithm", value=_is_false),
    ),
)


def insecure_transport_denied(document: PolicyDocument, bucket_arn: str) -> Denial:
    """How far a bucket policy denies everybody requests without TLS.

    Args:
        document: The bucket policy.
        bucket_arn: With the partition that the bucket is in, such as `arn:aws-us-gov:s3:::media`.
    """
    return denial_coverage(document, WITHOUT_TLS, bucket_arn)


def old_tls_denied(document: PolicyDocument, bucket_arn: str) -> Denial:
    """How far a bucket policy denies everybody requests with TLS 1.0 and 1.1.

    Args:
        document: The bucket policy.
        bucket_arn: With the partition that the bucket is in.
    """
    return denial_coverage(document, WITH_OLD_TLS, bucket_arn)


def sse_c_denied(document: PolicyDocument, bucket_arn: str, prefix: str = "") -> Denial:
    """How far a bucket policy denies everybody uploads with SSE-C under a key prefix.

    Args:
        document: The bucket policy.
        bucket_arn: With the partition that the bucket is in.
        prefix: Key prefix; "" is the whole bucket.
    """
    # A `*` in the prefix is literal in a key. As a glob it asks for more than that, never for less.
    where = f"objects under {prefix}" if prefix else "the objects"
    demand = _Demand(action="s3:putobject", resource=f"{bucket_arn}/{prefix}*", where=where, examples=("s3:PutObject",))
    return _judge(document, WITH_SSE_C, (demand,))


def denial_coverage(document: PolicyDocument, condition: ConditionShape, bucket_arn: str) -> Denial:
    """Which part of the bucket and all its objects, by every S3 action, everybody is denied in a circumstance."""
    return _judge(
        document,
        condition,
        (
            _Demand(
                action="s3:*",
                resource=bucket_arn,
                where="the bucket itself",
                examples=("s3:ListBucket", "s3:ListBucketVersions", "s3:GetBucketPolicy", "s3:PutBucketPolicy"),
            ),
            _Demand(
                action="s3:*",
                resource=f"{bucket_arn}/*",
                where="the objects",
                examples=("s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:GetObjectVersion"),
            ),
        ),
    )


def _judge(document: PolicyDocument, condition: ConditionShape, demands: Sequence[_Demand]) -> Denial:
    certain = [s for s in document.statements if _surely_denies(s, condition)]
    gaps = [gap for demand in demands if (gap := _gap(demand, certain)) is not None]
    if not gaps:
        return Denial(level="full", statements=_labels(_touching(certain, demands)), gaps=())
    # An unconditional Deny fills gaps, but by itself it is about something else.
    partly = [s for s in certain if s.conditions]
    for statement in document.statements:
        if statement not in certain and _concerns(statement, condition):
            flaw, denies_in_part = _flaw(statement, condition)
            gaps.append(f"{statement.label} {flaw}")
            if denies_in_part:
                partly.append(statement)
    partly = _touching(partly, demands)
    return Denial(level="partial" if partly else "none", statements=_labels(partly), gaps=tuple(gaps))


def _surely_denies(statement: Statement, condition: ConditionShape) -> bool:
    return (
        statement.valid
        and statement.effect == "Deny"
        and statement.everyone
        and all(condition.implies(test) for test in statement.conditions)
    )


def _concerns(statement: Statement, condition: ConditionShape) -> bool:
    return any(condition.concerns(test) for test in statement.conditions)


def _flaw(statement: Statement, condition: ConditionShape) -> tuple[str, bool]:
    """Why a statement about the circumstance is no proof, and whether it denies in part all the same."""
    if not statement.valid:
        return "has a defect, so nothing rests on it", False
    if statement.effect == "Allow":
        return "allows; an Allow denies nothing", False
    open_tests = [test for test in statement.conditions if not condition.implies(test)]
    idle = [test for test in open_tests if condition.concerns(test) and condition.doubt(test) is None]
    if idle:
        return condition.objection(idle[0]), False
    flaws = [reason for test in open_tests if (reason := condition.doubt(test)) is not None]
    others = sorted({test.key for test in open_tests if not condition.concerns(test)})
    if others:
        flaws.append(f"denies only where its condition on {', '.join(others)} holds as well")
    if statement.not_principals is not None:
        exempt = ", ".join(principal.value for principal in statement.not_principals)
        flaws.append(f"exempts {exempt} by NotPrincipal")
    elif not statement.everyone:
        named = ", ".join(principal.value for principal in statement.principals or ())
        flaws.append(f"denies {named or 'nobody'} only, not everyone")
    return " and ".join(flaws), True


def _gap(demand: _Demand, certain: Sequence[Statement]) -> str | None:
    """What of a demand the statements leave open, in words; None when they deny all of it."""
    touching = _touching(certain, (demand,))
    if not touching:
        return f"nothing is denied on {demand.where}"
    covering = [s for s in touching if _covers_resource(s, demand.resource)]
    if not covering:
        return f"only a part of {demand.where} is covered: {', '.join(_labels(touching))}"
    if _covers_action(covering, demand.action):
        return None
    example = next((action for action in demand.examples if not any(_has(s, action) for s in covering)), None)
    return f"on {demand.where} {example or 'not every S3 action'} is {'not ' if example else ''}denied"


def _touching(statements: Iterable[Statement], demands: Sequence[_Demand]) -> list[Statement]:
    return [s for s in statements if any(_touches(s, demand) for demand in demands)]


def _touches(statement: Statement, demand: _Demand) -> bool:
    """Whether a statement is about anything of a demand."""
    if statement.actions is not None:
        action = any(intersects(pattern.lower(), demand.action) for pattern in statement.actions)
    else:
        action = not any(includes(pattern.lower(), demand.action) for pattern in statement.not_actions or ())
    if statement.resources is not None:
        return action and any(intersects(pattern, demand.resource) for pattern in statement.resources)
    return action and not any(includes(pattern, demand.resource) for pattern in statement.not_resources or ())


def _covers_resource(statement: Statement, resource: str) -> bool:
    """Whether a statement is about every resource of a glob."""
    if statement.not_resources is not None:
        return not any(intersects(_at_most(pattern), resource) for pattern in statement.not_resources)
    return _is_covered((resource,), [_at_least(pattern, resource) for pattern in statement.resources or ()])


def _at_most(pattern: str) -> str:
    """A glob of all that a `NotResource` could exclude: a variable may stand for anything, a short ARN for the rest."""
    opened = pattern if "${" not in pattern else pattern[: pattern.index("${")] + "*"
    return opened if opened.count(":") >= 5 else opened + "*"


def _at_least(pattern: str, resource: str) -> str:
    """A glob of what a `Resource` surely names among the resources asked for; "" for nothing.

    A variable may stand for nothing, and each part of an ARN is compared by itself.
    """
    if pattern == "*":
        return "*"
    parts, asked = pattern.split(":", 5), resource.split(":", 5)
    if "${" in pattern or len(parts) != 6 or len(asked) != 6 or not all(map(matches, parts[:5], asked[:5])):
        return ""
    return ":".join([*asked[:5], parts[5]])


def _covers_action(statements: Sequence[Statement], action: str) -> bool:
    """Whether every action of a glob is named by one of the statements.

    What `NotAction` leaves out of each statement must be named by the others, so each choice of one left-out pattern
    per statement is looked at.
    """
    named = [p.lower() for s in statements for p in s.actions or () if p == "*" or p.lower().startswith("s3:")]
    left_out = [
        [p for p in map(str.lower, s.not_actions) if intersects(p, action)]
        for s in statements
        if s.not_actions is not None
    ]
    if prod(map(len, left_out)) > _MAX_CHOICES:
        left_out = [min(left_out, key=len)]  # the other statements could only help
    choices = list(islice(product(*left_out), _MAX_CHOICES + 1))
    return len(choices) <= _MAX_CHOICES and all(_is_covered((action, *choice), named) for choice in choices)


_MAX_CHOICES = 64


def _is_covered(inside: Sequence[str], outside: Sequence[str]) -> bool:
    if any(surely_includes(wide, narrow) for wide in outside for narrow in inside):
        return True  # mostly so, and much quicker than a proof
    try:
        return witness(inside, outside) is None
    except TooComplexError:
        return False


def _has(statement: Statement, action: str) -> bool:
    if statement.actions is not None:
        return any(matches(pattern, action, ignore_case=True) for pattern in statement.actions)
    return not any(matches(pattern, action, ignore_case=True) for pattern in statement.not_actions or ())


def _labels(statements: Iterable[Statement]) -> tuple[str, ...]:
    return tuple(statement.label for statement in statements)
