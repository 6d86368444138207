"""Plans of remedies, made of a stored result, as commands, Terraform or CloudFormation. Nothing is ever applied."""

from collections.abc import Callable, Mapping

from recordscan.remedies.cloudformation import render_cloudformation
from recordscan.remedies.commands import render_commands
from recordscan.remedies.plan import Plan
from recordscan.remedies.terraform import render_terraform

FORMATS: Mapping[str, Callable[[Plan], str]] = {
    "cli": render_commands,
    "terraform": render_terraform,
    "cloudformation": render_cloudformation,
}
