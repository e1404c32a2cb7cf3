"""An ERP that takes its time and says yes: `python -m benchmarks.erp MS` writes its port and serves until ended.

It speaks as much of QAD's dialect, over REST and over QXtend, as the sandbox's profiles ask for, keeps nothing and
shows nothing.
"""

import asyncio
import sys
from itertools import count
from typing import Literal

import msgspec
from aiohttp import web

_YES = (
    '<?xml version="1.0"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>'
    '<bdinvoicejournalentryResponse xmlns="urn:schemas-qad-com:xml-services"><result>success</result>'
    "<BDInvoiceJournalEntry><tApiDInvoiceDIJE><DInvoicePostingYear>2026</DInvoicePostingYear>"
    "<tcJournalCode>ZINV</tcJournalCode><DInvoiceVoucher>{}</DInvoiceVoucher></tApiDInvoiceDIJE>"
    "</BDInvoiceJournalEntry></bdinvoicejournalentryResponse></s:Body></s:Envelope>"
)


# Calls for this customer take so many times as long.
SLOW, SLOW_TIMES = "SLOWCUST", 10


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """What an ERP takes, and how it is spoken to.

    Attributes:
        over: REST or QXtend.
        latency_ms: What a call takes, before anything else.
        at_once: Calls of one connection that may be under way.
    """

    over: Literal["REST", "QXtend"] = "REST"
    latency_ms: int = 40
    at_once: int = 8

    @property
    def per_second(self) -> int:
        """Calls that one connection's ERP can answer in a second."""
        return self.at_once * 1000 // self.latency_ms


async def serve(latency_ms: int) -> None:
    """Serve until ended."""
    vouchers = count(1)

    async def token(_request: web.Request) -> web.Response:
        return web.json_response({"access_token": "benchmark", "expires_in": 86_400})

    async def browse(_request: web.Request) -> web.Response:
        return web.json_response({"data": [], "auxillaryData": {"HasMoreParams": False}})

    async def post(request: web.Request) -> web.Response:
        is_slow = SLOW.encode() in await request.read()
        await asyncio.sleep(latency_ms / 1000 * (SLOW_TIMES if is_slow else 1))
        if request.content_type == "text/xml":
            return web.Response(text=_YES.format(next(vouchers)), content_type="text/xml")
        made = {"postingYear": 2026, "daybookCode": "ZINV", "voucher": next(vouchers)}
        return web.json_response({"customerInvoices": [made], "submitResult": {"success": True}})

    app = web.Application()
    app.router.add_post("/oauth/token", token)
    app.router.add_get("/{path:.*}", browse)
    app.router.add_post("/{path:.*}", post)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
