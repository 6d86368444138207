"""The built-in rules, one family per module."""
