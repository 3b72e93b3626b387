"""The API again, on loopback: for trying agents without an account, credits or a network."""
