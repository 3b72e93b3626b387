"""The API client: typed calls, uploads, downloads and streams for any endpoint."""
