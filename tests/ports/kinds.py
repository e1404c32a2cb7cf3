"""One command of each kind, with what it refers to in the books already."""

from collections.abc import Awaitable, Callable
from decimal import Decimal

from schemas.outcomes import Document
from streams.ports import Bounce, Command, Erp, Refund, RefundReversal
from tests.adapters.commands import Commands
from tests.adapters.qad_company import post
from tests.ports.books import Booked, Driver, Key


class Ground:
    """What commands refer to: it is posted when one asks for it."""

    def __init__(self, sink: Driver, erp: Erp) -> None:
        self.commands: Commands = sink.commands
        self._erp = erp

    async def invoice(self) -> Document:
        return (await post(self._erp, self.commands.invoice("119.00"))).document

    async def credit_note(self) -> Document:
        return (await post(self._erp, self.commands.credit_note("40.00"))).document

    async def money(self) -> Document:
        return (await post(self._erp, self.commands.receipt("90.00"))).document

    async def given_back(self) -> Document:
        money = await self.money()
        await post(self._erp, self.commands.bank_move(Refund, money, "5.00"))
        return money

    async def of_nobody(self) -> None:
        await post(self._erp, self.commands.journal("15.00"))


async def _receipt(ground: Ground) -> Command:
    return ground.commands.receipt("50.00", (await ground.invoice(), "30.00"))


async def _adjustment(ground: Ground) -> Command:
    return ground.commands.adjustment(await ground.invoice(), await ground.credit_note(), "5.00")


async def _transfer(ground: Ground) -> Command:
    return ground.commands.transfer("85.00", item=await ground.money())


async def _assigned(ground: Ground) -> Command:
    await ground.of_nobody()
    return ground.commands.transfer("15.00")


async def _moved(
    ground: Ground,
    kind: type[Refund] | type[RefundReversal] | type[Bounce],
    item: Callable[[], Awaitable[Document]],
) -> Command:
    return ground.commands.bank_move(kind, await item(), "5.00")


async def _of(command: Command) -> Command:
    return command


# By the kind of their payload; where there are two, what tells them apart stands behind a blank.
MAKERS: dict[str, Callable[[Ground], Awaitable[Command]]] = {
    "invoice": lambda ground: _of(ground.commands.invoice()),
    "credit_note": lambda ground: _of(ground.commands.credit_note()),
    "receipt": _receipt,
    "receipt alone": lambda ground: _of(ground.commands.receipt("50.00")),
    "adjustment": _adjustment,
    "refund": lambda ground: _moved(ground, Refund, ground.money),
    "refund_reversal": lambda ground: _moved(ground, RefundReversal, ground.given_back),
    "bounce": lambda ground: _moved(ground, Bounce, ground.money),
    "transfer": _transfer,
    "transfer of cash of nobody": _assigned,
    "journal": lambda ground: _of(ground.commands.journal("5.00")),
}
KINDS = tuple(dict.fromkeys(name.partition(" ")[0] for name in MAKERS))
# What the customer's items come to more (above zero: owed by them) by each of these commands.
MOVES: dict[str, Decimal] = {
    "invoice": Decimal(119),
    "credit_note": Decimal(-40),
    "receipt": Decimal(-50),
    "receipt alone": Decimal(-50),
    "adjustment": Decimal(0),
    "refund": Decimal(5),
    "refund_reversal": Decimal(-5),
    "bounce": Decimal(5),
    "transfer": Decimal(0),
    "transfer of cash of nobody": Decimal(-15),
    "journal": Decimal(0),
}


def kind_of(command: Command) -> str:
    return str(command.payload.__struct_config__.tag)


def key_of(document: Document) -> Key:
    return Key(document.year, document.daybook, document.voucher)


def ours(sink: Driver, command: Command) -> list[Booked]:
    """Return the documents that carry a command's reference."""
    return [booked for booked in sink.booked() if booked.reference == command.reference]
