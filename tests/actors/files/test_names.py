"""What a stranger's file name becomes on this disk."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.files.names import PARTIAL_SUFFIX, BadPathError, clean_name, clean_path, fold, numbered, partial_name
from relay import limits

ANY_TEXT = st.text(st.characters(), max_size=400)  # surrogates too
# What the rules look for, so that they meet each other often.
SPITEFUL = st.lists(
    st.sampled_from([*"./\\:~-_ aC\0\x1b\u202e\u200d\u0301가\ud800é", "con", ".tar", ".gz", "x" * 240, PARTIAL_SUFFIX]),
    max_size=12,
).map("".join)
RAW = ANY_TEXT | SPITEFUL


def size(name: str) -> int:
    return len(name.encode())


# --- one name -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "report.pdf",
        "강의 영상.mp4",
        "가" * 85,  # 255 bytes
        "\u00e9",
        "👩\u200d👩\u200d👧.png",
        "نرم\u200cافزار.txt",
        'what? <this> | "that" *.txt',
        "Screenshot at 3.00.00\u202fPM.png",
        ".bashrc",
        "..hidden",
        "-rf",
        "~",
        "…",
        "CONSOLE",
        "com10.txt",
        "a b.c d",
        "❤\ufe0f",
    ],
)
def test_what_is_safe_stays(name: str) -> None:
    assert clean_name(name) == name


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        ("", "_"),
        (".", "_"),
        ("..", "_"),
        ("...", "_"),
        (". .", "_"),
        (".\u200d.", "_"),
        ("\u200d", "_"),
        ("/etc/passwd", "_etc_passwd"),
        (r"..\..\f", ".._.._f"),
        ("a\x00.txt", "a_.txt"),
        ("\x1b[2J\x1b]0;title\x07", "_[2J_]0;title_"),
        ("line\nbreak\r\t", "line_break__"),
        ("\x7f\x9b", "__"),
        ("\u202egnp.exe", "_gnp.exe"),
        ("a\u2066b\u2069\u2028\u2029", "a_b___"),
        ("in\u200bvis\ufeffible\u00ad", "in_vis_ible_"),
        ("\u3164", "_"),
        ("\ud83d alone", "_ alone"),
        ("e\u0301.txt", "é.txt"),
        (unicodedata.normalize("NFD", "가" * 85), "가" * 85),
        ("\u0301x", "_\u0301x"),
        ("file.txt:stream", "file.txt_stream"),
        ("C:", "C_"),
        ("a.", "a"),
        ("a. . ", "a"),
        ("a\u00a0", "a"),
        ("  a", "a"),
        ("CON", "_CON"),
        ("con.txt", "_con.txt"),
        ("Nul .tar.gz", "_Nul .tar.gz"),
        ("COM1", "_COM1"),
        ("lpt².x", "_lpt².x"),
        ("aux.", "_aux"),
        ("x.visavis-part", "x.visavis-par_"),
        (".x.VISAVIS-Part", ".x.VISAVIS-Par_"),
        ("x.visavis\u200d-part", "x.visavis\u200d-par_"),
        ("x.visavis-part.", "x.visavis-par_"),
    ],
)
def test_what_is_not_safe_is_replaced(raw: str, name: str) -> None:
    assert clean_name(raw) == name


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        (".bashrc", "_bashrc"),
        (" .ssh", "_ssh"),
        ("\u200d.profile", "_profile"),
        ("..x", "_.x"),
        ("-rf", "_rf"),
        ("~", "_"),
        ("~$letter.docx", "_$letter.docx"),
        ("a.b-c~", "a.b-c~"),
    ],
)
def test_nothing_at_the_top_is_hidden_or_read_as_an_option(raw: str, name: str) -> None:
    assert clean_name(raw, top=True) == name


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        ("가" * 86, "가" * 85),
        ("x" * 300 + ".tar.gz", "x" * 248 + ".tar.gz"),
        ("가" * 300 + ".mp4", "가" * 83 + ".mp4"),
        ("x" * 300 + "." + "e" * 31, "x" * 223 + "." + "e" * 31),
        ("x" * 300 + "." + "e" * 32, "x" * 255),
        ("." + "x" * 300, "." + "x" * 254),
        ("x" * 254 + "é", "x" * 254),
        ("x" * 253 + "q\u0303\u0303", "x" * 253),  # neither the q without its tildes nor with one
        ("x" * 250 + "👩\u200d👧", "x" * 250),
        ("x" * 254 + " y", "x" * 254),
        ("x" + "\u0303" * 300, "x" + "\u0303" * 127),
        ("con." + "x" * 300, "_con." + "x" * 250),
        ("x" * 242 + PARTIAL_SUFFIX + "y" * 40, "x" * 242 + ".visavis-par_"),
        ("x" * 10_000, "x" * 255),
    ],
)
def test_what_is_too_long_is_cut_where_nobody_is_misled(raw: str, name: str) -> None:
    assert clean_name(raw) == name


@given(RAW, st.booleans())
def test_every_name_is_safe(raw: str, top: bool) -> None:
    name = clean_name(raw, top=top)
    assert 1 <= size(name) <= limits.FILE_NAME_BYTES
    assert unicodedata.is_normalized("NFC", name)
    assert name not in (".", "..")
    assert not set(name) & set("/\\:\0")
    assert all(unicodedata.category(char) not in ("Cc", "Cs", "Zl", "Zp") for char in name)
    assert name[-1] not in ". "
    assert not (top and name[0] in ".-~")
    assert not name.lower().endswith(PARTIAL_SUFFIX)
    assert clean_name(name, top=top) == name


# --- a path ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "parts"),
    [
        ("a/b.txt", ("a", "b.txt")),
        ("../../.ssh/authorized_keys", ("_", "_", ".ssh", "authorized_keys")),
        (".ssh/authorized_keys", ("_ssh", "authorized_keys")),
        ("/etc/passwd", ("etc", "passwd")),
        ("//etc//passwd", ("etc", "passwd")),
        (r"C:\x", ("C__x",)),
        ("C:/x", ("C_", "x")),
        (r"x\..\..\f", ("x_.._.._f",)),
        (r"..\..\f", ("_._.._f",)),
        (r"\\server\share", ("__server_share",)),
        ("a/../b", ("a", "_", "b")),
        ("a/..", ("a", "_")),
        ("a/.. /b", ("a", "_", "b")),
        ("a/.\u200d./b", ("a", "_", "b")),
        ("../" * 20 + "tmp/f", ("_",) * 20 + ("tmp", "f")),
        ("~/.profile", ("_", ".profile")),
        ("./.bashrc", ("_bashrc",)),
        ("repo/.git/hooks/post-checkout", ("repo", ".git", "hooks", "post-checkout")),
        ("a/./b", ("a", "b")),
        ("a//b", ("a", "b")),
        ("a/b/", ("a", "b")),
        ("…/", ("…",)),
        (" / ", ("_", "_")),
        ("a\0/../b", ("a_", "_", "b")),
        ("dir/\u202efdp.sh", ("dir", "_fdp.sh")),
        ("\ud800/x", ("_", "x")),
        ("con/nul.txt", ("_con", "_nul.txt")),
        (unicodedata.normalize("NFD", "강의/영상"), ("강의", "영상")),
        ("%2e%2e/x", ("%2e%2e", "x")),
        ("\uff0e\uff0e/\uff0fx", ("\uff0e\uff0e", "\uff0fx")),  # full width: a dot and a slash to NFKC alone
    ],
)
def test_no_path_leads_out(raw: str, parts: tuple[str, ...]) -> None:
    assert clean_path(raw) == parts


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        ("", "path-empty"),
        ("/", "path-empty"),
        ("./.", "path-empty"),
        ("x" * (limits.PATH_BYTES + 1), "path-long"),
        ("x/" * 5_000, "path-long"),
        ("가" * (limits.PATH_BYTES // 3 + 1), "path-long"),
        ("\ud800" * limits.PATH_BYTES, "path-long"),
        ("/".join(["\u0958" * 42] * 30), "path-long"),  # twice as long in NFC
        ("/".join("x" * (limits.PATH_DEPTH + 1)), "path-deep"),
    ],
)
def test_what_no_path_can_be_made_of_is_said(raw: str, code: str) -> None:
    with pytest.raises(BadPathError) as caught:
        clean_path(raw)
    assert caught.value.code == code


def test_the_longest_and_the_deepest_path_are_taken() -> None:
    assert len(clean_path("/".join("x" * limits.PATH_DEPTH))) == limits.PATH_DEPTH
    longest = "/".join(["x" * 255] * (limits.PATH_BYTES // 256)) + "/"
    assert size(longest) == limits.PATH_BYTES
    assert len(clean_path(longest)) == limits.PATH_BYTES // 256


@given(st.lists(RAW, max_size=6).map("/".join))
def test_every_path_stays_below_the_destination(raw: str) -> None:
    try:
        parts = clean_path(raw)
    except BadPathError:
        return
    assert parts == tuple(clean_name(part, top=index == 0) for index, part in enumerate(parts))
    assert clean_path("/".join(parts)) == parts


# --- names beside others --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("name.ext", "name (1).ext"),
        ("name", "name (1)"),
        ("archive.tar.gz", "archive (1).tar.gz"),
        ("Archive.TAR.zst", "Archive (1).TAR.zst"),
        ("a.b.c", "a.b (1).c"),
        ("a..gz", "a. (1).gz"),
        (".bashrc", ".bashrc (1)"),
        (".config.json", ".config (1).json"),
        (".tar.gz", ".tar.gz (1)"),
        ("Mr. Smith", "Mr. Smith (1)"),
        ("name (1).ext", "name (1) (1).ext"),
        ("가" * 85, "가" * 83 + " (1)"),
        ("x" * 251 + " (1)", "x" * 250 + " (1)"),
    ],
)
def test_a_number_goes_before_the_extension(name: str, other: str) -> None:
    assert numbered(name, 1) == other


@given(RAW, st.integers(1, limits.NAME_TRIES), st.integers(1, limits.NAME_TRIES))
def test_every_number_makes_another_safe_name(raw: str, first: int, second: int) -> None:
    name = clean_name(raw)
    other = numbered(name, first)
    assert other != name
    assert clean_name(other) == other
    assert (other == numbered(name, second)) == (first == second)


@given(RAW)
def test_a_partial_file_is_hidden_and_never_a_received_name(raw: str) -> None:
    name = partial_name(clean_name(raw), "c0ffee42")
    assert name.startswith(".")
    assert name.endswith(".c0ffee42.visavis-part")
    assert size(name) <= limits.FILE_NAME_BYTES
    assert clean_name(name) != name


def test_a_partial_file_shows_whose_it_is() -> None:
    assert partial_name("film.mp4", "1a") == ".film.mp4.1a.visavis-part"
    assert partial_name("가" * 85, "1a") == "." + "가" * 79 + ".1a.visavis-part"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Makefile", "makefile"),
        ("é", "e\u0301"),
        ("É", "e\u0301"),
        ("STRASSE", "straße"),
        ("가", unicodedata.normalize("NFD", "가")),
        (".git", ".g\u200cit"),
        ("❤", "❤\ufe0f"),
        ("Σ", "ς"),
    ],
)
def test_names_that_some_disk_holds_for_one(one: str, other: str) -> None:
    assert fold(one) == fold(other)


@pytest.mark.parametrize(("one", "other"), [("x²", "x2"), ("ｘ", "x"), ("a", "b"), ("a ", "a")])
def test_names_that_are_two_everywhere(one: str, other: str) -> None:
    assert fold(one) != fold(other)


@given(RAW)
def test_the_key_of_a_key_is_itself(raw: str) -> None:
    key = fold(clean_name(raw))
    assert fold(key) == key
