"""`recordscan schema`: JSON Schemas of the documents that people write or machines exchange."""

import json

import click


@click.command()
@click.argument("document", type=click.Choice(["result", "config"]))
def schema(*, document: str) -> None:
    """Print the JSON Schema (draft 2020-12) of a document."""
    from recordscan.config import config_schema
    from recordscan.document import result_schema

    click.echo(json.dumps(result_schema() if document == "result" else config_schema(), indent=2))
