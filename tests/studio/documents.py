"""Texts in many scripts, for tests."""

# ruff: noqa: RUF001 - texts in many scripts

from hypothesis import strategies as st

SCRIPTS = {
    "arabic": "قال لي كلمة؟ ثم ذهب. نعم، صحيح",
    "armenian": "Բարեւ ձեզ։ Ինչպե՞ս եք։ ",
    "bengali": "আমি বাংলায় গান গাই। ক্ষুদ্র ",
    "burmese": "မင်္ဂလာပါ။ နေကောင်းလား။ ",
    "cherokee": "ᎣᏏᏲ ᏙᎯᏧ. ",
    "chinese": "他说了一句话。真的吗？“是的！”我们走吧，",
    "cyrillic": "Привет, мир! Как дела? Хорошо… ",
    "devanagari": "क्षत्रिय है। नमस्ते दुनिया॥ ",
    "emoji": "👨‍👩‍👧 👍🏽 🇩🇪🇫🇷 ❤️ 1️⃣ 🏴󠁧󠁢󠁥󠁮󠁧󠁿 ",
    "ethiopic": "ሰላም ዓለም። እንዴት ነህ፧ ",
    "georgian": "გამარჯობა მსოფლიო. ",
    "greek": "Γειά σου Κόσμε. Τι κάνεις; ",
    "gujarati": "નમસ્તે દુનિયા. ક્ષમા ",
    "hangul": "안녕하세요. 각각 한글 ",
    "hebrew": "שָׁלוֹם עוֹלָם. מה שלומך? ",
    "japanese": "「こんにちは。」ですか？ガギグﾊﾞﾋﾞ",
    "javanese": "ꦱꦸꦒꦼꦁ꧉ ꦫꦮꦸꦃ꧈ ",
    "kannada": "ನಮಸ್ಕಾರ. ಕ್ಷಮಿಸಿ ",
    "khmer": "សួស្តី។ ពិភពលោក៕ ",
    "lao": "ສະບາຍດີຊາວໂລກ ນໍ້າ ",
    "latin": "He said “Go.” It was 3.14, e.g. Dr. Who! Zoë Ångström (yes?) ",
    "malayalam": "നമസ്കാരം. ക്ഷമിക്കണം ",
    "mongolian": "ᠰᠠᠶᠢᠨ᠃ ᠪᠠᠶᠢᠨ᠎ᠠ᠉ ",
    "odia": "ନମସ୍କାର। କ୍ଷମା ",
    "punjabi": "ਸਤਿ ਸ੍ਰੀ ਅਕਾਲ। ",
    "sinhala": "ආයුබෝවන්. ක්‍රීඩා ",
    "syriac": "ܫܠܡܐ܂ ܥܠܡܐ܀ ",
    "tamil": "வணக்கம் உலகம். க்ஷ ",
    "telugu": "నమస్కారం. క్షమించండి ",
    "thai": "สวัสดีชาวโลก น้ำ กำลัง ",
    "tibetan": "བོད་ཡིག། བཀྲ་ཤིས་བདེ་ལེགས།། ",
    "urdu": "یہ اردو ہے۔ کیا حال ہے؟ ",
}
GAPS = (" ", "  ", "\t", "\n", "\r\n", "\n\n", "\r\n\r\n", "\n \n", "\f", "\u2029", "\u00a0", "\u3000", "\ufeff", "")


@st.composite
def texts(draw: st.DrawFn, *, longest: int = 30) -> str:
    """Generate a text of sentences in one script or a mixture, with gaps of all kinds."""
    pool = draw(st.lists(st.sampled_from(sorted(SCRIPTS)), min_size=1, max_size=3, unique=True))
    piece = st.one_of(
        st.sampled_from([SCRIPTS[name] for name in pool]),
        st.sampled_from(GAPS),
        st.builds(lambda name, start: SCRIPTS[name][start:], st.sampled_from(pool), st.integers(0, 9)),
        st.text(max_size=5),
    )
    return "".join(draw(st.lists(piece, max_size=longest)))
