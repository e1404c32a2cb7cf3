"""An ERP that takes its time and says yes: `python -m benchmarks.erp` writes its port, and serves until it is ended.

It speaks as much of QAD's dialect as the sandbox's profile asks for, keeps nothing and shows nothing.
"""

import asyncio
from itertools import count

from aiohttp import web

# What a call takes, before anything else.
LATENCY_S = 0.04


async def serve() -> None:
    """Serve until ended."""
    vouchers = count(1)

    async def token(_request: web.Request) -> web.Response:
        return web.json_response({"access_token": "benchmark", "expires_in": 86_400})

    async def browse(_request: web.Request) -> web.Response:
        return web.json_response({"data": [], "auxillaryData": {"HasMoreParams": False}})

    async def post(request: web.Request) -> web.Response:
        await request.read()
        await asyncio.sleep(LATENCY_S)
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
    asyncio.run(serve())
