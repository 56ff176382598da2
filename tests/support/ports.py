"""Ports for two sides that must know each other's before either starts."""
import contextlib
import random
import socket


def free_ports(count):
    """Different ones that nobody has now, below those that the system gives to connections, so that nobody gets one by
    chance in between."""
    with contextlib.ExitStack() as held:
        ports = set()
        while len(ports) < count:
            port = random.randrange(20000, 32000)
            probe = held.enter_context(socket.socket())
            with contextlib.suppress(OSError):
                probe.bind(("127.0.0.1", port))
                ports.add(port)
        return list(ports)
