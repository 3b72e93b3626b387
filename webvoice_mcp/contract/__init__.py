"""What the API says: endpoints, requests, replies, prices' units. Nothing here does any I/O."""
