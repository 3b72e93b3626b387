"""`webvoice-mcp sandbox`: the local service by itself."""

import argparse
import sys
from pathlib import Path

_HINT = """\
WebVoice sandbox at {base_url}
mail: {inbox}
Point a server at it: WEBVOICE_BASE_URL={base_url} webvoice-mcp
Ctrl-C ends it."""


def run(words: list[str]) -> int:
    """Serve the sandbox until a signal comes."""
    parser = argparse.ArgumentParser(
        prog="webvoice-mcp sandbox",
        description="A local service that speaks WebVoice's API, with real engines.",
        allow_abbrev=False,
    )
    parser.add_argument("--host", default="127.0.0.1", help="a loopback address (default 127.0.0.1)")
    parser.add_argument("--port", type=int, default=8787, help="0 takes a free one (default 8787)")
    parser.add_argument("--state-dir", type=Path, help="accounts and mail (default: the user's state folder)")
    chosen = parser.parse_args(words)
    import platformdirs  # noqa: PLC0415 - after the words are known to be right

    from webvoice_mcp.sandbox.serve import serve  # noqa: PLC0415 - as above

    state_dir = chosen.state_dir or platformdirs.user_state_path("webvoice-mcp") / "sandbox"

    def ready(base_url: str) -> None:
        print(_HINT.format(base_url=base_url, inbox=state_dir / "inbox"), flush=True)

    try:
        serve(chosen.host, chosen.port, state_dir, listening=ready)
    except (ValueError, OSError) as error:
        print(f"webvoice-mcp sandbox: {error}", file=sys.stderr)
        return 2
    return 0
