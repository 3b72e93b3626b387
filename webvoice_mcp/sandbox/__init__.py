"""A local implementation of the WebVoice API, for testing agents without an account, credits or a network."""
