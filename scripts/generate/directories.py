"""Generates what directories of extensions read: the plugin manifests, and the fields about icon and repository.

Everything comes from pyproject.toml, the table of clients and the icon. The address of the repository is not known yet:
as soon as `[project.urls]` in pyproject.toml has one as `Repository`, it is written wherever it belongs.
"""

import tomllib
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tool_list import indented
from webvoice_mcp.cli.clients.mcp_clients import ENTRY_NAME, TITLE, UVX
from webvoice_mcp.tools.icon import SVG

ICON_FILES = ("assets/icon.png", "mcpb/icon.png")
ICON_PIXELS = 512
_ICON = f"./{ICON_FILES[0]}"
_BRAND_COLOR = "#4f5df2"  # of the icon
_CATEGORY = "Media"
_PROMPTS = [
    "Register me at WebVoice with my e-mail address.",
    "Read this text aloud and save it as an MP3 file.",
    "Make a short film of a harbour at dawn.",
]

Project = dict[str, Any]


def read_project(root: Path) -> Project:
    """Return the table `project` of pyproject.toml."""
    project: Project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return project


def manifests(project: Project) -> dict[str, str]:
    """Return the text of every plugin manifest by its path."""
    servers = {"mcpServers": {ENTRY_NAME: UVX.fields}}
    about = _about(project)
    listed = {"name": about["name"], "description": about["description"]}
    files: dict[str, dict[str, Any]] = {
        ".claude-plugin/plugin.json": {**about, **servers},
        ".claude-plugin/marketplace.json": {
            "name": ENTRY_NAME,
            "owner": about["author"],
            "metadata": {"description": about["description"]},
            "plugins": [{**listed, "source": "./"}],
        },
        ".cursor-plugin/plugin.json": {
            **about,
            "displayName": TITLE,
            "author": {"name": about["author"]["name"]},  # its schema has no address
            "category": _CATEGORY.lower(),
            "logo": _ICON.removeprefix("./"),
            **servers,
        },
        ".codex-plugin/plugin.json": {
            **about,
            "mcpServers": "./.codex-plugin/mcp.json",
            "interface": _interface(project),
        },
        ".codex-plugin/mcp.json": servers,
        ".agents/plugins/marketplace.json": {
            "name": ENTRY_NAME,
            "interface": {"displayName": TITLE},
            "plugins": [
                {
                    "name": about["name"],
                    "source": {"source": "local", "path": "./"},
                    "policy": {"installation": "AVAILABLE", "authentication": "ON_USE"},
                    "category": _CATEGORY,
                }
            ],
        },
        "gemini-extension.json": {**listed, "version": about["version"], **servers},
    }
    return {name: indented(content) for name, content in files.items()}


def server_fields(project: Project) -> dict[str, Any]:
    """Return the fields of server.json that depend on the repository; without one there are none.

    The registry takes icons by their https addresses only.
    """
    url = _repository(project)
    if not url:
        return {}
    path = urlsplit(url).path.strip("/")
    source = f"https://raw.githubusercontent.com/{path}/v{project['version']}/{ICON_FILES[0]}"
    icon = {"src": source, "mimeType": "image/png", "sizes": [f"{ICON_PIXELS}x{ICON_PIXELS}"]}
    return {"repository": {"url": url, "source": "github"}, "icons": [icon]}


def bundle_fields(project: Project) -> dict[str, Any]:
    """Return the fields of mcpb/manifest.json about icon and repository."""
    url = _repository(project)
    return {"icon": "icon.png", **({"repository": {"type": "git", "url": url}} if url else {})}


def icon_png() -> bytes:
    """Return the icon as PNG."""
    import resvg_py  # noqa: PLC0415 - of the extra `sandbox`; only the icon needs it

    return bytes(resvg_py.svg_to_bytes(svg_path=str(SVG), width=ICON_PIXELS, height=ICON_PIXELS))


def renew_icons(root: Path) -> list[str]:
    """Write the PNG files that are out of date, and return their paths."""
    data = icon_png()
    written = [name for name in ICON_FILES if not (root / name).exists() or (root / name).read_bytes() != data]
    for name in written:
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_bytes(data)
    return written


def _about(project: Project) -> dict[str, Any]:
    """Return the fields that most manifests have in common."""
    (author,) = project["authors"]
    url = _repository(project)
    return {
        "name": project["name"],
        "version": project["version"],
        "description": project["description"],
        "author": {"name": author["name"], "url": project["urls"]["Homepage"]},
        "homepage": project["urls"]["Homepage"],
        **({"repository": url} if url else {}),
        "license": project["license"],
        "keywords": project["keywords"],
    }


def _interface(project: Project) -> dict[str, Any]:
    """Return what Codex shows about the plugin."""
    home = project["urls"]["Homepage"]
    return {
        "displayName": TITLE,
        "shortDescription": "Speech, transcription, translation, images and video",
        "longDescription": project["description"],
        "developerName": project["authors"][0]["name"],
        "category": _CATEGORY,
        "capabilities": ["Interactive", "Write"],
        "websiteURL": home,
        "privacyPolicyURL": home,
        "termsOfServiceURL": home,
        "defaultPrompt": _PROMPTS,
        "brandColor": _BRAND_COLOR,
        "composerIcon": _ICON,
        "logo": _ICON,
    }


def _repository(project: Project) -> str:
    url: str = project["urls"].get("Repository", "")
    return url
