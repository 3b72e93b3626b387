"""Checks of the installation: versions, the optional packages, the command that clients start."""

import os
import platform
import re
import shutil
import sys
from importlib import metadata

from webvoice_mcp import __version__
from webvoice_mcp.cli.clients.mcp_clients import PACKAGE
from webvoice_mcp.cli.clients.platforms import Platform
from webvoice_mcp.cli.clients.server_command import INSTALL_ADVICE, choose_server_command
from webvoice_mcp.cli.doctor.check import Check
from webvoice_mcp.studio import extra

_SANDBOX_REQUIREMENT = re.compile(r"([A-Za-z0-9._-]+).*extra *== *['\"]sandbox['\"]")

# The PATH of programs started from the desktop, which do not read a shell's startup files.
_DESKTOP_PATH = {
    "darwin": "/usr/bin:/bin:/usr/sbin:/sbin",
    "linux": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
}


def check_versions() -> list[Check]:
    """Report the versions of this program and of Python."""
    system = f"{platform.python_implementation()} {platform.python_version()}, {platform.system()} {platform.machine()}"
    return [Check("version", True, __version__), Check("Python", True, f"{system}, {sys.executable}")]


def check_engines() -> Check:
    """Report the sandbox's engines that are missing. This only informs: the service needs none of them."""
    name = "sandbox engines"
    try:
        requirements = metadata.requires(PACKAGE) or []
    except metadata.PackageNotFoundError:
        return Check(name, True, "unknown: this source tree is not installed")
    engines = [match[1] for text in requirements if (match := _SANDBOX_REQUIREMENT.match(text))]
    missing = [engine for engine in engines if not extra.is_installed(engine)]
    if not missing:
        return Check(name, True, f"all installed: {', '.join(engines)}")
    install = "pip install 'webvoice-mcp[sandbox]'"
    return Check(name, True, f"missing: {', '.join(missing)}; only the sandbox and the demo need them ({install})")


def check_media() -> Check:
    """Report whether the extra `media` is installed. This only informs: few files need it."""
    name = "extra media"
    if not (missing := extra.missing_packages()):
        return Check(name, True, f"installed: {', '.join(extra.PACKAGES)}")
    need = "sound in films and in files of phones (MP4, MOV, WebM, Ogg, AAC), and HEIC and AVIF pictures, need it"
    return Check(name, True, f"missing: {', '.join(missing)}; {need}; to add it, {extra.how_to_add()}")


def check_desktop_launcher() -> Check:
    """Report the command to give to a client that is started from the desktop, where PATH is short."""
    name = "desktop launcher"
    path = _DESKTOP_PATH.get(sys.platform, os.environ.get("PATH", ""))
    if found := shutil.which(PACKAGE, path=path):
        return Check(name, True, f"a client started from the desktop finds {PACKAGE} as {found}")
    server = choose_server_command(Platform.current(), full_path=True)
    detail = f"a client started from the desktop does not find {PACKAGE} by its name"
    if os.path.isabs(server.command):  # noqa: PTH117 - a string
        return Check(name, True, f"{detail}; give it this command: {' '.join(server.argv)}")
    return Check(name, True, f"{detail}, and uvx is missing; before you add the server there, {INSTALL_ADVICE}")
