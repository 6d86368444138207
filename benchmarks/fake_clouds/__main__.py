"""Serve until interrupted: `python -m fake_clouds aws --buckets 300`, or `python -m fake_clouds twilio`.

`python -m fake_clouds probe FILE --url URL --workers 16` sends recorded requests again.
"""

import sys

from fake_clouds import probe, server, twilio

match sys.argv[1:]:
    case ["aws", *arguments]:
        server.main(arguments)
    case ["twilio"]:
        twilio.main()
    case ["probe", *arguments]:
        probe.main(arguments)
    case _:
        sys.exit(str(__doc__))
