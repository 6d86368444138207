"""The server: one thread, one process, raw HTTP/1.1, so that it is never what a measurement waits for."""

import argparse
import asyncio
import json
import re
import struct
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote

from fake_clouds import wire
from fake_clouds.account import Account, Answers
from fake_clouds.faults import Faults, Kind
from recordscan.collect.session import CALLS
from recordscan.demo.aws_faults import Fault, FaultKind, Reply, faulty_reply
from recordscan.demo.aws_requests import AwsRequest, read_request

EXCHANGES = "/-/exchanges"
"""Path at which the server tells what it was asked and what it did."""

_REPLACED = {
    Kind.INTERNAL_ERROR: FaultKind.INTERNAL_ERROR,
    Kind.UNAVAILABLE: FaultKind.UNAVAILABLE,
    Kind.THROTTLED: FaultKind.THROTTLED,
}
_HEADER = re.compile(r"([^:\r\n]+):[ \t]*([^\r\n]*)\r\n")


class Cloud:
    """What all connections share."""

    def __init__(self, account: Account, faults: Faults, record: BinaryIO | None) -> None:
        self.faults = faults
        self.record = record
        self.exchanges: list[tuple[str, str, str, float]] = []
        self._answers = Answers(account)
        for call in CALLS:  # reading models takes longer than answering
            wire.operation_model(call.operation)
        self._asked: Counter[str] = Counter()
        self._buckets: dict[str, tuple[float, float]] = defaultdict(lambda: (0.0, faults.rate))

    def exchange(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes, now: float
    ) -> tuple[Kind, float, Reply]:
        """What happens, the seconds until it does, and the good answer or that which stands for it."""
        path, _, query = target.partition("?")
        environ = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()}
        environ |= {"REQUEST_METHOD": method, "QUERY_STRING": query}
        environ["PATH_INFO"] = unquote(path, "latin-1")
        request = read_request(environ, body)
        question, reply = self._answers.reply(request, headers, body)
        attempt = self._asked[question]
        self._asked[question] += 1
        kind = self.faults.kind(request.operation, question, attempt)
        if method == "HEAD" and kind in (Kind.CUT, Kind.TRUNCATED):
            kind = Kind.RESET
        if kind in (Kind.NONE, Kind.SLOW) and self._over_the_rate(request, now):
            kind = Kind.THROTTLED
        self.exchanges.append((request.operation, question, kind.value, now))
        if kind in _REPLACED:
            reply = faulty_reply(Fault(kind=_REPLACED[kind]), request, {}, reply)
        delay = self.faults.delay(question, attempt) + (self.faults.slow if kind is Kind.SLOW else 0)
        return kind, delay, reply

    def _over_the_rate(self, request: AwsRequest, now: float) -> bool:
        """A token bucket for each service and Region, which holds as much as a second brings."""
        if not self.faults.rate:
            return False
        place = f"{request.service} {request.region}"
        then, tokens = self._buckets[place]
        tokens = min(self.faults.rate, tokens + (now - then) * self.faults.rate)
        self._buckets[place] = (now, tokens - 1 if tokens >= 1 else tokens)
        return tokens < 1


class Connection(asyncio.Protocol):
    """One client's connection; it sends its next request when it has the answer to the last."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._loop = asyncio.get_running_loop()
        self._received = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if isinstance(transport, asyncio.Transport):
            self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        end = self._received.find(b"\r\n\r\n")
        if end < 0:
            return
        line, _, rest = self._received[: end + 2].decode("latin-1").partition("\r\n")
        headers = {name.lower(): value for name, value in _HEADER.findall(rest)}
        whole = end + 4 + int(headers.get("content-length", 0))
        if len(self._received) < whole:
            return
        raw, body = self._received[:whole], self._received[end + 4 : whole]
        self._received = self._received[whole:]
        method, target, _ = line.split(" ")
        if target == EXCHANGES:
            self._send("GET", Kind.NONE, Reply(status=200, body=json.dumps(self._cloud.exchanges).encode()))
            return
        if self._cloud.record is not None:
            self._cloud.record.write(struct.pack(">I", len(raw)) + raw)
        kind, delay, reply = self._cloud.exchange(method, target, headers, body, self._loop.time())
        if delay:
            self._loop.call_later(delay, self._send, method, kind, reply)
        else:
            self._send(method, kind, reply)

    def _send(self, method: str, kind: Kind, reply: Reply) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        if kind is Kind.RESET:
            self._transport.abort()
            return
        body = reply.body[: len(reply.body) // 2] if kind in (Kind.CUT, Kind.TRUNCATED) else reply.body
        length = len(reply.body) if kind is Kind.TRUNCATED else len(body)
        head = f"HTTP/1.1 {reply.status} Status\r\n" + "".join(f"{name}: {value}\r\n" for name, value in reply.headers)
        announced = "" if method == "HEAD" else f"Content-Length: {length}\r\n"
        sent = b"" if method == "HEAD" else body
        self._transport.write(f"{head}{announced}\r\n".encode() + sent)
        if kind is Kind.TRUNCATED:
            self._transport.close()


async def serve(cloud: Cloud) -> None:
    """Serve for ever, and say on stdout where."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(cloud), "127.0.0.1", 0, backlog=1024)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


def main(arguments: Sequence[str]) -> None:
    """Run from the command line, as `FakeAws` does."""
    parser = argparse.ArgumentParser(prog="python -m fake_clouds aws")
    parser.add_argument("--buckets", type=int, required=True)
    parser.add_argument("--faults", type=Faults.loads, default=Faults())
    parser.add_argument("--record", type=Path, help="File for every request as it came: four bytes of length, then it.")
    options = parser.parse_args(arguments)
    cloud = Cloud(Account(buckets=options.buckets), options.faults, options.record and options.record.open("wb"))
    try:
        asyncio.run(serve(cloud))
    except KeyboardInterrupt:
        pass
    finally:
        if cloud.record is not None:
            cloud.record.close()
