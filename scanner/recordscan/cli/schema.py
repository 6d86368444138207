"""`recordscan schema`: JSON Schemas of the documents that people write or machines exchange."""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from recordscan.facts import Json


@click.command()
@click.argument("document", type=click.Choice(["result", "config", "waivers"]))
def schema(*, document: str) -> None:
    """Print the JSON Schema (draft 2020-12) of a document."""
    from recordscan.config import config_schema
    from recordscan.document import result_schema
    from recordscan.waiver_file import waivers_schema

    schemas: dict[str, Callable[[], Json]] = {
        "result": result_schema,
        "config": config_schema,
        "waivers": waivers_schema,
    }
    click.echo(json.dumps(schemas[document](), indent=2))
