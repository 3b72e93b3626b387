"""Saved API keys, by base URL."""

from webvoice_mcp.keystore.store import KeyStore

__all__ = ["KeyStore"]
