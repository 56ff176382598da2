"""A gate between a program and PostgreSQL that can be closed, held, slowed and cut, also at named points of the wire protocol.

It listens on loopback TCP and goes on to the Unix socket of a private cluster. It runs on a thread of its own; every method may be
called from the test's thread and returns when its effect is in force.
"""
import asyncio
import contextlib
import socket
import struct
import threading

SSL_REQUEST, CANCEL_REQUEST, GSS_REQUEST = 80877103, 80877102, 80877104
START = "start"  # kind of the messages that have no type byte


class Frames:
    """Cuts a stream into whole messages; feed() may be given any pieces."""

    def __init__(self, startup):
        self.buffer = bytearray()
        self.startup = startup  # the client's stream begins with messages without a type

    def feed(self, data):
        self.buffer += data
        while True:
            head = 0 if self.startup else 1
            if len(self.buffer) < head + 4:
                return
            size = head + struct.unpack_from("!I", self.buffer, head)[0]
            if len(self.buffer) < size:
                return
            whole = bytes(self.buffer[:size])
            del self.buffer[:size]
            if self.startup:
                code = struct.unpack_from("!I", whole, 4)[0] if size >= 8 else 0
                self.startup = code in (SSL_REQUEST, GSS_REQUEST)  # then a real start follows
                yield START, whole
            else:
                yield chr(whole[0]), whole


class Trap:
    """One thing to do once, when the `nth` matching message of the client passes."""

    def __init__(self, matches, action, nth):
        self.matches, self.action, self.left = matches, action, nth
        self.sprung = threading.Event()


class Link:
    """One connection. `copied`: the transaction under way has sent rows."""

    def __init__(self, client, server):
        self.client, self.server = client, server
        self.copied = False
        self.swallow = False  # read the server's answer to the end, pass none of it on, then hang up
        self.lone_answers = 0  # bytes S or N that answer SSL and GSS requests, before messages begin

    def close(self, reset=False):
        for writer in (self.client, self.server):
            with contextlib.suppress(Exception):
                if reset and writer is self.client:
                    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                writer.transport.abort()


def commit_of_readings(link, kind, message):
    return kind == "Q" and message[5:11] == b"COMMIT" and link.copied


class Gate:
    def __init__(self, socket_folder, port=5432):
        self.upstream = f"{socket_folder}/.s.PGSQL.{port}"
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.links, self.tasks, self.traps = set(), set(), []
        self.delay_s = 0.0
        self.bytes_per_s = None
        self.accepted = 0
        self.port = 0
        self.server = None
        self._call(self._begin())

    def _call(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(30)

    async def _begin(self):
        self.flow = {"to_server": asyncio.Event(), "to_client": asyncio.Event()}
        for event in self.flow.values():
            event.set()
        await self._listen()

    async def _listen(self):
        if not self.server:
            self.server = await asyncio.start_server(self._accept, "127.0.0.1", self.port, limit=1 << 20)
            self.port = self.server.sockets[0].getsockname()[1]

    # --- what a test does to it

    def refuse(self):
        """New connections are refused; those that are open go on."""
        async def work():
            self.server.close()
            await self.server.wait_closed()
            self.server = None
        self._call(work())

    def accept(self):
        self._call(self._listen())

    def cut(self, reset=False):
        """Ends all connections, with RST instead of FIN when asked."""
        async def work():
            for link in list(self.links):
                link.close(reset)
        self._call(work())

    def stall(self, *directions):
        """Holds bytes of `to_server`, `to_client` or both; connections stay open, new ones are accepted and held too."""
        async def work():
            for name in directions or self.flow:
                self.flow[name].clear()
        self._call(work())

    def resume(self):
        async def work():
            for event in self.flow.values():
                event.set()
        self._call(work())

    def half_close(self):
        """Says end-of-stream to the server on all connections and leaves the way back open."""
        async def work():
            for link in list(self.links):
                with contextlib.suppress(OSError, RuntimeError):
                    link.server.write_eof()
        self._call(work())

    def slow(self, delay_s=0.0, bytes_per_s=None):
        self.delay_s, self.bytes_per_s = delay_s, bytes_per_s

    def retarget(self, socket_folder, port=5432):
        self.upstream = f"{socket_folder}/.s.PGSQL.{port}"

    def trap(self, action, matches=commit_of_readings, nth=1):
        """`lose`: the message does not reach the server and the connection ends. `commit_lose_answer`: it does, the server finishes,
        and the connection ends without the answer. `hold_answer`: it does, and from then on nothing comes back to anybody. `hold`: it and all that follows waits before the server."""
        trap = Trap(matches, action, nth)

        async def work():
            self.traps.append(trap)
        self._call(work())
        return trap

    def close(self):
        async def work():
            if self.server:
                self.server.close()
            for link in list(self.links):
                link.close()
            for task in list(self.tasks):
                task.cancel()
            await asyncio.gather(*self.tasks, return_exceptions=True)
        with contextlib.suppress(Exception):
            self._call(work())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)
        if not self.thread.is_alive():
            self.loop.close()

    # --- the work

    async def _accept(self, reader, writer):
        self.accepted += 1
        try:
            back_reader, back_writer = await asyncio.open_unix_connection(self.upstream, limit=1 << 20)
        except OSError:
            writer.transport.abort()
            return
        link = Link(writer, back_writer)
        self.links.add(link)
        pumps = [asyncio.ensure_future(self._to_server(link, reader)), asyncio.ensure_future(self._to_client(link, back_reader))]
        self.tasks.update(pumps)
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            self.tasks.difference_update(pumps)
            self.links.discard(link)
            link.close()

    async def _pass(self, writer, data, direction):
        await self.flow[direction].wait()
        if self.delay_s:
            await asyncio.sleep(self.delay_s)
        writer.write(data)
        await writer.drain()
        if self.bytes_per_s:
            await asyncio.sleep(len(data) / self.bytes_per_s)

    async def _to_server(self, link, reader):
        frames = Frames(startup=True)
        while data := await reader.read(1 << 16):
            for kind, message in frames.feed(data):
                if kind == START and struct.unpack_from("!I", message, 4)[0] in (SSL_REQUEST, GSS_REQUEST):
                    link.lone_answers += 1
                if kind == "Q":
                    text = message[5:40].lstrip().upper()
                    if text.startswith(b"BEGIN"):
                        link.copied = False
                    elif text.startswith(b"COPY"):
                        link.copied = True
                action = self._spring(link, kind, message)
                if action == "lose":
                    return
                if action == "commit_lose_answer":
                    link.swallow = True
                elif action == "hold":
                    self.flow["to_server"].clear()
                elif action == "hold_answer":
                    self.flow["to_client"].clear()
                await self._pass(link.server, message, "to_server")

    def _spring(self, link, kind, message):
        for trap in self.traps:
            if trap.matches(link, kind, message):
                trap.left -= 1
                if trap.left == 0:
                    self.traps.remove(trap)
                    trap.sprung.set()
                    return trap.action
        return None

    async def _to_client(self, link, reader):
        frames = Frames(startup=False)
        while data := await reader.read(1 << 16):
            while link.lone_answers and data:
                await self._pass(link.client, data[:1], "to_client")
                link.lone_answers -= 1
                data = data[1:]
            for kind, message in frames.feed(data):
                if link.swallow:
                    if kind == "Z":  # ready for the next query: the COMMIT is over and done
                        return
                    continue
                await self._pass(link.client, message, "to_client")
