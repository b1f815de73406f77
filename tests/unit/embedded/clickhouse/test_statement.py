"""What one request asks for is read without being fooled by strings, comments, brackets or names."""

# ruff: noqa: S608 - the statements are what is tested, nothing runs them

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.embedded.clickhouse.refusal import Refused
from infra.embedded.clickhouse.statement import MAX_TEXT, Statement, parse, read


def select(text: str, fmt: str | None = None) -> Statement:
    return Statement("select", text, fmt, answers=True)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SELECT 1", select("SELECT 1")),
        ("  select 1 format JSON ;", select("  select 1 format JSON ;", "JSON")),
        ("SELECT 1 FORMAT CSV SETTINGS max_threads = 1", select("SELECT 1 FORMAT CSV SETTINGS max_threads = 1", "CSV")),
        ("SELECT 1 SETTINGS a = 1 FORMAT CSV", select("SELECT 1 SETTINGS a = 1 FORMAT CSV", "CSV")),
        ("SELECT format FROM t", select("SELECT format FROM t")),
        ("SELECT x AS format FROM t FORMAT TSV", select("SELECT x AS format FROM t FORMAT TSV", "TSV")),
        ("SELECT ' FORMAT JSON'", select("SELECT ' FORMAT JSON'")),
        ("SELECT 1 -- FORMAT JSON", select("SELECT 1 -- FORMAT JSON")),
        ("SELECT 1 // FORMAT JSON", select("SELECT 1 // FORMAT JSON")),
        ("SELECT 1 # FORMAT JSON", select("SELECT 1 # FORMAT JSON")),
        ("SELECT (SELECT 1 FORMAT JSON)", select("SELECT (SELECT 1 FORMAT JSON)")),
        ("SELECT ';' , \";\" , `;` /* ; */", select("SELECT ';' , \";\" , `;` /* ; */")),
        ("SELECT $tag$ ; ' $tag$", select("SELECT $tag$ ; ' $tag$")),
        ("SELECT \u2018;\u2019", select("SELECT \u2018;\u2019")),
        ("SELECT 'it''s; ' || 'back\\'; '", select("SELECT 'it''s; ' || 'back\\'; '")),
        ("/* a /* nested; */ b; */ SELECT 1", select("/* a /* nested; */ b; */ SELECT 1")),
        ("WITH x AS (SELECT 1) SELECT * FROM x", select("WITH x AS (SELECT 1) SELECT * FROM x")),
        ("(SELECT 1) UNION ALL (SELECT 2)", select("(SELECT 1) UNION ALL (SELECT 2)")),
        ("FROM t SELECT a", select("FROM t SELECT a")),
        ("SELECT insert, into FROM t", select("SELECT insert, into FROM t")),
        ("WITH 1 AS x INSERT INTO t SELECT x", Statement("copy", "WITH 1 AS x INSERT INTO t SELECT x")),
        ("SHOW TABLES", Statement("other", "SHOW TABLES", answers=True)),
        ("CREATE TABLE t (a String DEFAULT ';')", Statement("other", "CREATE TABLE t (a String DEFAULT ';')")),
        ("INSERT INTO t SELECT 1; ", Statement("copy", "INSERT INTO t SELECT 1; ")),
        ("INSERT INTO t (a) SELECT 1 FORMAT Null", Statement("copy", "INSERT INTO t (a) SELECT 1 FORMAT Null")),
        ("INSERT INTO t (SELECT 1)", Statement("copy", "INSERT INTO t (SELECT 1)")),
        ("INSERT INTO t WITH 1 AS x SELECT x", Statement("copy", "INSERT INTO t WITH 1 AS x SELECT x")),
    ],
)
def test_a_statement_without_data_is_passed_on_as_it_is(text: str, expected: Statement) -> None:
    assert parse(text.encode()) == expected


@pytest.mark.parametrize(
    ("body", "text", "fmt", "data"),
    [
        (b"INSERT INTO t FORMAT Native\n\x00 \n;'", "INSERT INTO t ", "Native", b"\x00 \n;'"),
        (b"INSERT INTO t FORMAT TSV  \r\n\n1", "INSERT INTO t ", "TSV", b"\n1"),
        (b"INSERT INTO t FORMAT TSV 1\t2", "INSERT INTO t ", "TSV", b"1\t2"),
        (b"insert into t values (1), (2);", "insert into t ", "Values", b" (1), (2);"),
        (b"INSERT INTO t VALUES(';')", "INSERT INTO t ", "Values", b"(';')"),
        (b"INSERT t (a, `FORMAT x`) FORMAT CSV\n", "INSERT t (a, `FORMAT x`) ", "CSV", b""),
        (b"INSERT INTO TABLE format FORMAT CSV\n1", "INSERT INTO TABLE format ", "CSV", b"1"),
        (b"INSERT INTO values VALUES (1)", "INSERT INTO values ", "Values", b" (1)"),
        (b"INSERT INTO db.values VALUES (1)", "INSERT INTO db.values ", "Values", b" (1)"),
        (b"INSERT INTO db . `a.b;` VALUES (1)", "INSERT INTO db . `a.b;` ", "Values", b" (1)"),
        (b"INSERT INTO {t:Identifier} VALUES (1)", "INSERT INTO {t:Identifier} ", "Values", b" (1)"),
        (
            b"INSERT INTO FUNCTION null('a FORMAT b') VALUES (1)",
            "INSERT INTO FUNCTION null('a FORMAT b') ",
            "Values",
            b" (1)",
        ),
        (b"INSERT INTO t (from, to) VALUES (1)", "INSERT INTO t (from, to) ", "Values", b" (1)"),
        (b"INSERT /* ; */ INTO t -- ; \n FORMAT CSV\n1", "INSERT /* ; */ INTO t -- ; \n ", "CSV", b"1"),
        (b"INSERT INTO t;", "INSERT INTO t", None, b""),
    ],
)
def test_an_insert_ends_where_its_data_start(body: bytes, text: str, fmt: str | None, data: bytes) -> None:
    statement, found = read(b"", body)
    assert (statement.kind, statement.text, statement.format, found) == ("insert", text, fmt, data)


@pytest.mark.parametrize(
    ("body", "settings"),
    [
        (b"INSERT INTO t (n) FORMAT CSV\n1,2", ""),
        (b"INSERT INTO t (n) SETTINGS a = 'FORMAT x' FORMAT CSV\n1,2", "SETTINGS a = 'FORMAT x' "),
        (b"INSERT INTO t (n) FORMAT CSV SETTINGS a=1, b = 'x'\n1,2", "SETTINGS a=1, b = 'x'"),
        (b"INSERT INTO t (n) SETTINGS a=1 FORMAT CSV SETTINGS b=2\n1,2", "SETTINGS a=1 SETTINGS b=2"),
    ],
)
def test_settings_of_an_insert_are_taken_apart(body: bytes, settings: str) -> None:
    statement, found = read(b"", body)
    assert (statement.text, statement.settings, statement.format, found) == (
        "INSERT INTO t (n) ",
        settings,
        "CSV",
        b"1,2",
    )


def test_a_table_or_column_may_be_called_settings() -> None:
    statement, _ = read(b"INSERT INTO settings (settings) VALUES", b"(1)")
    assert (statement.text, statement.settings) == ("INSERT INTO settings (settings) ", "")


@pytest.mark.parametrize(
    "query", [b"INSERT INTO t FORMAT Native", b"INSERT INTO t FORMAT Native ; ", b"INSERT INTO t VALUES"]
)
def test_a_body_beside_the_statement_is_data_from_its_first_byte(query: bytes) -> None:
    assert read(query, b"\n \t\x00")[1] == b"\n \t\x00"


def test_a_statement_may_be_split_between_parameter_and_body() -> None:
    assert read(b"SELECT 1 FROM", b"t FORMAT CSV") == (select("SELECT 1 FROM\nt FORMAT CSV", "CSV"), b"")
    assert read(b"INSERT INTO t VALUES (1),", b"(2)")[1] == b" (1),(2)"
    assert read(b"INSERT INTO t FORMAT TSV\n\t1\n", b"\t2\n")[1] == b"\t1\n\t2\n"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", 62),
        ("-- only a comment", 62),
        ("SELECT 1; SELECT 2", 62),
        ("SELECT 1;; DROP TABLE t", 62),
        ("INSERT INTO t SELECT 1; DROP TABLE t", 62),
        ("INSERT INTO t FORMAT CSV;\n1", 62),
        ("INSERT INTO t FORMAT CSV SETTINGS a\n1", 62),
        ("SET a = 1", 48),
        ("/* */ use system", 48),
        ("CREATE TEMPORARY TABLE t (a Int8)", 48),
        ("CREATE OR REPLACE TEMPORARY TABLE t (a Int8)", 48),
        ("SELECT 1 INTO OUTFILE 'x'", 48),
        ("INSERT INTO t FROM INFILE 'x' FORMAT CSV", 48),
        ("SELECT '" + "x" * MAX_TEXT + "'", 62),
        ("INSERT INTO t (" + "x, " * MAX_TEXT + ") VALUES (1)", 62),
    ],
)
def test_what_cannot_be_answered_is_refused_by_its_code(text: str, code: int) -> None:
    with pytest.raises(Refused) as caught:
        read(b"", text.encode())
    assert caught.value.code == code


def test_a_statement_that_is_no_text_is_refused() -> None:
    with pytest.raises(Refused) as caught:
        parse(b"SELECT '\xff'")
    assert caught.value.code == 36


# Pieces that hold what could be taken for the end of a statement, for a clause or for data.
TRAPS = st.sampled_from(
    [
        "; DROP TABLE t",
        " FORMAT Native\n",
        " VALUES (",
        "SETTINGS a = 1",
        "INSERT INTO",
        "/*",
        "*/",
        "--",
        "\\",
        "'",
        '"',
        "`",
        "\n",
    ]
)


def quoted(mark: str) -> st.SearchStrategy[str]:
    """Return literals that ClickHouse reads as one, whatever stands in them."""
    return st.lists(TRAPS | st.text(max_size=5), max_size=4).map(
        lambda parts: mark + "".join(parts).replace("\\", "\\\\").replace(mark, mark * 2) + mark
    )


COMMENTS = st.sampled_from(
    [" ", "\n", " /* ; ' FORMAT x */ ", " /* a /* ; */ ' */ ", " -- ; ' FORMAT x\n", ' # " \n', "\t"]
)


@given(literals=st.lists(quoted("'"), min_size=1, max_size=4), gaps=st.lists(COMMENTS, min_size=6, max_size=6))
def test_no_literal_or_comment_changes_what_a_select_is(literals: list[str], gaps: list[str]) -> None:
    text = f"{gaps[0]}SELECT{gaps[1]}{(gaps[2] + ',' + gaps[3]).join(literals)}{gaps[4]}FORMAT CSV{gaps[5]};"
    assert parse(text.encode()) == select(text, "CSV")


@given(
    name=quoted("`") | quoted('"'),
    columns=st.lists(quoted("`"), min_size=1, max_size=3),
    gaps=st.lists(COMMENTS, min_size=4, max_size=4),
    data=st.binary(max_size=60),
)
def test_the_data_of_an_insert_are_given_back_byte_by_byte(
    name: str, columns: list[str], gaps: list[str], data: bytes
) -> None:
    head = f"{gaps[0]}INSERT{gaps[1]}INTO {name}{gaps[2]}({','.join(columns)}){gaps[3]}"
    beside = read(f"{head}FORMAT RowBinary".encode(), data)
    before = read(b"", f"{head}FORMAT RowBinary\n".encode() + data)
    wanted = ("insert", head, "RowBinary")
    assert [(found.kind, found.text, found.format) for found, _ in (beside, before)] == [wanted, wanted]
    assert (beside[1], before[1]) == (data, data)


@given(st.binary(max_size=200))
def test_no_bytes_make_the_reader_fail_in_another_way(data: bytes) -> None:
    try:
        read(b"", data)
        read(data, data)
    except Refused as refused:
        assert refused.code in {36, 48, 62}  # noqa: PT017 - both outcomes are right, only a third one is not
