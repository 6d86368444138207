"""Stands for curl in plans of remedies: sends the POST to the embedded Twilio, where no host name can lead."""

import base64
import os
import re
import sys
import urllib.request
from urllib.parse import urlsplit

ALONE = {"--silent", "--show-error", "--fail"}


def main(arguments: list[str]) -> int:
    data: list[str] = []
    user = url = None
    words = iter(arguments)
    for word in words:
        if word in ALONE:
            continue
        if word == "--config":
            assert next(words) == "-"
            found = re.fullmatch(r'user = "(.*)"\n', sys.stdin.read())
            assert found is not None
            user = found[1]
        elif word == "--request":
            assert next(words) == "POST"
        elif word == "--data":
            data.append(next(words))
        else:
            assert url is None
            url = urlsplit(word)
    assert url is not None
    assert user is not None
    assert url.scheme == "https"
    request = urllib.request.Request(  # noqa: S310 - a loopback address
        os.environ["RECORDSCAN_TWILIO_URL"] + url.path, data="&".join(data).encode(), method="POST"
    )
    request.add_header("X-Recordscan-Twilio-Host", url.netloc)
    request.add_header("Authorization", "Basic " + base64.b64encode(user.encode()).decode())
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request) as answer:
        return 0 if answer.status == 200 else 22


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
