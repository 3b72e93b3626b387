"""The skills extension of MCP, through which clients find the skills and read them."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from mcp import MCPError
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.extension import Extension, MethodBinding
from mcp.server.lowlevel.helper_types import ReadResourceContents
from mcp.server.mcpserver.exceptions import ResourceNotFoundError
from mcp.types import INVALID_PARAMS, PaginatedRequestParams, RequestParams

from webvoice_mcp.storage.threads import WorkerThreads
from webvoice_mcp.tools.catalogue import offered

SKILLS = "io.modelcontextprotocol/skills"

_NAMES = ("narrate-a-book", "podcast", "subtitles", "dub-a-film", "storyboard-to-film")
_SCHEME = "skill://"
_MARKDOWN = "text/markdown"
_FRONT_MATTER = re.compile(rb"---\r?\n(.*?\n)---\r?\n", re.DOTALL)
_CACHED = {"ttlMs": 86_400_000, "cacheScope": "public"}  # they are the same for everybody


class SkillParams(RequestParams, defer_build=True):  # few clients know skills
    """Parameters of `skills/get`."""

    uri: str


@dataclass(frozen=True, slots=True)
class Skill:
    """A skill, which is a single file: SKILL.md.

    Attributes:
        content: the file, with its front matter.
    """

    name: str
    content: bytes

    @property
    def uri(self) -> str:
        """The URI of its SKILL.md."""
        return f"{_SCHEME}{self.name}/SKILL.md"

    @property
    def tools(self) -> frozenset[str]:
        """Names of the tools that it calls."""
        return frozenset(re.findall(r"webvoice_\w+", self.content.decode()))

    def entry(self) -> dict[str, Any]:
        """Return what `skills/list` says about it."""
        digest = hashlib.sha256(self.content).hexdigest()
        file = {"uri": self.uri, "digest": f"sha256:{digest}", "size": len(self.content)}
        return {"uri": self.uri, "frontmatter": _front_matter(self.content), "resources": [file]}


class Skills(Extension):
    """Lists and serves the skills whose tools are all offered.

    The methods answer every client that calls them: the specification has servers declare the extension, not clients. A
    client that does not know it sees nothing of it, since skills are not among the listed resources.
    """

    identifier = SKILLS

    def __init__(self, families: frozenset[str]) -> None:
        self._families = families

    def methods(self) -> Sequence[MethodBinding]:
        """Return the requests about skills, for every protocol revision."""
        return [
            MethodBinding("skills/list", PaginatedRequestParams, self._list),
            MethodBinding("skills/get", SkillParams, self._get),
        ]

    async def _list(self, _: ServerRequestContext[Any, Any], params: PaginatedRequestParams) -> HandlerResult:
        if params.cursor is not None:
            raise MCPError(INVALID_PARAMS, "There is no such cursor: all skills are on one page.")
        skills = await _offered_skills(self._families)
        return {"skills": [skill.entry() for skill in skills.values()], **_CACHED}

    async def _get(self, _: ServerRequestContext[Any, Any], params: SkillParams) -> HandlerResult:
        skills = await _offered_skills(self._families)
        if params.uri not in skills:
            raise MCPError(INVALID_PARAMS, _unknown(params.uri, skills))
        return {"skill": skills[params.uri].entry(), **_CACHED}


async def declare_in_handshake(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
    """Declare the extension in the handshake, too, if the client does; the SDK does so in `server/discover` alone."""
    result = await call_next(ctx)
    if ctx.method == "initialize" and isinstance(result, dict):
        declared = (ctx.params or {})["capabilities"].get("extensions")
        if isinstance(declared, dict) and SKILLS in declared:
            capabilities = {**result["capabilities"], "extensions": {SKILLS: {}}}
            return {**result, "capabilities": capabilities}
    return result


def is_skill_uri(uri: str) -> bool:
    """Return True if a URI can only name a file of a skill."""
    return uri.startswith(_SCHEME)


async def read_skill(uri: str, families: frozenset[str]) -> ReadResourceContents:
    """Read a skill's SKILL.md.

    Raises:
        ResourceNotFoundError: there is no such skill, or one of its tools is switched off.
    """
    skills = await _offered_skills(families)
    if uri not in skills:
        raise ResourceNotFoundError(_unknown(uri, skills))
    return ReadResourceContents(skills[uri].content.decode(), _MARKDOWN)


def _unknown(uri: str, skills: Mapping[str, Skill]) -> str:
    return f"There is no skill {uri[:200]!r}. Known skills: {', '.join(skills) or 'none'}."


async def _offered_skills(families: frozenset[str]) -> Mapping[str, Skill]:
    """Return the skills whose tools are all offered, by URI."""
    skills = await WorkerThreads(1).run(_skills)
    tools = {tool.name for tool in offered(families)}
    return {skill.uri: skill for skill in skills if skill.tools <= tools}


@cache
def _skills() -> tuple[Skill, ...]:
    folder = files("webvoice_mcp.tools.skills")
    return tuple(Skill(name, (folder / f"{name}.md").read_bytes()) for name in _NAMES)


def _front_matter(content: bytes) -> dict[str, str]:
    """Return the fields of a front matter. Each stands on one line, as plain YAML."""
    match = _FRONT_MATTER.match(content)
    assert match, "a skill begins with its front matter"  # noqa: S101 - a test reads all skills
    fields = (line.split(": ", 1) for line in match[1].decode().splitlines())
    return dict(fields)
