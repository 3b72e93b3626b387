from webvoice_mcp.client.answers import harmless as sanitize, masked as redact_document, plain as redact
