"""Typed access to the API: calls, uploads, downloads and streams, for any endpoint."""
