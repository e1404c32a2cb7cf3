"""The bare handler beside the receiver: it takes any body, writes it to the broker and answers 200. Nothing is checked.

python -m benchmarks.bare_receiver PORT BOOTSTRAP TOPIC PARTITION
"""

import asyncio
import sys

from aiohttp import web

from adapters.kafka.cluster import Cluster, started


async def serve(port: int, bootstrap: str, topic: str, partition: int) -> None:
    """Serve until the process is ended."""
    cluster = Cluster(bootstrap)
    async with started(cluster.producer(), cluster) as producer:

        async def receive(request: web.Request) -> web.Response:
            await producer.send_and_wait(topic, await request.read(), key=b"bench", partition=partition)
            return web.Response()

        application = web.Application()
        application.router.add_post("/{path:.*}", receive)
        runner = web.AppRunner(application, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])))
