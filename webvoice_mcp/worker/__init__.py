"""The worker: a process that carries out paid media calls, and finishes them when its server is gone."""
