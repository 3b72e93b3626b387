"""A paid call, from its estimate to its files, whatever becomes of its caller."""
