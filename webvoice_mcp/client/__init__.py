"""How the API is reached: three verbs (call, upload, download) and a stream, for any endpoint."""
