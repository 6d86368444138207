"""Serve until interrupted: `python -m fake_clouds aws --buckets 300`, or `python -m fake_clouds twilio`."""

import sys

from fake_clouds import server, twilio

if sys.argv[1:2] == ["twilio"]:
    twilio.main()
else:
    server.main(sys.argv[2:])
