"""Locks, atomic replacement and private files for this program's own data, and worker threads."""
