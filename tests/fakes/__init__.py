"""Servers of our own for the real clients to talk to."""
