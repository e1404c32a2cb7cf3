"""TOML files that people write are refused with file and place, in one sentence, without a value of theirs."""

import msgspec
import pytest

from adapters.settings import address_problem, load_settings
from schemas.errors import Misconfigured


class Inner(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    count: int = 1
    word: str = ""


class Sample(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: str
    inner: Inner = Inner()
    named: dict[str, Inner] = {}
    rows: tuple[Inner, ...] = ()


@pytest.fixture
def load(tmp_path):
    path = tmp_path / "sample.toml"

    def loaded(text):
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return load_settings(path, Sample)

    loaded.path = path
    return loaded


def sentence_of(load, text):
    with pytest.raises(Misconfigured) as refused:
        load(text)
    sentence = str(refused.value)
    assert sentence.startswith(str(load.path))
    assert "\n" not in sentence
    return sentence.removeprefix(str(load.path))


def test_what_is_right_is_read(load):
    text = 'name = "n"\n[inner]\ncount = 3\n[named.a]\nword = "w"\n[[rows]]\ncount = 4\n'
    assert load(text) == Sample(name="n", inner=Inner(count=3), named={"a": Inner(word="w")}, rows=(Inner(count=4),))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('name = "n"\nnaem = "x"\n', ", line 2: at the top: the key 'naem' is not known there"),
        ('name = "n"\n[inner]\n\ncuont = 3\n', ", line 4: inner: the key 'cuont' is not known there"),
        ('name = "n"\n[inner]\ncount = "3"\n', ", line 3: inner.count: Expected `int`, got `str`"),
        ('name = "n"\n[inner]\ncount = 3.0\n', ", line 3: inner.count: Expected `int`"),
        ('name = "n"\n[inner]\ncount = true\n', ", line 3: inner.count: Expected `int`, got `bool`"),
        ("name = 5\n", ", line 1: name: Expected `str`, got `int`"),
        ('"name" = 5\n', ", line 1: name: Expected `str`, got `int`"),
        ("\n\n", ": at the top: Object missing required field `name`"),
        ('name = "n"\nrows = [{}, {cuont = 1}]\n', ", line 2: rows[1]: the key 'cuont' is not known there"),
        (
            'name = "n"\n[[rows]]\ncount = 1\n[[rows]]\ncuont = 1\n',
            ", line 5: rows[1]: the key 'cuont' is not known there",
        ),
        ('name = "n"\ninner = 5\n', ", line 2: inner: Expected `object`, got `int`"),
        ('name = "n"\n[iner]\ncount = 1\n', ", line 2: at the top: the key 'iner' is not known there"),
    ],
)
def test_what_is_wrong_is_said_with_line_or_table_and_key(load, text, said):
    assert sentence_of(load, text).startswith(said)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('name = "n\n', "line 1"),
        ('name = "n"\n[inner\n', "line 2"),
        ('name = "n"\nname = "m"\n', "line 2"),
        ('name = "n"\n[inner]\n[inner]\n', "line 3"),
        ("name = n\n", "line 1"),
        ("name = 'n'\nrows = [1,,2]\n", "line 2"),
        ('name = "n"\n\x00', "line 2"),
    ],
)
def test_what_is_no_toml_is_said_with_its_line(load, text, line):
    assert line in sentence_of(load, text)


def test_a_file_that_is_not_there_is_said(tmp_path):
    with pytest.raises(Misconfigured, match="is not there"):
        load_settings(tmp_path / "none.toml", Sample)


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(Misconfigured, match="cannot be read"):
        load_settings(tmp_path, Sample)


@pytest.mark.parametrize("content", [b'name = "\xff"', b"\xff\xfen\x00a\x00m\x00e\x00", b"\x00\xff"])
def test_bytes_that_are_no_text_are_said(load, content):
    sentence_of(load, content)


def test_no_value_of_a_person_is_repeated(load):
    for text in ('name = "n"\n[inner]\ncount = "canary"\n', 'name = ["canary"]\n', 'name = {canary = "canary"}\n'):
        assert "canary" not in sentence_of(load, text)


def test_the_line_is_never_that_of_another_key(load):
    text = 'name = "n"\ninner = { count = "3" }\n[named.a]\ncount = 3\n'
    assert "line 4" not in sentence_of(load, text)


@pytest.mark.parametrize(
    "text",
    [
        'name = "n"\n[named.first]\ncount = 1\n[named.second]\ncount = "2"\n',
        'name = "n"\n[named.first]\nwrod = ""\n[named.second]\nwrod = ""\n',
        'name = "n"\n[named]\nfirst = {}\nsecond = 5\n',
    ],
)
def test_a_table_of_tables_is_named_to_the_table(load, text):
    sentence = sentence_of(load, text)
    assert "named.second" in sentence or "named.first" in sentence


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('name = "<NAME>"\n', "name is still <NAME>"),
        ('name = "https://<THE TENANT>/x"\n', "name is still <THE TENANT>"),
        ('name = "n"\n[named.a]\nword = "<A_B-2>"\n', "named.a.word is still <A_B-2>"),
        ('name = "n"\n[[rows]]\n[[rows]]\nword = "<W>"\n', "rows[1].word is still <W>"),
    ],
)
def test_a_blank_that_nobody_filled_in_is_said(load, text, said):
    assert said in sentence_of(load, text)


@pytest.mark.parametrize("text", ["<", "<b>", "a < B > c", "<>"])
def test_what_only_looks_like_a_blank_is_taken(load, text):
    assert load(f'name = "{text}"\n').name == text


def test_all_blanks_are_said_at_once(load):
    assert sentence_of(load, 'name = "<A>"\n[inner]\nword = "<B>"\n').count("is still") == 2


def test_a_table_in_a_table_of_tables_is_named_to_the_key(tmp_path):
    class Outer(msgspec.Struct):
        tables: dict[str, dict[str, Inner]]

    path = tmp_path / "outer.toml"
    path.write_text("[tables.a.b]\ncount = 1\n[tables.a.c]\ncount = 2\n[tables.d.b]\ncount = ''\n")
    with pytest.raises(Misconfigured, match=r", line 6: tables\.d\.b\.count: Expected `int`"):
        load_settings(path, Outer)


@pytest.mark.parametrize("address", ["https://x", "https://x:8443/a/b", "http://localhost:1", "http://[::1]:8090/x"])
def test_a_safe_address_has_no_problem(address):
    assert address_problem(address) == ""


@pytest.mark.parametrize(
    "address",
    [
        "",
        "x",
        "//x",
        "https://",
        "https:///x",
        "http://x",
        "http://localhost.example.com",
        "http://localhost@x",
        "http://localhost\\@x",
        "https://a:b@x",
        "https://x/?a=1",
        "https://x/#a",
        "https://x:99999",
        "ftp://localhost",
        "file:///etc/passwd",
    ],
)
def test_an_address_that_would_tell_secrets_to_others_has_one(address):
    assert address_problem(address) != ""
