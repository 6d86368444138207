"""`python -m recordscan`."""

from recordscan.cli import main

main()
