"""`recordscan completion`: what makes a shell complete the command line."""

import click
from click.shell_completion import get_completion_class


@click.command(
    epilog="""\b
Examples:
  recordscan completion bash > ~/.local/share/bash-completion/completions/recordscan
  recordscan completion zsh > ~/.zfunc/_recordscan
  recordscan completion fish > ~/.config/fish/completions/recordscan.fish
"""
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, *, shell: str) -> None:
    """Print the completion script of a shell, to be read by it or kept where it looks for such."""
    kind = get_completion_class(shell)
    if kind is None:  # pragma: no cover - click has all three
        raise click.UsageError(f"click completes nothing in {shell}")
    script = kind(context.find_root().command, {}, "recordscan", "_RECORDSCAN_COMPLETE")
    click.echo(script.source_template % script.source_vars())
