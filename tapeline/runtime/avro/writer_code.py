"""The code of a function that writes one kind of record: frequent types in line, all others by calls to `encoding`.

A writer takes the value and the bytes that come before it. While it works, `at` is the field and `x` its value, so that
whatever is refused can be named.
"""

from __future__ import annotations

from math import isfinite
from struct import error as StructError  # noqa: N812 - struct.error says too little alone
from typing import Final, NamedTuple

from tapeline.runtime.avro import encoding
from tapeline.runtime.avro.shape import Array, Choice, Field, Map, Maybe, Money, Primitive, Record, Shape, Symbol
from tapeline.runtime.avro.source import Source, indented
from tapeline.runtime.avro.strict import TYPE_HINT, Wrong

_CALLED: Final[dict[str, encoding.Item]] = {
    "boolean": encoding.boolean,
    "bytes": encoding.raw,
    "double": encoding.double,
    "long": encoding.long,
    "string": encoding.text,
}


class Part(NamedTuple):
    """Code that writes `x`, and the names of the pieces of bytes that it leaves."""

    lines: list[str]
    pieces: list[str]


def source(record: Record) -> tuple[Source, str]:
    """Return the code that writes a record, and the name of its function."""
    text = Source(f"writer of {record.name}")
    text.known(
        COLUMNS=encoding.COLUMNS,
        LONGS=encoding.LONGS,
        LOWER=encoding.lower(),
        StructError=StructError,
        TooLong=encoding.TooLong,
        UPPER=encoding.UPPER,
        Wrong=Wrong,
        array=encoding.array,
        choice=encoding.choice,
        completed=encoding.completed,
        double=encoding.double,
        doubles=encoding.doubles,
        isfinite=isfinite,
        mapping=encoding.mapping,
        pack_double=encoding.PACK_DOUBLE,
    )
    return text, _Writer(text).record(record, whole=True)


class _Writer:
    """Writes the functions of a record and of all that is inside it."""

    def __init__(self, text: Source) -> None:
        self._text = text
        self._in_line = {"double": self._double, "long": self._long, "string": self._string}

    def record(self, record: Record, *, whole: bool = False) -> str:
        """Add the function of a record and return its name; the `whole` one says what is refused with its full path."""
        parts = [self._field(field, record) for field in record.fields]
        lines = [line for part in parts for line in part.lines]
        pieces = ["head", *(piece for part in parts for piece in part.pieces)]
        name = self._text.fresh("write")
        settled = ".inside(at).settled()" if whole else ".inside(at)"
        refused = ["except Wrong as wrong:", f"    raise wrong{settled} from None", *_refused(settled)]
        self._text.add(
            f"def {name}(value, head):",
            *indented(["at = ''", "try:", *indented([*self._known(record), *lines]), *refused, _joined(pieces)]),
        )
        return name

    def _known(self, record: Record) -> list[str]:
        """Return code that refuses what is no such record, and adds the defaults of what plain values leave out."""
        if record.struct is not None:
            struct = self._text.value("struct", record.struct)
            return [f"if type(value) is not {struct}:", f"    raise Wrong({encoding.NOT_RECORD!r}, value)"]
        defaults = {field.name: field.default for field in record.fields}
        keys = self._text.value("keys", defaults.keys() | ({TYPE_HINT} if record.tagged else set()))
        return [
            f"if type(value) is not dict or value.keys() != {keys}:",
            f"    value = completed(value, {self._text.value('defaults', defaults)})",
        ]

    def _field(self, field: Field, record: Record) -> Part:
        part = self._part(field.shape)
        place = f"value[{field.name!r}]" if record.struct is None else f"value.{field.name}"
        return Part([f"at = {field.name!r}", f"x = {place}", *part.lines], part.pieces)

    def _part(self, shape: Shape) -> Part:
        match shape:
            case Primitive(kind) if kind in self._in_line:
                return self._in_line[kind]()
            case Symbol():
                return self._symbol(shape)
            case Array(Primitive("double")):
                return self._doubles(shape)
            case Maybe():
                return self._maybe(shape)
            case Record():
                (piece,) = self._pieces(1)
                return Part([f"{piece} = {self.record(shape)}(x, b'')"], [piece])
        return self._called(shape)

    def _string(self) -> Part:
        size, body = self._pieces(2)
        lines = [
            "if type(x) is not str:",
            f"    raise Wrong({encoding.NOT_TEXT!r}, x)",
            f"{body} = x.encode()",
            f"{size} = LONGS[len({body})]",
        ]
        return Part(lines, [size, body])

    def _long(self) -> Part:
        low, middle, high = self._pieces(3)
        lines = [
            "if type(x) is not int:",
            f"    raise Wrong({encoding.NOT_INTEGER!r}, x)",
            "if (h := x >> 27) > 0:",
            f"    {low} = LOWER[x << 1 & 0x3FFF]",
            f"    {middle} = LOWER[x >> 13 & 0x3FFF]",
            f"    {high} = UPPER[h]",
            "else:",
            f"    {low} = LONGS[x]",
            f"    {middle} = {high} = b''",
        ]
        return Part(lines, [low, middle, high])

    def _double(self) -> Part:
        (piece,) = self._pieces(1)
        return Part([f"{piece} = pack_double(x) if type(x) is float and isfinite(x) else double(x)"], [piece])

    def _symbol(self, shape: Symbol) -> Part:
        (piece,) = self._pieces(1)
        symbols = _bytes_of(shape)
        lines = [
            f"if type(x) is not str or ({piece} := {self._text.value('symbols', symbols)}.get(x)) is None:",
            f"    raise Wrong({encoding.one_of(symbols)!r}, x)",
        ]
        return Part(lines, [piece])

    def _doubles(self, shape: Array) -> Part:
        """Return code for which a finite sum is proof that all are finite numbers; else each is looked at."""
        count, body = self._pieces(2)
        lines = [
            "try:",
            f"    if type(x) is {'tuple' if shape.frozen else 'list'} and isfinite(sum(x)):",
            f"        {count}, pack = COLUMNS[len(x)]",
            f"        {body} = pack(*x)",
            "    else:",
            f"        {count}, {body} = doubles(x)",
            "except (TypeError, OverflowError, StructError):",
            f"    {count}, {body} = doubles(x)",
        ]
        return Part(lines, [count, body])

    def _maybe(self, shape: Maybe) -> Part:
        inner = self._part(shape.inner)
        (branch,) = self._pieces(1)
        lines = [
            "if x is None:",
            f"    {branch} = {_branch(shape.none)!r}",
            f"    {' = '.join(inner.pieces)} = b''",
            "else:",
            f"    {branch} = {_branch(shape.some)!r}",
            *indented(inner.lines),
        ]
        return Part(lines, [branch, *inner.pieces])

    def _called(self, shape: Shape) -> Part:
        """Return the call of a function of `encoding`."""
        (piece,) = self._pieces(1)
        match shape:
            case Array(item):
                return Part([f"{piece} = array(x, {self._item(item)})"], [piece])
            case Map(item):
                return Part([f"{piece} = mapping(x, {self._item(item)})"], [piece])
        return Part([f"{piece} = {self._item(shape)}(x)"], [piece])

    def _item(self, shape: Shape) -> str:
        """Return the name of a function that writes one value by itself."""
        match shape:
            case Primitive(kind):
                return self._text.value(kind, _CALLED[kind])
            case Money(precision, scale):
                return self._text.value("money", encoding.money(precision, scale))
            case Symbol():
                return self._text.value("symbol", encoding.symbol(_bytes_of(shape)))
            case Choice(records):
                return self._choice(records)
        part = self._part(shape)
        name = self._text.fresh("item")
        lines = ["try:", *indented(part.lines), *_refused(), _joined(part.pieces)]
        self._text.add(f"def {name}(x):", *indented(lines))
        return name

    def _choice(self, records: tuple[Record, ...]) -> str:
        """Return the name of a function that writes one of several records behind the number of its branch."""
        known = []
        for number, record in enumerate(records):
            kind = repr(record.name) if record.struct is None else self._text.value("struct", record.struct)
            known.append(f"{kind}: ({self.record(record)}, {_branch(number)!r})")
        name = self._text.fresh("choice")
        self._text.add(f"{name} = choice({{{', '.join(known)}}}, {tuple(record.name for record in records)!r})")
        return name

    def _pieces(self, count: int) -> list[str]:
        return [self._text.fresh("p") for _ in range(count)]


def _refused(inside: str = "") -> list[str]:
    return [
        "except TooLong:",
        f"    raise Wrong({encoding.NOT_INTEGER!r}, x){inside} from None",
        "except UnicodeEncodeError:",
        f"    raise Wrong({encoding.NOT_UNICODE!r}, x){inside} from None",
    ]


def _joined(pieces: list[str]) -> str:
    return f"return b''.join(({', '.join(pieces)},))"


def _bytes_of(shape: Symbol) -> dict[str, bytes]:
    return {symbol: _branch(number) for number, symbol in enumerate(shape.symbols)}


def _branch(number: int) -> bytes:
    return encoding.unsigned(number << 1)
