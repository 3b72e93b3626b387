"""The API as documented: endpoints, requests, replies, limits and prices. No I/O."""
