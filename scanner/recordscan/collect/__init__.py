"""Collecting: the only part that talks to the world, and it only reads."""
