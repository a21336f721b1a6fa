"""A TCP proxy on loopback whose line can be cut or stalled: what stands between a service and the venue or Redis."""

import asyncio
import contextlib
import threading
from enum import StrEnum

CHUNK = 65536


class Line(StrEnum):
    PASS = "pass"
    CUT = "cut"
    """Connections are reset, new ones too."""
    STALL = "stall"
    """Connections stay up, new ones are taken, and not a byte comes through until the line passes again."""
    SWALLOW_ANSWERS = "swallow_answers"
    """What the client sends arrives; the connection ends before the first byte of an answer."""


class Proxy:
    """Listens from the moment it is made until `close`; a thread of its own."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._loop = asyncio.new_event_loop()
        self._line = Line.PASS
        self._flows = asyncio.Event()
        self._writers: set[asyncio.StreamWriter] = set()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.swallowed = 0
        self._ready = threading.Event()
        self.port = 0
        self._thread.start()
        self._ready.wait()

    def set(self, line: Line) -> None:
        """Change what the line does, for connections there are and those to come."""
        asyncio.run_coroutine_threadsafe(self._set(line), self._loop).result()

    def close(self) -> None:
        """End it and every connection."""
        self.set(Line.CUT)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        self._flows.set()
        self._ready.set()
        self._loop.run_forever()
        server.close()
        rest = asyncio.all_tasks(self._loop)
        for task in rest:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*rest, return_exceptions=True))

    async def _set(self, line: Line) -> None:
        self._line = line
        if line is Line.STALL:
            self._flows.clear()
        else:
            self._flows.set()
        if line is Line.CUT:
            for writer in list(self._writers):
                writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            if self._line is Line.CUT:
                writer.transport.abort()
                return
            there, back = await asyncio.open_connection(*self._target)
            self._writers.add(back)
            try:
                ways = [
                    asyncio.ensure_future(self._pump(reader, back)),
                    asyncio.ensure_future(self._pump(there, writer, True)),
                ]
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
                for way in ways:
                    way.cancel()
                await asyncio.gather(*ways, return_exceptions=True)
            finally:
                self._writers.discard(back)
                back.transport.abort()
        except OSError:
            pass
        finally:
            self._writers.discard(writer)
            writer.transport.abort()

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, answers: bool = False) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(CHUNK):
                await self._flows.wait()
                if answers and self._line is Line.SWALLOW_ANSWERS:
                    self.swallowed += 1
                    return
                sink.write(data)
                await sink.drain()
