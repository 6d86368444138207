"""Exit statuses, said once: in `--help`, in the manual and in the documentation."""

STATUSES: dict[int, str] = {
    0: "the gate passed, and everything it depends on could be judged; or --fail-on none; or --exit-zero",
    1: "a check at or above --fail-on failed",
    2: "wrong usage, configuration, plugin or input file",
    3: "incomplete: such a check could not be decided, none was judged, or the deadline passed; see --min-coverage",
    4: "AWS or Twilio could not be reached, or did not accept the credentials",
    5: "internal error, or an output could not be written",
    130: "interrupted (143 when terminated); a partial result was written",
}

PRECEDENCE = "Where more than one would apply, the first of 2, 4, 5, 1, 3 counts; --exit-zero changes only 1 and 3."

EXAMPLES: dict[int, str] = {
    0: "recordscan scan --fail-on none",
    1: "recordscan scan --fail-on info",
    2: "recordscan scan --fail-on severe",
    3: "recordscan scan --rule url-https --fail-on critical",
    4: "recordscan scan --profile no-such-profile",
    5: "recordscan scan -o html=no/such/folder/report.html",
    130: "timeout --signal=INT 1 recordscan scan",
}
"""A command that ends with the status, of somebody whose estate has a failure."""

EPILOG = "\b\nExit status:\n" + "".join(f"  {status:<4} {words}\n" for status, words in STATUSES.items())
