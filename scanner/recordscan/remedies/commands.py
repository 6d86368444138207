"""Remedies as commands of a shell: the AWS CLI, and curl for Twilio.

Source: https://docs.aws.amazon.com/cli/latest/userguide/cli-usage-parameters-quoting-strings.html
"""

import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import quote_plus, urlencode

from recordscan.errors import SnapshotError
from recordscan.facts import Json
from recordscan.remedies.plan import Plan, PlannedStep, require_sound
from recordscan.remedy import Remedy, Step, reference
from recordscan.visible import visible

TWILIO = {
    "twilio:UpdateRecordingSettings": "https://video.twilio.com/v1/RecordingSettings/Default",
    "twilio:UpdateCompositionSettings": "https://video.twilio.com/v1/CompositionSettings/Default",
    "twilio:UpdateCompositionHook": "https://video.twilio.com/v1/CompositionHooks/{Sid}",
    "twilio:UpdateAwsCredential": "https://accounts.twilio.com/v1/Credentials/AWS/{Sid}",
    "twilio:UpdatePublicKey": "https://accounts.twilio.com/v1/Credentials/PublicKeys/{Sid}",
}
"""Where each is posted to."""

_WIDTH = 100
_COMMANDS = {"s3": "s3api"}
_READ_BY_CLI = ("-", "file:", "fileb:", "http:", "https:", "@")
"""Values that begin so mean something else to the AWS CLI than they say."""


def render_commands(plan: Plan) -> str:
    """A script to be read, and then run by whoever is allowed to change these things."""
    lines = [*header(plan, "sh"), "set -eu", ""]
    account = None
    for number, planned in enumerate(plan.steps, start=1):
        step = planned.step
        if step.account != account and step.account is not None and not step.operation.startswith("twilio:"):
            account = step.account
            lines += [
                f"# Stops unless the credentials are of the account {account}.",
                'found="$(aws sts get-caller-identity --query Account --output text)"',
                f'test "$found" = {account} || {{',
                f'  echo "stopped before step {number}, of account {account}: the credentials are of $found" >&2',
                "  exit 1",
                "}",
                "",
            ]
        lines += [*about(number, planned), command(step, _outputs(plan)), ""]
    return "\n".join([*lines, *left_over(plan)]).rstrip("\n") + "\n"


def header(plan: Plan, what: str) -> Iterator[str]:
    """Comments that begin every plan."""
    words = {
        "sh": "commands of the AWS CLI and, for Twilio, of curl",
        "terraform": "Terraform, with the AWS provider",
        "cloudformation": "CloudFormation",
    }
    yield f"# What mends the failed checks of the scan {visible(plan.scan_id)} of {visible(plan.started)}:"
    yield f"# {plan.steps_said} as {words[what]}, and {plan.by_hand_said}."
    yield "# recordscan has applied nothing. Read every step and its warnings; then scan again."
    if what == "sh" and plan.steps:
        yield "# It ends at the first step that fails. Do not run it twice, as what it made would be made again: scan,"
        yield "# and print the plan of what is left."
    yield ""


def about(number: int, planned: PlannedStep) -> Iterator[str]:
    """Comments that say what a step does, for which checks, and what it breaks."""
    yield f"# {number}. ({planned.step.order}) {visible(planned.step.does)}"
    for mended in planned.mends:
        yield f"#    mends {visible(mended)}"
    for warning in planned.step.warnings:
        yield f"#    CAUTION: {visible(warning)}"


def left_over(plan: Plan) -> Iterator[str]:
    """Comments that name what a person must do."""
    if plan.by_hand:
        yield "# For a person:"
    for unmended in plan.by_hand:
        yield f"# - {visible(unmended.rule_id)} of {visible(unmended.subject)}: {visible(unmended.why)}"


def command(step: Step, outputs: Sequence[str] = ()) -> str:
    """One step as a command.

    Args:
        step: The step.
        outputs: Names of the outputs of earlier steps, which are variables of the shell.

    Raises:
        SnapshotError: The step is not one that recordscan writes.
        UnprintableError: A parameter has characters that do not show.
    """
    require_sound(step)
    if step.operation.startswith("twilio:"):
        return _curl(step)
    operation, parameters = step.request()
    service, _, name = operation.partition(":")
    words = [f"aws {_COMMANDS.get(service, service)} {_dashed(name)}", *_options(parameters)]
    if step.region is not None:
        words.append(f"--region {shlex.quote(step.region)}")
    if step.output is not None:
        words.append(f"--query {shlex.quote(step.output.path)} --output text")
    text = " \\\n  ".join(words)
    for output in outputs:
        # A JSON text is always quoted, so a reference in it stands between single quotes.
        text = text.replace(shlex.quote(reference(output)), f'"${output}"')
        text = text.replace(reference(output), f"'\"${output}\"'")
    return text if step.output is None else f'{step.output.name}="$({text})"'


def commands_of(remedy: Remedy | None) -> tuple[tuple[tuple[Step, str], ...], str | None]:
    """The steps of one remedy with their commands, or why there are none; a stored result may hold anything."""
    if remedy is None:
        return (), None
    outputs = [step.output.name for step in remedy.steps if step.output is not None]
    try:
        return tuple((step, command(step, outputs)) for step in remedy.steps), remedy.by_hand
    except (SnapshotError, ValueError) as error:
        return (), str(error)


def _outputs(plan: Plan) -> tuple[str, ...]:
    return tuple(planned.step.output.name for planned in plan.steps if planned.step.output is not None)


def _options(parameters: Mapping[str, Json]) -> Iterator[str]:
    if any(isinstance(v, str) and v.startswith(_READ_BY_CLI) for v in parameters.values()):
        yield f"--cli-input-json {shlex.quote(_json(parameters))}"
        return
    for name, value in parameters.items():
        if isinstance(value, bool):
            yield f"--{'' if value else 'no-'}{_dashed(name)}"
        elif isinstance(value, str):
            yield f"--{_dashed(name)} {shlex.quote(_readable(value))}"
        else:
            yield f"--{_dashed(name)} {shlex.quote(_json(value))}"


def _readable(text: str) -> str:
    """A policy over several lines, as people review it; any other text as it is."""
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return _json(value) if isinstance(value, dict) else text


def _json(value: Json) -> str:
    """JSON in ASCII, so that whatever does not show is spelled out."""
    short = json.dumps(value)
    return short if len(short) <= _WIDTH else json.dumps(value, indent=2)


def _dashed(name: str) -> str:
    """The AWS CLI's name of an operation or parameter."""
    from botocore import xform_name

    return str(xform_name(name, "-"))


def _curl(step: Step) -> str:
    """A POST with credentials that go to curl over its standard input, so that no list of processes shows them.

    Every account has variables of its own, as the settings are those of whoever asks.
    """
    if step.operation not in TWILIO:
        raise SnapshotError(f"a remedy of the result is not what recordscan writes: {ascii(step.operation)[:80]}")
    _, parameters = step.request()
    url = TWILIO[step.operation].format(Sid=quote_plus(str(parameters.pop("Sid", ""))))
    key, secret = f"TWILIO_API_KEY_{step.account}", f"TWILIO_API_SECRET_{step.account}"
    data = [f"--data {shlex.quote(part)}" for part in urlencode(list(_form(parameters))).split("&")]
    # A shell goes on with curl when what is before the pipe fails, so the variables are asked for first.
    given = f': "${{{key}:?}}" "${{{secret}:?}}"'
    user = f'printf \'user = "%s:%s"\\n\' "${key}" "${secret}" |'
    post = " \\\n  ".join([user, "curl --config - --silent --show-error --fail --request POST", *data, url])
    return f"{given}\n{post}"


def _form(parameters: Mapping[str, Json]) -> Iterator[tuple[str, str]]:
    for name, value in parameters.items():
        for item in value if isinstance(value, list) else [value]:
            yield name, str(item).lower() if isinstance(item, bool) else str(item)
