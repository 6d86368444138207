"""The floor: the requests of a scan again, as many at once, by a client that looks at nothing but the length."""

import argparse
import asyncio
import re
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlsplit

_LENGTH = re.compile(rb"\r\nContent-Length: (\d+)\r\n", re.IGNORECASE)


def recorded(file: BinaryIO) -> Iterator[bytes]:
    """The requests that `FakeAws` recorded."""
    while length := file.read(4):
        yield file.read(*struct.unpack(">I", length))


async def replay(url: str, requests: Iterator[bytes], workers: int) -> None:
    """Send all requests over so many connections."""
    where = urlsplit(url)

    async def worker() -> None:
        reader, writer = await asyncio.open_connection(where.hostname, where.port)
        for request in requests:
            try:
                writer.write(request)
                head = await reader.readuntil(b"\r\n\r\n")
                length = _LENGTH.search(head)
                if length is not None:
                    await reader.readexactly(int(length[1]))
            except (ConnectionError, asyncio.IncompleteReadError):
                writer.close()
                reader, writer = await asyncio.open_connection(where.hostname, where.port)
        writer.close()

    await asyncio.gather(*(worker() for _ in range(workers)))


def main(arguments: Sequence[str]) -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(prog="python -m fake_clouds probe")
    parser.add_argument("--url", required=True)
    parser.add_argument("requests", type=Path)
    parser.add_argument("--workers", type=int, required=True)
    options = parser.parse_args(arguments)
    with options.requests.open("rb") as file:
        asyncio.run(replay(options.url, recorded(file), options.workers))
