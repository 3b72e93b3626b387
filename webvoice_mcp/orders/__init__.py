"""A paid call, from its checks to its file."""
