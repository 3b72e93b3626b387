import base64
import io
import sys
from http import HTTPStatus
from typing import Any

import httpx2
import pytest

from tests.sandbox.media import LINK, PROMPT, cases, decode_picture, picture, send_cases
from tests.sandbox.world import SandboxClient, needs_engines, refused
from webvoice_mcp.contract.image import EDIT_RULES, IMAGE_RULES, PROMPT_CHARACTERS, EditRequest, ImageRequest

_MARK = b"WEBVOICE SANDBOX - procedural, not AI generated"
_B64 = base64.b64encode(b"no picture").decode()
_MINIMAX = ", ".join(IMAGE_RULES["minimax"])
_EDIT = {"prompt": "pencil sketch", "images": [LINK]}


async def _edit_form(client: SandboxClient, files: Any, **fields: str) -> httpx2.Response:
    return await client.http.post("image-to-image/", files=files, data={"prompt": "pencil sketch", **fields})


@pytest.mark.slow
async def test_image_providers_accept_what_the_contract_says(ann: SandboxClient) -> None:
    await ann.spend_down_to(0.0)
    expected = list(cases(IMAGE_RULES, ImageRequest))
    assert await send_cases(ann, "image/", {"prompt": PROMPT}, expected) == expected


async def test_edit_providers_accept_what_the_contract_says(ann: SandboxClient) -> None:
    await ann.spend_down_to(0.0)
    expected = list(cases(EDIT_RULES, EditRequest))
    assert await send_cases(ann, "image-to-image/", _EDIT, expected) == expected


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"prompt": "a" * (PROMPT_CHARACTERS + 1)}, '"prompt" has 4001 characters; at most 4000 are accepted.'),
        ({"provider": "dall-e"}, f"\"provider\" is 'dall-e'; accepted: {', '.join(IMAGE_RULES)}."),
        (
            {"provider": "wan", "size": "4096*64"},
            '"size" must have 256 to 2048 pixels on each side in the sandbox.',
        ),
        (
            {"provider": "flux-klein-lora", "loras": [{}]},
            '"loras" must be a list of {"path": a public https URL, "scale": a number}.',
        ),
        (
            {"num_images": 2},
            f"num_images is not accepted by provider minimax, only by nucleus. minimax accepts: {_MINIMAX}.",
        ),
    ],
)
async def test_a_wrong_image_request_is_refused(ann: SandboxClient, change: dict[str, object], message: str) -> None:
    assert refused(await ann.post("image/", {"prompt": PROMPT, **change})) == (400, "Bad Request", message)


@pytest.mark.parametrize(
    ("change", "price"),
    [
        ({}, 7),
        ({"provider": "nucleus", "num_images": 2}, 8),
        ({"provider": "gen4", "resolution": "720p"}, 2),
    ],
)
async def test_an_image_without_enough_credits_is_refused(
    ann: SandboxClient, change: dict[str, object], price: int
) -> None:
    await ann.spend_down_to(0.0)
    message = f"Insufficient credits: this call costs {price}, the account has 0. Add some with POST /sandbox/credits/."
    assert refused(await ann.post("image/", {"prompt": PROMPT, **change})) == (402, "Payment Required", message)


async def test_an_edit_without_enough_credits_is_refused(ann: SandboxClient) -> None:
    await ann.spend_down_to(0.9)
    status, _, message = refused(await ann.post("image-to-image/", _EDIT))
    assert (status, message.partition(",")[0]) == (402, "Insufficient credits: this call costs 1")


_HOW_MANY = "Send 1 to 4 images as images, image_urls, image_url, image: https URLs, base64 or files."


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"image_urls": " , ", "images": [" "]}, f"The request has 0 images. {_HOW_MANY}"),
        ({"images": [LINK] * 3, "image_urls": f"{LINK},{LINK}"}, f"The request has 5 images. {_HOW_MANY}"),
        ({"images": [5]}, '"images" must be a valid string.'),
        ({"image": {}}, '"image" must be a valid list.'),
        ({"image": "è"}, '"image" is neither a public https URL nor base64.'),
        (
            {"images": ["file:///etc/passwd"]},
            '"images" must be a public https URL without user name or password, or base64.',
        ),
    ],
)
async def test_an_edit_takes_one_to_four_images(ann: SandboxClient, inputs: dict[str, object], message: str) -> None:
    assert refused(await ann.post("image-to-image/", {"prompt": "sketch", **inputs})) == (400, "Bad Request", message)


@pytest.mark.parametrize(
    "inputs",
    [
        {"images": [LINK, _B64], "image_url": LINK},
        {"image_urls": f"{LINK}, {LINK},{_B64}"},
        {"image": f"data:image/png;base64,{_B64[:4]}\n{_B64[4:]}"},
    ],
)
async def test_images_are_urls_or_base64(ann: SandboxClient, inputs: dict[str, object]) -> None:
    await ann.spend_down_to(0.0)
    assert refused(await ann.post("image-to-image/", {"prompt": "sketch", **inputs}))[0] == 402


async def test_a_form_has_files_and_urls_and_numbers_as_text(ann: SandboxClient) -> None:
    await ann.spend_down_to(0.0)
    files = [("images", b"a"), ("images", b"b"), ("image", b"c")]
    accepted = await _edit_form(ann, files, image_urls=LINK, seed="9007199254740993", size="1024*768", aspect_ratio="")
    assert refused(accepted)[0] == 402
    five = await _edit_form(ann, [*files, ("images", b"d")], image_urls=LINK)
    assert refused(five)[2] == f"The request has 5 images. {_HOW_MANY}"
    assert refused(await _edit_form(ann, files, seed="1.5"))[2] == '"seed" must be a valid integer.'
    too_many = await _edit_form(ann, [("images", b"a")] * 5)
    assert refused(too_many)[2] == "The multipart body cannot be read: Too many files. Maximum number of files is 4."


async def test_a_repeated_form_field_is_a_list(ann: SandboxClient) -> None:
    await ann.spend_down_to(0.0)
    boundary = {"Content-Type": "multipart/form-data; boundary=x"}
    part = '--x\r\nContent-Disposition: form-data; name="{}"\r\n\r\n{}\r\n'
    links = "".join(part.format("images", LINK) for _ in range(2))
    body = f"{part.format('prompt', 'sketch')}{links}--x--\r\n"
    assert refused(await ann.http.post("image-to-image/", content=body, headers=boundary))[0] == 402
    twice = f"{part.format('prompt', 'sketch') * 2}{links}--x--\r\n"
    reply = await ann.http.post("image-to-image/", content=twice, headers=boundary)
    assert refused(reply)[2] == '"prompt" must be a string.'


async def test_base64_in_json_may_be_as_large_as_an_upload(ann: SandboxClient) -> None:
    await ann.spend_down_to(0.0)
    assert refused(await ann.post("image-to-image/", {"prompt": "x", "image": "A" * 2**22}))[0] == 402
    reply = await ann.post("image-to-image/", {"prompt": "x", "image": "A" * 2**25})
    assert refused(reply) == (413, HTTPStatus(413).phrase, "The body is larger than 32 MiB.")


async def test_a_missing_drawing_engine_is_503_and_says_what_to_install(
    ann: SandboxClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "PIL.Image", None)
    status, error, message = refused(await ann.post("image/", {"prompt": PROMPT}))
    assert (status, error) == (503, "Service Unavailable")
    assert message == "The sandbox's engine pillow is not installed. Run: pip install 'webvoice-mcp[sandbox]'"
    assert await ann.credits() == 20.0


class TestWithEngines:
    """Tests that need the engines of the extra `sandbox`."""

    pytestmark = needs_engines

    @pytest.mark.parametrize(
        ("change", "size"),
        [
            ({}, (1024, 1024)),
            ({"width": 1024, "height": 768, "aspect_ratio": "16:9"}, (1024, 768)),
            ({"width": 640, "aspect_ratio": "1:1"}, (640, 640)),
            ({"height": 900, "aspect_ratio": "16:9"}, (1600, 900)),
            ({"aspect_ratio": "32:24"}, (1152, 864)),
            ({"aspect_ratio": "1:99"}, (256, 2048)),
            ({"provider": "wan", "size": "640*480", "aspect_ratio": "16:9", "width": 1024}, (640, 480)),
            ({"provider": "gen4"}, (1920, 1080)),
            ({"provider": "gen4", "resolution": "720p", "aspect_ratio": "9:16"}, (720, 1280)),
            ({"provider": "gen4", "resolution": "720p", "aspect_ratio": "99:1"}, (2560, 720)),
            ({"provider": "gen4", "width": 512, "height": 600, "resolution": "1080p"}, (512, 600)),
        ],
    )
    async def test_an_image_has_the_requested_size(
        self, ann: SandboxClient, change: dict[str, object], size: tuple[int, int]
    ) -> None:
        reply = (await ann.post("image/", {"prompt": PROMPT, **change})).json()
        assert decode_picture(reply["image"]).size == size

    @pytest.mark.parametrize(
        ("change", "kind"),
        [
            ({}, "PNG"),
            ({"provider": "gen4-turbo"}, "WEBP"),
            ({"provider": "nucleus", "output_format": "jpeg"}, "JPEG"),
        ],
    )
    async def test_the_format_depends_on_the_provider_and_the_file_is_marked(
        self, ann: SandboxClient, change: dict[str, object], kind: str
    ) -> None:
        reply = (await ann.post("image/", {"prompt": PROMPT, "width": 512, "height": 512, **change})).json()
        assert decode_picture(reply["image"]).format == kind
        assert _MARK in base64.b64decode(reply["image"])

    async def test_two_images_differ_and_cost_twice(self, ann: SandboxClient) -> None:
        body = {"prompt": PROMPT, "provider": "nucleus", "num_images": 2, "width": 512, "height": 512}
        reply = (await ann.post("image/", body)).json()
        first, second = reply.pop("images")
        assert reply.pop("image") == first != second
        assert reply == {
            "success": True,
            "provider": "sandbox:procedural-1",
            "count": 2,
            "credits_used": 8.0,
            "credits_remaining": 12.0,
            "sandbox": True,
        }

    async def test_the_seed_decides_the_image(self, ann: SandboxClient) -> None:
        made = []
        for seed in (7, 7, 8, -1, None):
            body = {"prompt": PROMPT, "provider": "sdxl", "size": "256*256", "seed": seed}
            made.append((await ann.post("image/", body)).json()["image"])
        assert made[0] == made[1]
        assert len(set(made)) == 4

    @pytest.mark.parametrize(
        ("provider", "reference"),
        [
            ("gen4", {"reference_image_urls": f"{LINK},{LINK}"}),
            ("sd3", {"image_url": LINK}),
        ],
    )
    async def test_references_appear_in_the_image_as_stand_ins(
        self, ann: SandboxClient, provider: str, reference: dict[str, object]
    ) -> None:
        body = {"prompt": PROMPT, "provider": provider, "width": 512, "height": 512}
        plain = (await ann.post("image/", body)).json()
        shown = (await ann.post("image/", {**body, **reference})).json()
        assert shown["image"] != plain["image"]

    async def test_an_edit_reports_its_inputs_and_its_size(self, ann: SandboxClient) -> None:
        body = {"prompt": "sepia", "images": [LINK, base64.b64encode(picture()).decode()], "size": "512*300"}
        reply = (await ann.post("image-to-image/", body)).json()
        image = base64.b64decode(reply.pop("image"))
        assert decode_picture(base64.b64encode(image).decode()).size == (512, 300)
        assert b"WEBVOICE SANDBOX - filters, not AI generated" in image
        assert reply == {
            "success": True,
            "provider": "sandbox:filters-1",
            "input_count": 2,
            "image_size_bytes": len(image),
            "credits_used": 1.0,
            "credits_remaining": 19.0,
            "sandbox": True,
        }

    async def test_an_edit_has_the_requested_ratio(self, ann: SandboxClient) -> None:
        reply = (await ann.post("image-to-image/", {**_EDIT, "aspect_ratio": "3:4"})).json()
        assert decode_picture(reply["image"]).size == (864, 1152)

    async def test_files_of_a_form_are_edited(self, ann: SandboxClient) -> None:
        files = [("images", picture()), ("images", picture(kind="JPEG")), ("image", picture(kind="WEBP"))]
        reply = (await _edit_form(ann, files, seed="3", size="256*256", image_urls=LINK)).json()
        assert (reply["input_count"], decode_picture(reply["image"]).size) == (4, (256, 256))

    async def test_an_invalid_picture_is_refused_and_costs_nothing(self, ann: SandboxClient) -> None:
        message = "The image cannot be read. Send PNG, JPEG, WebP or GIF."
        for data in (b"", b"no picture", picture()[:40]):
            reply = await _edit_form(ann, {"images": io.BytesIO(data)})
            assert refused(reply) == (400, "Bad Request", message)
        assert await ann.credits() == 20.0
