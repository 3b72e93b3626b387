"""The examples of the service's documentation, compared with the contract and with the sandbox's responses."""

import base64
import json
from typing import Any

import httpx2
import pytest

from tests.sandbox.world import ANN, HELLO, SandboxClient, needs_engines
from tests.support import EXAMPLES, example
from webvoice_mcp.contract.account import (
    CreateKeyRequest,
    SendCodeRequest,
    StatusReply,
    VerifyCodeReply,
    VerifyCodeRequest,
)
from webvoice_mcp.contract.chat import ChatReply, ChatRequest, OpenAIModelsReply
from webvoice_mcp.contract.endpoint import Reply, Request
from webvoice_mcp.contract.image import EditReply, EditRequest, ImageReply, ImageRequest
from webvoice_mcp.contract.messaging import EmailReply, EmailRequest, MemoReply, MemoRequest
from webvoice_mcp.contract.speech import SpeechReply, SpeechRequest, TranscriptionReply, VoicesReply
from webvoice_mcp.contract.translation import TranslationReply, TranslationRequest
from webvoice_mcp.contract.video import ImageToVideoRequest, TextToVideoRequest, VideoReply

_REQUESTS: dict[str, type[Request]] = {
    "send_code": SendCodeRequest,
    "verify_code": VerifyCodeRequest,
    "create_key": CreateKeyRequest,
    "tts": SpeechRequest,
    "translation": TranslationRequest,
    "chat_completion": ChatRequest,
    "chat_tools": ChatRequest,
    "chat_tool_result": ChatRequest,
    "image": ImageRequest,
    "image_nucleus": ImageRequest,
    "image_gen4": ImageRequest,
    "image_gen4_turbo": ImageRequest,
    "image_sd3": ImageRequest,
    "image_sdxl": ImageRequest,
    "image_qwen_image_max": ImageRequest,
    "image_flux_klein_lora": ImageRequest,
    "image_to_image": EditRequest,
    "image_to_video": ImageToVideoRequest,
    "image_to_video_gen4": ImageToVideoRequest,
    "text_to_video": TextToVideoRequest,
    "send_email": EmailRequest,
    "voice_memo": MemoRequest,
}
_REPLIES: dict[str, type[Reply]] = {
    "verify_code": VerifyCodeReply,
    "status": StatusReply,
    "voices": VoicesReply,
    "tts": SpeechReply,
    "stt": TranscriptionReply,
    "translation": TranslationReply,
    "models": OpenAIModelsReply,
    "chat_completion": ChatReply,
    "chat_tools": ChatReply,
    "image": ImageReply,
    "image_to_image": EditReply,
    "image_to_video": VideoReply,
    "text_to_video": VideoReply,
    "send_email": EmailReply,
    "voice_memo": MemoReply,
}


def shape(value: Any) -> Any:
    """Return the keys and types of a JSON value. All numbers have one type; a list has the shape of its first item."""
    if isinstance(value, dict):
        return {key: shape(item) for key, item in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return "number" if type(value) in (int, float) else type(value).__name__


def common(example_shape: Any, reply_shape: Any) -> Any:
    """Return the part of a reply's shape that the example also has."""
    if isinstance(example_shape, dict) and isinstance(reply_shape, dict):
        return {key: common(item, reply_shape[key]) for key, item in example_shape.items() if key in reply_shape}
    if isinstance(example_shape, list) and isinstance(reply_shape, list) and reply_shape:
        return [common(example_shape[0], reply_shape[0])]
    return reply_shape


def assert_shape(reply: httpx2.Response, name: str) -> None:
    """Assert that the reply has every key of the example, with the same type."""
    assert reply.status_code == 200, reply.text
    wanted = shape(example(name))
    assert common(wanted, shape(reply.json())) == wanted


def test_every_example_of_the_documentation_is_compared() -> None:
    compared = {f"{name}_request" for name in _REQUESTS} | {f"{name}_response" for name in _REPLIES}
    # Only the sandbox sends the error, and reads `image_urls`, a second spelling that we never send.
    only_sandbox = {"error_response", "image_to_image_urls_request"}
    assert {path.stem for path in EXAMPLES.glob("*.json")} == compared | only_sandbox


def test_the_contract_sends_the_documented_requests() -> None:
    examples = {name: example(f"{name}_request") for name in _REQUESTS}
    assert {name: _REQUESTS[name].model_validate(sent).fields() for name, sent in examples.items()} == examples


def test_the_contract_reads_every_field_of_the_documented_replies() -> None:
    examples = {name: example(f"{name}_response") for name in _REPLIES}
    read = {name: _REPLIES[name].model_validate(received) for name, received in examples.items()}
    assert {name: reply.model_dump(mode="json", exclude_unset=True) for name, reply in read.items()} == examples


async def test_the_sandbox_accepts_the_documented_requests_for_media(ann: SandboxClient) -> None:
    await ann.spend_down_to(0.0)
    media = {
        name: path
        for path, models in {
            "tts/": (SpeechRequest,),
            "image/": (ImageRequest,),
            "image-to-image/": (EditRequest,),
            "image-to-video/": (ImageToVideoRequest,),
            "text-to-video/": (TextToVideoRequest,),
        }.items()
        for name, model in _REQUESTS.items()
        if model in models
    }
    statuses = {name: (await ann.post(path, example(f"{name}_request"))).status_code for name, path in media.items()}
    assert statuses == dict.fromkeys(media, 402)  # they are valid, but the account has no credits


async def test_registration_replies_as_documented(client: SandboxClient) -> None:
    request = {**example("verify_code_request"), "email": ANN, "code": await client.code()}
    reply = await client.post("auth/verify-code/", request)
    wanted = shape(example("verify_code_response"))
    wanted["onboarding"]["solana"] = {"available": "bool"}  # the sandbox accepts no payment, so it shows no address
    assert common(wanted, shape(reply.json())) == wanted
    assert reply.json()["onboarding"]["solana"] == {"available": False}


async def test_send_code_and_keys_accept_the_documented_requests(ann: SandboxClient) -> None:
    assert (await ann.post("auth/send-code/", example("send_code_request"))).status_code == 200
    assert (await ann.post("keys/", example("create_key_request"))).status_code == 200


async def test_status_voices_and_models_reply_as_documented(ann: SandboxClient) -> None:
    assert_shape(await ann.get("status/"), "status_response")
    assert_shape(await ann.get("voices/"), "voices_response")
    assert_shape(await ann.get("models/"), "models_response")


async def test_translation_replies_as_documented(ann: SandboxClient) -> None:
    assert_shape(await ann.post("translation/", example("translation_request")), "translation_response")


@pytest.mark.parametrize(
    ("request_name", "response_name"),
    [
        ("chat_completion_request", "chat_completion_response"),
        ("chat_tools_request", "chat_tools_response"),
    ],
)
async def test_chat_replies_as_documented(ann: SandboxClient, request_name: str, response_name: str) -> None:
    assert_shape(await ann.post("chat/completions/", example(request_name)), response_name)


async def test_chat_streams_as_documented(ann: SandboxClient) -> None:
    first, piece, last, done = _events((EXAMPLES / "chat_stream.txt").read_text("utf-8"))
    got = _events((await ann.post("chat/completions/", {**HELLO, "stream": True})).text)
    assert common(first, got[0]) == first
    assert all(common(piece, event) == piece for event in got[1:-2])
    assert common(last, got[-2]) == last
    assert got[-1] == done == "[DONE]"


def _events(text: str) -> list[Any]:
    data = [line.removeprefix("data: ") for line in text.splitlines() if line]
    return [event if event == "[DONE]" else shape(json.loads(event)) for event in data]


async def test_messages_reply_as_documented(ann: SandboxClient) -> None:
    assert_shape(await ann.post("send-email/", example("send_email_request")), "send_email_response")
    assert_shape(await ann.post("voice-memo/text/", example("voice_memo_request")), "voice_memo_response")


async def test_errors_are_as_documented(client: SandboxClient) -> None:
    assert shape((await client.get("status/")).json()) == shape(example("error_response"))


class TestWithEngines:
    """Tests that need the engines of the extra `sandbox`."""

    pytestmark = needs_engines

    async def test_speech_replies_as_documented(self, ann: SandboxClient) -> None:
        reply = await ann.post("tts/", example("tts_request"))
        assert_shape(reply, "tts_response")
        audio = base64.b64decode(reply.json()["audio"])
        assert_shape(await ann.http.post("stt/", files={"audio": audio}), "stt_response")

    @pytest.mark.parametrize("name", ["image", "image_gen4"])
    async def test_images_reply_as_documented(self, ann: SandboxClient, name: str) -> None:
        assert_shape(await ann.post("image/", example(f"{name}_request")), "image_response")

    async def test_edits_reply_as_documented(self, ann: SandboxClient) -> None:
        request = example("image_to_image_urls_request")
        assert_shape(await ann.post("image-to-image/", request), "image_to_image_response")

    @pytest.mark.wide
    async def test_videos_of_images_reply_as_documented(self, ann: SandboxClient) -> None:
        assert_shape(await ann.post("image-to-video/", example("image_to_video_request")), "image_to_video_response")

    @pytest.mark.wide
    async def test_videos_of_text_reply_as_documented(self, ann: SandboxClient) -> None:
        assert_shape(await ann.post("text-to-video/", example("text_to_video_request")), "text_to_video_response")
