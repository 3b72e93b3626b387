"""Temporary."""

from webvoice_mcp.client.answers import harmless as sanitize
from webvoice_mcp.client.answers import masked as redact_document
from webvoice_mcp.client.answers import plain as redact

__all__ = ["redact", "redact_document", "sanitize"]
