"""API keys; this module imports nothing, because every start of the server does."""

KEY_PREFIX = "wv_"
