"""The demo's steps for images, videos and messages."""

from pathlib import Path
from typing import Any

import anyio.to_thread

from webvoice_mcp.cli.demo.page import Card
from webvoice_mcp.cli.demo.session import EMAIL, Outcome, Session, Step, expect
from webvoice_mcp.sandbox.engines import describe

_BAY = "Marina Bay at sunset, vivid purple and orange afterglow"
_LIGHTHOUSE = "A lighthouse on the sea at night"
_FOREST = "Snow falls on a pine forest in the morning"
_EDIT = "Make it pixel art"
_MEMO = "Ask for the name of the boat"
_TOP_UP_CREDITS = 60
_TOLERANCE_SECONDS = 0.1  # between a video's length and the requested one
_VIDEO_SIZE = (1280, 720)


async def top_up(session: Session) -> Outcome:
    """Buy credits at the sandbox, because the videos cost more than the welcome credits."""
    await session.ask_sandbox("credits/", {"email": EMAIL, "credits": _TOP_UP_CREDITS})
    account = await session.call("webvoice_status")
    expect(account["credits"] >= _TOP_UP_CREDITS, f"{account['credits']:g} credits after the purchase")
    return Outcome(f"{_TOP_UP_CREDITS} play credits bought at the sandbox, {account['credits']:g} in all")


async def image(session: Session) -> Outcome:
    """Make one image of a given size."""
    made = await session.call("webvoice_image", {"prompt": _BAY, "provider": "wan", "width": 1280, "height": 720})
    path = session.files[-1]
    width, height = await _picture_size(path)
    expect((width, height) == (1280, 720), f"the image is {width}×{height}")
    card = Card(f"“{_BAY}”", (path,), facts=("1280 × 720", made["provider"]), width="third")
    return Outcome(f"{path.name}, 1280x720 ({made['provider']})", card)


async def images(session: Session) -> Outcome:
    """Make two images in one call."""
    arguments = {"prompt": _LIGHTHOUSE, "provider": "nucleus", "num_images": 2, "aspect_ratio": "16:9", "seed": 7}
    made = await session.call("webvoice_image", arguments)
    first, second = session.files[-2:]
    sizes = [await _picture_size(path) for path in (first, second)]
    expect(made["count"] == 2 and sizes[0] == sizes[1], f"{made['count']} images of the sizes {sizes}")
    expect(first.read_bytes() != second.read_bytes(), "the two images are the same")
    card = Card(f"“{_LIGHTHOUSE}”, twice", (first, second), facts=("2 images", made["provider"]), width="third")
    return Outcome(f"{first.name} and {second.name}", card)


async def edit_image(session: Session) -> Outcome:
    """Upload the first image and edit it."""
    before = session.pictures[0]
    arguments = {"prompt": _EDIT, "images": [str(before)], "aspect_ratio": "16:9"}
    edited = await session.call("webvoice_image_to_image", arguments)
    after = session.files[-1]
    await _picture_size(after)
    expect(edited["input_count"] == 1, f"{edited['input_count']} images were edited, not 1")
    card = Card(f"Before and after “{_EDIT}”", (before, after), facts=(edited["provider"],), width="third")
    return Outcome(f"{after.name} ({edited['provider']})", card)


async def image_to_video(session: Session) -> Outcome:
    """Make a video with sound that starts with the first image."""
    arguments = {"prompt": "Slow pan over the water", "image": str(session.pictures[0]), "duration": 4}
    return await _make_video(session, "webvoice_image_to_video", arguments, "The same bay, in motion", sound=True)


async def text_to_video(session: Session) -> Outcome:
    """Make a silent video from text."""
    arguments = {"prompt": _FOREST, "duration": 4, "generate_audio": False}
    return await _make_video(session, "webvoice_text_to_video", arguments, f"“{_FOREST}”", sound=False)


async def memo(session: Session) -> Outcome:
    """Store a memo in the account."""
    stored = await session.call("webvoice_voice_memo", {"text": _MEMO})
    expect(stored["title"] == _MEMO, f"the memo is called {stored['title']!r}")
    return Outcome(f"memo {stored['voice_note_id']}: “{stored['title']}”")


async def email(session: Session) -> Outcome:
    """Send an e-mail and find it in the sandbox's inbox."""
    await session.call("webvoice_send_email", {"to": EMAIL, "subject": "From the demo", "body": "It works."})
    newest = (await session.read_inbox())[-1]
    expect("From the demo" in newest["subject"], f"the newest e-mail is {newest['subject']!r}")
    return Outcome(f"“{newest['subject']}” is in the inbox of {EMAIL}")


async def _make_video(session: Session, tool: str, arguments: dict[str, Any], title: str, *, sound: bool) -> Outcome:
    made = await session.call(tool, arguments)
    path = session.files[-1]
    video = await anyio.to_thread.run_sync(describe.film, path)
    expect((video.width, video.height) == _VIDEO_SIZE, f"the video is {video.width}x{video.height}")
    expect(abs(video.seconds - made["duration"]) < _TOLERANCE_SECONDS, f"the video lasts {video.seconds:.2f} s")
    expect(video.has_sound is sound, f"the video has {'a' if video.has_sound else 'no'} sound track")
    audible = "with sound" if sound else "silent"
    facts = (f"{video.width} × {video.height}", f"{video.seconds:.1f} s {audible}", made["provider"])
    summary = f"{path.name}, {video.seconds:.1f} s, {video.width}x{video.height}, {audible} ({made['provider']})"
    return Outcome(summary, Card(title, (path,), facts=facts))


async def _picture_size(path: Path) -> tuple[int, int]:
    return await anyio.to_thread.run_sync(describe.picture_size, path)


STEPS = (
    Step("top up", "webvoice_status", top_up),
    Step("image", "webvoice_image", image),
    Step("two images", "webvoice_image", images),
    Step("image edit", "webvoice_image_to_image", edit_image),
    Step("image to video", "webvoice_image_to_video", image_to_video),
    Step("text to video", "webvoice_text_to_video", text_to_video),
    Step("memo", "webvoice_voice_memo", memo),
    Step("e-mail", "webvoice_send_email", email),
)
