"""The binary frames of MEXC's spot socket as messages; bytes that are none of its own are an InvalidMessage.

The numbers are those of the venue's own .proto files, https://github.com/mexcdevelop/websocket-proto: names and types
of what we read or know, in a table here, so that nothing is generated. Fields that are not named are skipped, as the
venue appends some, and told to who watches.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError
from google.protobuf.unknown_fields import UnknownFieldSet

from tapeline.errors import InvalidMessage
from tapeline.venues.watching import WALKED, WATCHING

MOST_BYTES: Final = 1 << 20
"""A frame of the whole book's changes has some ten thousand bytes; nothing that is longer is read."""
PACKAGE: Final = "tapeline.mexc"
WRAPPER: Final = "PushDataV3ApiWrapper"
BODY: Final = "body"
OTHER: Final = "Other"
"""A body that we do not read: only that it was there."""

FIELDS: Final[dict[str, dict[str, tuple[int, str]]]] = {
    WRAPPER: {
        "channel": (1, "string"),
        "symbol": (3, "string"),
        "symbolId": (4, "string"),
        "createTime": (5, "int64"),
        "sendTime": (6, "int64"),
    },
    "Depths": {
        "asks": (1, "Level[]"),
        "bids": (2, "Level[]"),
        "eventType": (3, "string"),
        "fromVersion": (4, "string"),
        "toVersion": (5, "string"),
    },
    "LimitDepths": {
        "asks": (1, "Level[]"),
        "bids": (2, "Level[]"),
        "eventType": (3, "string"),
        "version": (4, "string"),
    },
    "Level": {"price": (1, "string"), "quantity": (2, "string")},
    "Deals": {"deals": (1, "Deal[]"), "eventType": (2, "string")},
    "Deal": {
        "price": (1, "string"),
        "quantity": (2, "string"),
        "tradeType": (3, "int32"),
        "time": (4, "int64"),
        "tradeId": (5, "string"),
    },
    OTHER: {},
}
"""Number and type of each field of each message; `[]` is one that repeats."""
BODIES: Final[dict[str, tuple[int, str]]] = {
    "publicDeals": (301, OTHER),
    "publicIncreaseDepths": (302, OTHER),
    "publicLimitDepths": (303, "LimitDepths"),
    "privateOrders": (304, OTHER),
    "publicBookTicker": (305, OTHER),
    "privateDeals": (306, OTHER),
    "privateAccount": (307, OTHER),
    "publicSpotKline": (308, OTHER),
    "publicMiniTicker": (309, OTHER),
    "publicMiniTickers": (310, OTHER),
    "publicBookTickerBatch": (311, OTHER),
    "publicIncreaseDepthsBatch": (312, OTHER),
    "publicAggreDepths": (313, "Depths"),
    "publicAggreDeals": (314, "Deals"),
    "publicAggreBookTicker": (315, OTHER),
}
"""What a frame is about: one of these."""
_SCALARS: Final = {"string": "TYPE_STRING", "int32": "TYPE_INT32", "int64": "TYPE_INT64"}


def message(frame: bytes) -> Any:  # noqa: ANN401 - a class made from a table has no type
    """Return the frame's message."""
    if len(frame) > MOST_BYTES:
        raise InvalidMessage(f"a frame of {len(frame)} bytes, at most {MOST_BYTES} are read")
    try:
        found = _PUSH.FromString(frame)
    except DecodeError as error:
        raise InvalidMessage(f"no message of MEXC: {error} in the frame {frame[:100].hex()}") from error
    for name in ("channel", "symbol"):
        if not getattr(found, name):
            raise InvalidMessage("a frame names its channel and its symbol", field=name)
    if WATCHING:
        WATCHING[-1].unknown += dict.fromkeys(_unknown(found, ""))
    return found


def _unknown(found: Any, path: str) -> Iterator[str]:  # noqa: ANN401 - as `message`
    """Yield the fields whose numbers stand in no table, or whose values have another type than there."""
    for field in UnknownFieldSet(found):
        yield f"{path}{field.field_number}"
    for descriptor, value in found.ListFields():
        if descriptor.message_type is None or descriptor.message_type.name == OTHER:
            continue
        repeats = not hasattr(value, "ListFields")
        for inner in value[:WALKED] if repeats else (value,):
            yield from _unknown(inner, f"{path}{descriptor.name}{'[]' if repeats else ''}.")


def _push_class() -> Any:  # noqa: ANN401 - as `message`
    file = descriptor_pb2.FileDescriptorProto(name="mexc.proto", package=PACKAGE, syntax="proto3")
    for name, fields in FIELDS.items():
        of = file.message_type.add(name=name)
        for field, (number, kind) in fields.items():
            _add(of, field, number, kind)
        if name == WRAPPER:
            of.oneof_decl.add(name=BODY)
            for field, (number, kind) in BODIES.items():
                _add(of, field, number, kind).oneof_index = 0
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{PACKAGE}.{WRAPPER}"))


def _add(of: Any, name: str, number: int, kind: str) -> Any:  # noqa: ANN401 - as `message`
    proto = descriptor_pb2.FieldDescriptorProto
    field = of.field.add(name=name, number=number, label=proto.LABEL_OPTIONAL)
    single = kind.removesuffix("[]")
    if kind != single:
        field.label = proto.LABEL_REPEATED
    if single in _SCALARS:
        field.type = getattr(proto, _SCALARS[single])
    else:
        field.type, field.type_name = proto.TYPE_MESSAGE, f".{PACKAGE}.{single}"
    return field


_PUSH: Final = _push_class()
