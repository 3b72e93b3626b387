"""Accounts: registering by e-mail code, keys, credits, links."""

from functools import partial
from typing import Annotated, Any, ClassVar, Literal

from mcp.server.mcpserver import Context
from pydantic import BeforeValidator, Field, Strict

from webvoice_mcp.client.auth import Keys, Place, StoredKey
from webvoice_mcp.client.free_client import FreeClient
from webvoice_mcp.client.redaction import mask_key, sanitize
from webvoice_mcp.contract.account import (
    CREATE_KEY,
    ONBOARDING,
    SEND_CODE,
    STATUS,
    VERIFY_CODE,
    CreateKeyRequest,
    SendCodeRequest,
    VerifyCodeRequest,
    links,
)
from webvoice_mcp.contract.endpoint import Empty
from webvoice_mcp.errors import InvalidArgument
from webvoice_mcp.jobs.jobs import Jobs
from webvoice_mcp.jobs.services import Services
from webvoice_mcp.settings import Settings
from webvoice_mcp.tools._confirmation import can_ask, is_agreed
from webvoice_mcp.tools._secrets import without_keys, without_new_key
from webvoice_mcp.tools.parameters import checked_email
from webvoice_mcp.tools.results import Result
from webvoice_mcp.tools.toolset import READS, READS_LOCALLY, WRITES, ToolSet

tools = ToolSet("account")

KEY_NAME = "webvoice-mcp"  # of a key that is given no other name

_MAX_SHOWN_EMAIL = 60
_UNUSED = (
    "The new key is saved and not used: only the user decides whose account is at work. To change to it, they run "
    "webvoice-mcp login in a terminal."
)

Email = Annotated[str, Field(description="E-mail address that receives the code.")]


class CodeSent(Result):
    """A code was sent."""

    success: bool
    is_new_user: bool | None = None
    message: str | None = None
    next_step: str


class Registered(Result):
    """The account is verified; a key that was asked for is saved."""

    success: bool
    api_key: str | None = Field(None, description="Masked.")
    api_key_saved_to: str | None = None
    onboarding: dict[str, Any] | None = None
    note: str | None = None


class KeyCreated(Result):
    """A further key."""

    success: bool
    api_key: str = Field(description="Masked.")
    name: str
    api_key_saved_to: str | None = None
    note: str | None = None


class Onboarding(Result):
    """The account's permissions, and the ways to add credits."""

    extra_limits: ClassVar[tuple[int, int]] = (2000, 4000)  # all of it is for the user

    credits: float | None = None
    can_use_api: bool | None = None
    billing: dict[str, Any] | None = None
    solana: dict[str, Any] | None = None
    urls: dict[str, Any] | None = None


class Status(Result):
    """The account, the key in use, and the credits left."""

    user: str | None = None
    credits: float | None = None
    api_key: dict[str, Any] | None = None
    key_source: str = Field(description="environment, saved, or memory (until the server ends)")


class Links(Result):
    """The service's pages."""

    login: str
    api_dashboard: str
    documentation: str
    buy_credits_paypal: str
    subscriptions: str
    solana_topup: str


def _boolean_word(value: Any) -> Any:
    return {"true": True, "false": False}.get(value, value) if isinstance(value, str) else value


Consent = Annotated[bool, Strict(), BeforeValidator(_boolean_word)]  # neither 1 nor "yes" counts as consent


@tools.free(SEND_CODE, title="Register: send code", effect=WRITES)
async def webvoice_register_send_code(
    email: Email,
    accept_privacy: Annotated[
        Consent, Field(description="Whether the user accepts the privacy policy. Ask; must be true.")
    ],
    accept_terms: Annotated[
        Consent, Field(description="Whether the user accepts the terms of service. Ask; must be true.")
    ],
    *,
    client: FreeClient,
) -> CodeSent:
    """E-mail a sign-in code to register or sign in, with no key yet; says whether the account is new.

    Free. The next step is webvoice_register_verify with the code from the mail.
    """
    email = checked_email("email", email)
    for name, accepted in (("accept_privacy", accept_privacy), ("accept_terms", accept_terms)):
        if not accepted:
            raise InvalidArgument(
                f"{name} must be true: without the user's consent no account can be opened. Ask them."
            )
    request = SendCodeRequest(email=email, accept_privacy=accept_privacy, accept_terms=accept_terms)
    reply = await client.call(SEND_CODE, request)
    return CodeSent.from_reply(
        without_keys(reply),
        next_step="Get the code from the mail, then call webvoice_register_verify with e-mail and code.",
    )


@tools.free(VERIFY_CODE, title="Register: verify code", effect=WRITES)
async def webvoice_register_verify(
    email: Annotated[str, Field(description="Address that got the code.")],
    code: Annotated[str, Field(description="The digits from the mail; spaces are dropped.")],
    create_api_key: Annotated[bool, Field(description="Make, save and use an API key.")] = True,
    api_key_name: Annotated[str, Field(description="The key's name on the dashboard.")] = KEY_NAME,
    *,
    client: FreeClient,
    keys: Keys,
    jobs: Jobs,
    context: Context[Services],
) -> Registered:
    """Verify the e-mailed code, then create and save an API key that works at once; returns credits and onboarding.

    Free. Call webvoice_register_send_code first. With a key already at work the user is asked; webvoice_create_api_key
    adds another of the same account.
    """
    email = checked_email("email", email)
    # The question comes first: a client may repeat the call with the answer, and a code can be used only once.
    use = create_api_key and await _place_for_new_key(keys, context, email)
    request = VerifyCodeRequest(email=email, code=code, create_api_key=create_api_key, api_key_name=api_key_name)
    return await verify_code(request, client=client, keys=keys, jobs=jobs, use=use)


@tools.free(CREATE_KEY, title="Create an API key", effect=WRITES)
async def webvoice_create_api_key(
    name: Annotated[str, Field(description="The key's name on the dashboard.")],
    use: Annotated[bool, Field(description="Use it as this server's key from now on.")] = False,
    *,
    client: FreeClient,
    keys: Keys,
    jobs: Jobs,
    context: Context[Services],
) -> KeyCreated:
    """Create a further API key for an account that already has one, and save it; returns it masked.

    Free. For a first key use webvoice_register_send_code and webvoice_register_verify.
    """
    request = CreateKeyRequest(name=name)
    await keys.require()
    await keys.check_store()  # the service sends the new key only once
    place = use and await _place_for_further_key(keys, context)
    return await jobs.run_to_end(partial(_create_key, client, keys, request, use=place, is_wanted=use))


@tools.free(ONBOARDING, title="Onboarding", effect=READS)
async def webvoice_onboarding(*, client: FreeClient) -> Onboarding:
    """Tell how to top up (PayPal, the account's own Solana memo), how many credits are left and what may be used.

    Free. For the key and its use see webvoice_status.
    """
    reply = await client.call(ONBOARDING, Empty())
    return Onboarding.from_reply(without_keys(reply))


@tools.free(STATUS, title="Account status", effect=READS)
async def webvoice_status(*, client: FreeClient, keys: Keys) -> Status:
    """Tell whose account is used, its credits, and which API key is at work and where it came from.

    Free. For ways to add credits see webvoice_onboarding.
    """
    source = (await keys.require()).source
    reply = await client.call(STATUS, Empty())
    return Status.from_reply(without_keys(reply), key_source=source)


@tools.free(title="Account links", effect=READS_LOCALLY)
async def webvoice_account_links(*, settings: Settings) -> Links:
    """List the service's web pages: sign-in, API keys, documentation, buying credits, subscriptions, Solana top-up.

    Free; needs neither key nor network.
    """
    return Links.model_validate(links(settings.site))


async def verify_code(
    request: VerifyCodeRequest, *, client: FreeClient, keys: Keys, jobs: Jobs, use: bool | Place
) -> Registered:
    """Verify a code, and save the key that comes with it.

    Args:
        use: True to use the key from now on, a place to do so if that is unchanged; False leaves the key at work as
            it is.
    """
    # A code can be used once, and the key is sent once: a caller who goes away must not cost the user the key.
    return await jobs.run_to_end(partial(_verify, client, keys, request, use=use))


async def _place_for_new_key(keys: Keys, context: Context[Services], email: str) -> Place | Literal[False]:
    """Return the place for a new key if no key is at work, or the user agrees that a new one takes its place."""
    place = await keys.place()
    key = place.key
    if key is None or keys.is_stopgap(key, email):
        return place
    if key.source == "environment":
        instead = f" in place of {mask_key(place.saved)}," if place.saved else ""
        question = (
            f"Save a new API key of the account {_quoted(email)},{instead} for use once WEBVOICE_API_KEY is removed?"
        )
    else:
        question = f"Replace the API key at work, {mask_key(key.value)}, by a new one of the account {_quoted(email)}?"
    return place if await _is_agreed(context, question) else False


async def _place_for_further_key(keys: Keys, context: Context[Services]) -> Place | Literal[False]:
    """Return the place for a further key of the account at work, unless the saved key may be another account's.

    A key in the environment is at work in this server only. The saved one, which others use, changes with a yes.
    """
    place = await keys.place()
    if place.key is None or place.key.source != "environment" or place.saved in {"", place.key.value}:
        return place
    question = (
        f"Replace the saved API key, {mask_key(place.saved)}, by a new one of the account of WEBVOICE_API_KEY, "
        f"{mask_key(place.key.value)}?"
    )
    return place if await _is_agreed(context, question) else False


async def _is_agreed(context: Context[Services], question: str) -> bool:
    return can_ask(context) and await is_agreed(context, question, "Use the new key?")


def _quoted(email: str) -> str:
    """Return an address in quotation marks that it cannot end; a long one loses its middle."""
    plain = sanitize(email).replace('"', "'")
    if len(plain) > _MAX_SHOWN_EMAIL:
        plain = f"{plain[: _MAX_SHOWN_EMAIL // 2 - 1]}…{plain[-_MAX_SHOWN_EMAIL // 2 :]}"
    return f'"{plain}"'


async def _verify(client: FreeClient, keys: Keys, request: VerifyCodeRequest, *, use: bool | Place) -> Registered:
    reply = await client.call(VERIFY_CODE, request)
    if not reply.api_key:
        note = "The service sent no API key." if request.create_api_key else None
        return Registered.from_reply(without_new_key(reply), api_key=None, note=note)
    stored = await keys.store(
        name=request.api_key_name, key=reply.api_key, use=use, keep_unused=not use, account=request.email
    )
    fields = Registered.from_reply(without_new_key(reply, reply.api_key)).fields()
    return Registered.model_validate(fields | _facts(stored, is_wanted=True))


async def _create_key(
    client: FreeClient, keys: Keys, request: CreateKeyRequest, *, use: Place | Literal[False], is_wanted: bool
) -> KeyCreated:
    reply = await client.call(CREATE_KEY, request)
    stored = await keys.store(name=request.name, key=reply.api_key, use=use)
    shown = without_new_key(reply, reply.api_key)
    # The name that was asked for is no key, although it may look like one.
    name = request.name if reply.name in {None, "", request.name} else shown.name
    return KeyCreated.from_reply(shown, **{"name": name} | _facts(stored, is_wanted=is_wanted))


def _facts(stored: StoredKey, *, is_wanted: bool) -> dict[str, str]:
    """Return the fields about a new key, with a note if it was to be used and is not."""
    facts = stored.facts()
    if is_wanted and stored.saved_to and not stored.used:
        facts["note"] = f"{stored.note} {_UNUSED}".strip()
    return facts
