"""JSON-RPC of an Ethereum node as typed values, and the words of 32 bytes in which contracts speak, by hand: few.

Methods stand under https://ethereum.github.io/execution-apis/, words under https://docs.soliditylang.org (ABI).
"""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from tapeline.errors import InvalidMessage

WORD: Final = 32
_SIGN: Final = 1 << 255
_MODULUS: Final = 1 << 256
_MOST_DIGITS: Final = 16
_SHOWN: Final = 200

Hash = Annotated[str, Meta(pattern="^0x[0-9a-f]{64}$")]
Address = Annotated[str, Meta(pattern="^0x[0-9a-fA-F]{40}$")]
Quantity = Annotated[str, Meta(pattern="^0x[0-9a-f]{1,16}$")]
Data = Annotated[str, Meta(pattern="^0x([0-9a-fA-F]{2})*$")]


class Refusal(msgspec.Struct, frozen=True):
    """Why a call has no result."""

    code: int
    message: str = ""


class Log(msgspec.Struct, frozen=True, rename="camel"):
    """One event of a contract; `removed` takes it back: its block is not of the chain any more."""

    address: Address
    topics: tuple[Hash, ...]
    data: Data
    block_number: Quantity
    block_hash: Hash
    log_index: Quantity
    removed: bool = False


class Block(msgspec.Struct, frozen=True):
    """The head of a block."""

    number: Quantity
    hash: Hash
    timestamp: Quantity


class Reply(msgspec.Struct, frozen=True):
    """The answer to one call; `id` is ours, as we sent it."""

    id: int | str | None = None
    result: msgspec.Raw = msgspec.Raw()
    error: Refusal | None = None


class Notice(msgspec.Struct, frozen=True):
    """What a subscription brings."""

    result: Log


class Frame(msgspec.Struct, frozen=True):
    """A frame that is no batch: the answer to a call, or a notice."""

    id: int | str | None = None
    result: msgspec.Raw = msgspec.Raw()
    error: Refusal | None = None
    method: str | None = None
    params: msgspec.Raw = msgspec.Raw()


def number(text: str, name: str) -> int:
    """Return a quantity, below 2^62."""
    digits = text.removeprefix("0x")
    found = int(digits, 16) if 0 < len(digits) <= _MOST_DIGITS else -1
    if not 0 <= found < 1 << 62:
        raise InvalidMessage("no such number", field=name, value=text)
    return found


def text(answer: bytes, name: str) -> str:
    """Return what a contract answered, in hex."""
    try:
        return _DATA.decode(answer)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidMessage("no data of a contract", field=name, value=answer[:_SHOWN]) from error


def words(data: str, name: str, *, least: int) -> tuple[int, ...]:
    """Return the words of a contract's answer as numbers without a sign."""
    raw = bytes.fromhex(data[2:])
    if len(raw) % WORD or len(raw) < least * WORD:
        raise InvalidMessage(f"{least} words or more were expected", field=name, value=len(raw))
    return tuple(int.from_bytes(raw[at : at + WORD], "big") for at in range(0, len(raw), WORD))


def signed(word: int) -> int:
    """Return a word as a number with a sign."""
    return word - _MODULUS if word & _SIGN else word


def call(selector: str, *arguments: int) -> str:
    """Return the data of a call with arguments of one word each."""
    return "0x" + selector + "".join((one % _MODULUS).to_bytes(WORD, "big").hex() for one in arguments)


def request(request_id: int | str, method: str, *params: object) -> dict[str, object]:
    """Return one call of JSON-RPC."""
    return {"jsonrpc": "2.0", "id": request_id, "method": method, "params": list(params)}


def encoded(calls: object) -> bytes:
    """Return a call or a batch of them as a frame."""
    return msgspec.json.encode(calls)


_DATA: Final = msgspec.json.Decoder(Data)
