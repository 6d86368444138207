"""Rules of a made-up company."""
