"""The demo's steps that draw, film, and send messages."""

from pathlib import Path

import anyio.to_thread

from webvoice_mcp.cli._demo_page import Exhibit
from webvoice_mcp.cli._demo_steps import EMAIL, Demo, Step, expect
from webvoice_mcp.sandbox.engines import describe

_BAY = "Marina Bay at sunset, vivid purple and orange afterglow"
_LIGHTHOUSE = "A lighthouse on the sea at night"
_FOREST = "Snow falls on a pine forest in the morning"
_EDIT = "Make it pixel art"
_MEMO = "Ask for the name of the boat"
_BOUGHT = 60
_TOLERANCE = 0.1  # seconds that a film may be longer or shorter than ordered


async def image(demo: Demo) -> str:
    """One image, of a size that was asked for."""
    drawn = await demo.call("webvoice_image", {"prompt": _BAY, "provider": "wan", "width": 1280, "height": 720})
    size = await _picture(demo.files[-1])
    expect(size == (1280, 720), f"the image is {size[0]}×{size[1]}")
    demo.exhibit = Exhibit(f"“{_BAY}”", (demo.files[-1],), facts=("1280 × 720", drawn["provider"]), span="third")
    return f"{demo.files[-1].name}, 1280x720 ({drawn['provider']})"


async def images(demo: Demo) -> str:
    """Two images in one answer."""
    arguments = {"prompt": _LIGHTHOUSE, "provider": "nucleus", "num_images": 2, "aspect_ratio": "16:9", "seed": 7}
    drawn = await demo.call("webvoice_image", arguments)
    pair = tuple(demo.files[-2:])
    sizes = [await _picture(path) for path in pair]
    expect(drawn["count"] == 2 and sizes[0] == sizes[1], f"{drawn['count']} images of the sizes {sizes}")
    expect(pair[0].read_bytes() != pair[1].read_bytes(), "the two images should differ")
    demo.exhibit = Exhibit(f"“{_LIGHTHOUSE}”, twice", pair, facts=("2 images", drawn["provider"]), span="third")
    return f"{pair[0].name} and {pair[1].name}"


async def edit(demo: Demo) -> str:
    """An edit of the first image, uploaded from the disk."""
    before = demo.pictures[0]
    arguments = {"prompt": _EDIT, "images": [str(before)], "aspect_ratio": "16:9"}
    edited = await demo.call("webvoice_image_to_image", arguments)
    after = demo.files[-1]
    await _picture(after)
    expect(edited["input_count"] == 1, "one image should have been taken in")
    demo.exhibit = Exhibit(f"Before, and “{_EDIT}”", (before, after), facts=(edited["provider"],), span="third")
    return f"{after.name} ({edited['provider']})"


async def image_to_video(demo: Demo) -> str:
    """A film that begins with the first image."""
    arguments = {"prompt": "Slow pan over the water", "image": str(demo.pictures[0]), "duration": 4}
    return await _film(
        demo, "webvoice_image_to_video", arguments, "The same bay, set in motion", (1280, 720), sound=True
    )


async def text_to_video(demo: Demo) -> str:
    """A film from text, without sound."""
    arguments = {"prompt": _FOREST, "duration": 4, "generate_audio": False}
    return await _film(demo, "webvoice_text_to_video", arguments, f"“{_FOREST}”", (1280, 720), sound=False)


async def memo(demo: Demo) -> str:
    """A note in the account."""
    stored = await demo.call("webvoice_voice_memo", {"text": _MEMO})
    expect(stored["title"] == _MEMO, f"the memo is called {stored['title']!r}")
    return f"memo {stored['voice_note_id']}: “{stored['title']}”"


async def email(demo: Demo) -> str:
    """A mail, found again in the sandbox's inbox."""
    await demo.call("webvoice_send_email", {"to": EMAIL, "subject": "From the demo", "body": "It works."})
    newest = (await demo.inbox())[-1]
    expect("From the demo" in newest["subject"], f"the newest mail is {newest['subject']!r}")
    return f"“{newest['subject']}” is in the inbox of {EMAIL}"


async def top_up(demo: Demo) -> str:
    """A purchase at the sandbox, since films cost more than the welcome credits."""
    await demo.sandbox("credits/", {"email": EMAIL, "credits": _BOUGHT})
    told = await demo.call("webvoice_status")
    expect(told["credits"] >= _BOUGHT, f"{told['credits']:g} credits after the purchase")
    return f"{_BOUGHT} play credits bought at the sandbox, {told['credits']:g} in all"


async def _film(
    demo: Demo, tool: str, arguments: dict[str, object], title: str, size: tuple[int, int], *, sound: bool
) -> str:
    made = await demo.call(tool, arguments)
    path = demo.files[-1]
    film = await anyio.to_thread.run_sync(describe.film, path)
    expect((film.width, film.height) == size, f"the film is {film.width}x{film.height}")
    expect(abs(film.seconds - made["duration"]) < _TOLERANCE, f"the film lasts {film.seconds:.2f} s")
    expect(film.has_sound is sound, f"the film has {'a' if film.has_sound else 'no'} sound track")
    heard = "with sound" if sound else "silent"
    facts = (f"{size[0]} × {size[1]}", f"{film.seconds:.1f} s {heard}", made["provider"], path.name)
    demo.exhibit = Exhibit(title, (path,), facts=facts)
    return f"{path.name}, {film.seconds:.1f} s, {size[0]}x{size[1]}, {heard} ({made['provider']})"


async def _picture(path: Path) -> tuple[int, int]:
    return await anyio.to_thread.run_sync(describe.picture_size, path)


STEPS: tuple[tuple[str, str, Step], ...] = (
    ("top up", "webvoice_status", top_up),
    ("image", "webvoice_image", image),
    ("two images", "webvoice_image", images),
    ("image edit", "webvoice_image_to_image", edit),
    ("image to video", "webvoice_image_to_video", image_to_video),
    ("text to video", "webvoice_text_to_video", text_to_video),
    ("memo", "webvoice_voice_memo", memo),
    ("e-mail", "webvoice_send_email", email),
)
