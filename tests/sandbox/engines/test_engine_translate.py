import re
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webvoice_mcp.contract.translation import Language
from webvoice_mcp.sandbox.engines import InvalidInput
from webvoice_mcp.sandbox.engines.translate import normalize, phrases, translate

LANGUAGES = get_args(Language)

COMMA, BANG = "\uff0c", "\uff01"  # the wide marks of Chinese and Japanese


@pytest.mark.parametrize(
    ("text", "source", "target", "translation"),
    [
        ("hello world", "auto", "zh", f"你好{COMMA}世界{BANG}"),
        ("Good morning. How are you?", "", "de", "Guten Morgen. Wie geht es dir?"),
        ("Bonjour, le monde !", "fr", "en", "Hello, world!"),
        ("شكرًا", "ar", "en", "Thank you"),
        ("İYİ GECELER", "tr", "en", "Good night"),
    ],
)
def test_a_known_phrase_is_translated(text: str, source: str, target: str, translation: str) -> None:
    assert translate(text, source, target) == (translation, "sandbox:phrasebook")


@pytest.mark.parametrize(
    ("text", "target", "translation"),
    [
        ("Hello!", "es", "¡Hola!"),
        ("Hello!", "fr", "Bonjour !"),
        ("Hello?", "ar", "مرحبا؟"),
        ("Hello.", "ja", "こんにちは。"),
        ("Hello!!!", "it", "Ciao!!!"),
        ("How are you", "it", "Come stai?"),
        ("“Hello.” ", "it", "Ciao"),
    ],
)
def test_final_marks_are_kept_in_the_language_s_style(text: str, target: str, translation: str) -> None:
    assert translate(text, "en", target)[0] == translation


@pytest.mark.parametrize(
    ("text", "source", "target", "translation"),
    [
        (f"你好{BANG}谢谢。再见", "zh", "en", "Hello! Thank you. Goodbye"),
        (
            "Good morning. Thank you.\n\nBye!",
            "en",
            "ja",
            f"おはようございます。ありがとうございます。\n\nさようなら{BANG}",
        ),
        ("Yes.  No.", "en", "it", "Sì.  No."),
    ],
)
def test_white_space_between_sentences_fits_the_language(text: str, source: str, target: str, translation: str) -> None:
    assert translate(text, source, target) == (translation, "sandbox:phrasebook")


def test_an_unknown_sentence_gets_a_marked_stand_in() -> None:
    assert translate("The fox jumps.", "en", "it") == ("[it: Ţĥé ƒöẋ ĵûṁþš.]", "sandbox:pseudo")


def test_the_provider_names_the_methods_of_a_mixed_text() -> None:
    text = "Thank you! The invoice {number} is at https://x.example/a?b=1 <b>now</b>. 42."
    assert translate(text, "en", "fr") == (
        "Merci ! [fr: Ţĥé îñṽöîçé {number} îš åţ https://x.example/a?b=1 <b>ñöŵ</b>.] 42.",
        "sandbox:phrasebook+pseudo",
    )


KEPT = (
    *("https://example.com/a?b=c", "ann.lee@mail.example.org", '<a href="x. y">', "</b>", "&nbsp;", "&#x27;"),
    *("{{ user. name }}", "{count}", "${HOME}", "%(name)s", "%s", "`run. it`", ":smile:"),
)


def test_addresses_tags_and_placeholders_stay_as_they_are() -> None:
    for kept in KEPT:
        assert translate(f"abc {kept} abc", "en", "cs") == (f"[cs: åƀç {kept} åƀç]", "sandbox:pseudo")


@pytest.mark.parametrize("text", ["12:30.", "https://example.com/ {name}"])
def test_text_without_words_needs_no_translation(text: str) -> None:
    assert translate(text, "en", "it") == (text, "sandbox:unchanged")


def test_the_same_language_changes_nothing() -> None:
    assert translate(" Wörter. ", "de", "de") == (" Wörter. ", "sandbox:unchanged")
    assert translate("Hello", "auto", "en") == ("Hello", "sandbox:unchanged")


@pytest.mark.parametrize(("source", "target"), [("xx", "en"), ("en", "auto")])
def test_for_an_unknown_language_the_known_ones_are_listed(source: str, target: str) -> None:
    with pytest.raises(InvalidInput, match="Use one of en, it, es, fr, de, pt, ru, zh, ja, ko, ar, nl, pl, tr, cs"):
        translate("Hello", source, target)


def test_blank_text_is_refused() -> None:
    with pytest.raises(InvalidInput, match="no text"):
        translate(" \n\t", "en", "it")


def test_the_phrasebook_has_every_phrase_in_every_language() -> None:
    assert len(phrases()) >= 60
    for row in phrases():
        assert list(row) == list(LANGUAGES)
        assert all(way and way == way.strip() for ways in row.values() for way in ways), row


def test_every_phrase_is_translated_to_every_language() -> None:
    for row in phrases():
        for target in LANGUAGES[1:]:
            for way in row["en"]:
                assert translate(way, "en", target) == (row[target][0], "sandbox:phrasebook")


def test_translating_a_phrase_to_english_and_back_gives_it_again() -> None:
    for row in phrases():
        for language in LANGUAGES[1:]:
            english, provider = translate(row[language][0], language, "en")
            again, _ = translate(english, "en", language)
            assert (normalize(again), provider) == (normalize(row[language][0]), "sandbox:phrasebook")


@given(st.text(), st.sampled_from(LANGUAGES), st.sampled_from(LANGUAGES))
def test_any_text_is_translated_or_refused_as_blank(text: str, source: str, target: str) -> None:
    if not text.strip():
        return
    translated, provider = translate(text, source, target)
    assert provider.startswith("sandbox:")
    assert ("pseudo" in provider) == (f"[{target}: " in translated and translated != text)


@given(st.lists(st.from_regex(r"[a-z]{20}", fullmatch=True), min_size=1), st.sampled_from(["\n", "\n\n", " \n"]))
def test_line_breaks_are_kept(words: list[str], gap: str) -> None:
    translated, _ = translate(gap.join(words), "en", "it")
    assert [re.sub(r"\s", "", line)[:4] for line in translated.splitlines() if line] == ["[it:"] * len(words)


@pytest.mark.parametrize("text", ["{{" * 50_000, "<a" * 50_000, "a" + " " * 100_000 + "b"])
def test_long_unusual_text_is_translated_quickly(text: str) -> None:
    translate(text, "en", "it")
