"""Locks, atomic replacement and private files for this program's own data, and threads for blocking calls."""
