"""The estimate of speech against the length that the sandbox's voices speak."""

import pytest

from webvoice_mcp.contract.speech import SPEECH, SPEECH_PRICE, SpeechRequest
from webvoice_mcp.sandbox.engines import espeak, hibari

pytestmark = [pytest.mark.engines, pytest.mark.slow]

TEXTS = [
    ("en", "The harbour was quiet, and a few fishermen mended their nets beside the long stone wall. "),
    ("en", "1234567890 "),
    ("en", "In 1984, 1999, 2024, 1066 and 1789 things happened. "),
    ("en", "It costs $12.99, €1,250.00 or £3.50, that is 15% more. "),
    ("en", "Call +1 (555) 123-4567 or 020 7946 0958. "),
    ("en", "The train leaves at 14:35 and arrives at 18:07 on 3/11/2025. "),
    ("it", "Nel mezzo del cammin di nostra vita mi ritrovai per una selva oscura. "),
    ("it", "1234567890 "),
    ("de", "987654 Menschen, 42 % davon 1984. "),
    ("fr", "En 1789, 1984, 1999 et 2024 des choses arrivent. "),
]


def test_the_estimate_is_an_upper_bound_in_nine_of_ten_texts() -> None:
    fitting = 0
    for language, text in TEXTS:
        spoken = hibari.speak(text * 20, 1.0) if language == "en" else espeak.speak(text * 20, language, 1.0)
        request = SpeechRequest(text=text * 20, language=language, speed=1.0)
        # Ten times as long, so that started minutes matter little.
        estimate = SPEECH.price(request.model_copy(update={"text": request.text * 10}), None).credits or 0
        fitting += estimate >= spoken.seconds * 10 / 60 * SPEECH_PRICE.credits
    assert fitting >= 0.9 * len(TEXTS)
