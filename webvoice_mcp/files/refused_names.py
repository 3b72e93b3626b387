"""Names that new files and folders do not get, because people or programs would take them for something else."""

import re
import unicodedata

# Characters of these categories cannot be seen, but for a few signs of Arabic, Syriac and Kaithi.
_UNSEEN_CATEGORIES = frozenset({"Cc", "Cf", "Zl", "Zp"})
_SEEN = re.compile("[\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd]")
# Other characters that Unicode lists as "default ignorable". A variation selector chooses the form of the character
# before it, such as an emoji's, but cannot be seen at the start, after another one, or after a Latin letter or mark.
_SELECTOR = "[\ufe00-\ufe0f\U000e0100-\U000e01ef]"
_UNSEEN = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\uffa0\U000e0000-\U000e00ff\U000e01f0-\U000e0fff]"
    f"|(?<![^\x00-\u024f])(?<![0-9#*©®]){_SELECTOR}|(?<={_SELECTOR}){_SELECTOR}"
)

# A folder with such an ending takes the place of a file that a program may look for, or looks like one.
_FILE_EXTENSIONS = (
    # texts and documents
    "txt md markdown rst adoc tex log csv tsv rtf pdf doc docx odt xls xlsx ods ppt pptx odp epub srt vtt ssa lrc "
    # data and settings
    "json json5 jsonc jsonl ndjson yaml yml toml ini cfg conf config properties env xml xsd xsl plist reg lock sum mod "
    "sql db sqlite sqlite3 parquet proto graphql tf tfvars hcl nix service desktop "
    # programs and scripts; of the single letters only two, because names such as "U.S" and "R.E.M" end in others
    "py pyw pyi pyc pyx ipynb js mjs cjs jsx ts mts cts tsx vue svelte coffee html htm xhtml css scss sass less php rb "
    "gemspec pl pm lua tcl jl sh bash zsh fish bat cmd ps1 psm1 vbs ahk c h cc cpp cxx hh hpp hxx mm swift java class "
    "kt kts scala groovy gradle cs csproj fs vb sln go rs zig nim dart ex exs erl hs ml clj el lisp scm asm cmake mk "
    "mak ninja bazel bzl pth wasm jar war exe msi dll so dylib lib sys bin run appimage deb rpm apk "
    # archives, keys, images of disks
    "zip tar gz tgz bz2 xz zst 7z rar whl egg iso img dmg pem crt cer der key p12 pfx asc sig "
    # sounds, pictures, films, fonts
    "mp3 wav wave flac m4a m4b aac ogg oga opus aif aiff caf wma amr mid midi png jpg jpeg webp gif bmp tif tiff heic "
    "heif avif svg ico psd mp4 m4v mov webm mkv avi wmv mpg mpeg flv 3gp ttf otf woff woff2 "
    "bak tmp swp orig rej patch diff"
)
_EXTENSIONS = frozenset(_FILE_EXTENSIONS.split())

# Text files that programs read by their names. A transcript could give them orders.
_READ_BY_PROGRAMS = frozenset({
    "cmakelists.txt", "cmakecache.txt",  # https://cmake.org/cmake/help/latest/manual/cmake.1.html
    "meson_options.txt",  # https://mesonbuild.com/Build-options.html
    "conanfile.txt",  # https://docs.conan.io/2/reference/conanfile_txt.html
    "version.txt",  # https://docs.espressif.com/projects/esp-idf/en/stable/esp32/api-guides/build-system.html
    "platform.txt", "platform.local.txt", "boards.txt", "boards.local.txt",
    "programmers.txt",  # https://arduino.github.io/arduino-cli/latest/platform-specification/
    "entry_points.txt",  # https://packaging.python.org/en/latest/specifications/entry-points/
    "top_level.txt", "requires.txt", "dependency_links.txt", "namespace_packages.txt",
    "installed-files.txt",  # https://setuptools.pypa.io/en/latest/deprecated/python_eggs.html
    "runtime.txt", "nltk.txt",  # https://devcenter.heroku.com/articles/python-support
    "apt.txt",  # https://repo2docker.readthedocs.io/en/latest/configuration/system/
    "packages.txt",  # https://docs.streamlit.io/deploy/streamlit-community-cloud
    "plugins.txt",  # https://github.com/jenkinsci/docker
    "robots.txt",  # RFC 9309
    "security.txt",  # RFC 9116
    "ads.txt", "app-ads.txt",  # https://iabtechlab.com/ads-txt/
    "humans.txt",  # https://humanstxt.org
    "llms.txt", "llms-full.txt",  # https://llmstxt.org
    "agents.md", "agents.override.md",  # https://agents.md
    "claude.md", "claude.local.md",  # https://code.claude.com/docs/en/memory
    "gemini.md",  # https://geminicli.com/docs/cli/gemini-md/
    "copilot-instructions.md",  # https://docs.github.com/en/copilot
    "skill.md",  # https://agentskills.io/specification
    "config.txt", "cmdline.txt", "userconf.txt",
    "ssh.txt",  # https://www.raspberrypi.com/documentation/computers/configuration.html
    "eula.txt",  # https://minecraft.wiki/w/Tutorial:Setting_up_a_Java_Edition_server
    "depends.txt", "modpack.txt",  # https://docs.luanti.org
})  # fmt: skip
# pip's files, of which projects have several: https://pip.pypa.io/en/stable/user_guide/#requirements-files
_PURPOSES = "base|build|ci|dev|docs?|extra|lint|lower|min|optional|pip|prod|production|tests?|upper"
_READ_BY_PIP = re.compile(rf"(({_PURPOSES})[-_.])?(requirements|constraints)([-_.][a-z0-9]+)?\.txt")


def reason_unseen(name: str) -> str:
    """Return the reason why no new file or folder gets this name, "" unless part of the name cannot be seen."""
    for number, character in enumerate(name):
        is_unseen = unicodedata.category(character) in _UNSEEN_CATEGORIES and not _SEEN.match(character)
        if is_unseen or _UNSEEN.match(name, number):
            return f"it contains a character that cannot be seen or turns the text (U+{ord(character):04X})"
    return f"the name {name!r} ends in a space" if name[-1:].isspace() else ""


def reason_no_folder(name: str) -> str:
    """Return the reason why no folder of this name is created, "" if it may be."""
    _, dot, ending = name.rpartition(".")
    if dot and ending.casefold() in _EXTENSIONS:
        return f"a folder {name!r} would be created, and .{ending} is the extension of a file"
    return reason_unseen(name)


def reason_no_file(name: str) -> str:
    """Return the reason why nothing is written to a file of this name, "" if it may be."""
    folded = name.casefold()
    if folded in _READ_BY_PROGRAMS or _READ_BY_PIP.fullmatch(folded):
        return f"programs read {name} by its name"
    return reason_unseen(name)
