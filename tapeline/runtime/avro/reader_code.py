"""The code of a function that reads one kind of record: frequent types in line, all others by calls to `decoding`.

A reader takes the bytes and the place where the record begins; the one of the whole record pads them and returns the
value, those inside it return the value and the place behind it. While they work, `at` is the field, so that whatever is
refused can be named, and `i` the place.
"""

from __future__ import annotations

from math import isfinite
from typing import Final

from tapeline.runtime.avro import decoding
from tapeline.runtime.avro.shape import Array, Choice, Map, Maybe, Money, Primitive, Record, Shape, Symbol
from tapeline.runtime.avro.source import Source, indented
from tapeline.runtime.avro.strict import TYPE_HINT, Wrong

_CALLED: Final[dict[str, decoding.Item]] = {
    "boolean": decoding.boolean,
    "bytes": decoding.raw,
    "double": decoding.double,
    "long": decoding.long,
    "string": decoding.text,
}


def source(record: Record) -> tuple[Source, str]:
    """Return the code that reads a record, and the name of its function."""
    text = Source(f"reader of {record.name}")
    lowest, lower = decoding.lower()
    text.known(
        BROKEN=decoding.BROKEN,
        Broken=decoding.Broken,
        LOWER=lower.get,
        LOWEST=lowest.get,
        SMALL=tuple((byte >> 1) ^ -(byte & 1) for byte in range(128)),
        UNPACK_DOUBLES=decoding.UNPACK_DOUBLES,
        PADDING=decoding.PADDING,
        UPPER=decoding.UPPER.get,
        Wrong=Wrong,
        array=decoding.array,
        broken=decoding.broken,
        choice=decoding.choice,
        doubles=decoding.doubles,
        finite=decoding.finite,
        isfinite=isfinite,
        length=decoding.length,
        long=decoding.long,
        longer=decoding.longer,
        mapping=decoding.mapping,
        unended=decoding.unended,
        unpack_double=decoding.UNPACK_DOUBLE,
        wide=decoding.UNPACK_WIDE,
    )
    return text, _Reader(text, record.name).whole(record)


class _Reader:
    """Writes the functions of a record and of all that is inside it."""

    def __init__(self, text: Source, name: str) -> None:
        self._text = text
        self._name = name

    def whole(self, record: Record) -> str:
        """Add the function of the record that fills the bytes, and return its name."""
        lines, made = self._body(record, ".inside(at).settled()")
        function = self._text.fresh("read")
        ended = ["if i != end:", f"    raise unended(end - i, {self._name!r})", f"return {made}"]
        self._text.add(f"def {function}(data, i):", *indented(["end = len(data)", "data += PADDING", *lines, *ended]))
        return function

    def record(self, record: Record) -> str:
        """Add the function of a record inside another value, and return its name."""
        lines, made = self._body(record, ".inside(at)")
        function = self._text.fresh("read")
        self._text.add(f"def {function}(data, i):", *indented([*lines, f"return {made}, i"]))
        return function

    def _body(self, record: Record, settled: str) -> tuple[list[str], str]:
        """Return the code that reads all fields, and the expression of the record that they make."""
        names = [self._text.fresh("v") for _ in record.fields]
        lines = []
        for name, field in zip(names, record.fields, strict=True):
            lines += [f"at = {field.name!r}", *self._part(field.shape, name)]
        refused = [
            "except Wrong as wrong:",
            f"    raise wrong{settled} from None",
            "except BROKEN as error:",
            f"    raise broken(error, {self._name!r}){settled} from None",
        ]
        return ["at = ''", "try:", *indented(lines), *refused], self._made(record, names)

    def _made(self, record: Record, names: list[str]) -> str:
        fields = zip(record.fields, names, strict=True)
        if record.struct is not None:
            values = ", ".join(f"{field.name}={name}" for field, name in fields)
            return f"{self._text.value('struct', record.struct)}({values})"
        tag = f"{TYPE_HINT!r}: {record.name!r}, " if record.tagged else ""
        return f"{{{tag}{', '.join(f'{field.name!r}: {name}' for field, name in fields)}}}"

    def _part(self, shape: Shape, name: str) -> list[str]:
        """Return code that reads a value into this name."""
        match shape:
            case Primitive(kind) if kind in _IN_LINE:
                return _IN_LINE[kind](name)
            case Symbol():
                return self._symbol(shape, name)
            case Array(Primitive("double"), frozen):
                return _doubles(name, frozen=frozen)
            case Maybe():
                return self._maybe(shape, name)
        return self._called(shape, name)

    def _called(self, shape: Shape, name: str) -> list[str]:
        """Return the call of a function of `decoding`."""
        match shape:
            case Array(item, frozen):
                lines = [f"{name}, i = array(data, i, {self._item(item)})"]
                return [*lines, f"{name} = tuple({name})"] if frozen else lines
            case Map(item):
                return [f"{name}, i = mapping(data, i, {self._item(item)})"]
        return [f"{name}, i = {self._item(shape)}(data, i)"]

    def _symbol(self, shape: Symbol, name: str) -> list[str]:
        known = self._text.value("symbols", _by_byte(shape))
        return [
            f"{name} = {known}.get(data[i])",
            f"if {name} is None:",
            "    raise Broken(f'the byte {data[i]} is no symbol')",
            "i += 1",
        ]

    def _maybe(self, shape: Maybe, name: str) -> list[str]:
        return [
            "n = data[i]",
            "i += 1",
            f"if n == {shape.some << 1}:",
            *indented(self._part(shape.inner, name)),
            f"elif n == {shape.none << 1}:",
            f"    {name} = None",
            "else:",
            "    raise Broken(f'the byte {n} is no branch of the union')",
        ]

    def _item(self, shape: Shape) -> str:
        """Return the name of a function that reads one value by itself."""
        match shape:
            case Primitive(kind):
                return self._text.value(kind, _CALLED[kind])
            case Money(precision, scale):
                return self._text.value("money", decoding.money(precision, scale))
            case Symbol():
                return self._text.value("symbol", decoding.symbol(_by_byte(shape)))
            case Record():
                return self.record(shape)
            case Choice(records):
                readers = ", ".join(f"{number << 1}: {self.record(one)}" for number, one in enumerate(records))
                name = self._text.fresh("choice")
                self._text.add(f"{name} = choice({{{readers}}})")
                return name
        lines = self._part(shape, "v")
        name = self._text.fresh("item")
        self._text.add(f"def {name}(data, i):", *indented([*lines, "return v, i"]))
        return name


def _string(name: str) -> list[str]:
    return [
        "n = data[i]",
        # Longer than 63 bytes, or a negative length.
        "if n & 0x81:",
        "    n, i = length(data, i)",
        "else:",
        "    n >>= 1",
        "    i += 1",
        "j = i + n",
        f"{name} = data[i:j].decode()",
        "i = j",
    ]


def _long(name: str) -> list[str]:
    """Return code for integers of one byte and of eight, as times and counters are; others by a call."""
    return [
        "n = data[i]",
        "if n < 128:",
        f"    {name} = SMALL[n]",
        "    i += 1",
        "else:",
        "    a, b, c = wide(data, i)",
        "    if (a := LOWEST(a)) is None or (b := LOWER(b)) is None:",
        f"        {name}, i = long(data, i)",
        "    elif (d := UPPER(c)) is None:",
        f"        {name}, i = longer(data, i, a + b, c)",
        "    else:",
        f"        {name} = a + b + d",
        "        i += 8",
    ]


def _double(name: str) -> list[str]:
    return [
        f"({name},) = unpack_double(data, i)",
        f"if not isfinite({name}):",
        f"    raise Wrong({decoding.NOT_FINITE!r}, {name})",
        "i += 8",
    ]


def _doubles(name: str, *, frozen: bool) -> list[str]:
    """Return code for a column in one block of at most 63; others by a call."""
    return [
        "j = i",
        "n = data[i]",
        "if n & 0x81:",
        f"    {name}, i = doubles(data, j)",
        "elif n:",
        "    n >>= 1",
        f"    {name} = UNPACK_DOUBLES[n](data, i + 1)",
        "    i += (n << 3) + 1",
        "    if data[i]:",
        f"        {name}, i = doubles(data, j)",
        "    else:",
        "        i += 1",
        "else:",
        f"    {name} = ()",
        "    i += 1",
        f"if not isfinite(sum({name})):",
        f"    finite({name})",
        *([] if frozen else [f"{name} = list({name})"]),
    ]


def _by_byte(shape: Symbol) -> dict[int, str]:
    return {number << 1: symbol for number, symbol in enumerate(shape.symbols)}


_IN_LINE: Final = {"double": _double, "long": _long, "string": _string}
