"""The command without its start, a tenth of a second: it is loaded once, and each run is a fork of it.

A run has the words, the folder, the environment and the streams of the program that asks for it, and that
program ends as the run does. For scripts that call the command, where neither its start nor signals matter.
"""

from __future__ import annotations

import os
import socket
import sys

COMMANDS = ("apply", "drift", "plan", "show", "validate")
STREAMS = ("stdin", "stdout", "stderr")
SIZE = 8
"""Bytes of a number in front of what is asked."""


def ask(address: str, words: list[str]) -> int:
    """Have a server run the command here; return its exit code."""
    variables = [b"=".join(pair) for pair in os.environb.items()]
    here = os.getcwdb()  # noqa: PTH109 - pathlib takes as long to import as all the rest
    asked = b"\0".join([here, b"%d" % len(words), *map(os.fsencode, words), *variables])
    with socket.socket(socket.AF_UNIX) as server:
        server.connect(address)
        socket.send_fds(server, [len(asked).to_bytes(SIZE)], [0, 1, 2])
        server.sendall(asked)
        return server.recv(1)[0]


def serve(address: str) -> None:
    """Serve runs, one process each, until this one is ended."""
    import importlib  # noqa: PLC0415 - who asks needs none of this, and has to be fast
    import signal  # noqa: PLC0415

    for name in COMMANDS:
        importlib.import_module(f"reconciler.cli.{name}")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        listener.listen()
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for them
        os.write(1, b"\n")
        while True:
            asking, _ = listener.accept()
            with asking:
                if os.fork() == 0:
                    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                    listener.close()
                    _answer(asking)


def _answer(asking: socket.socket) -> None:
    """Run the command in a process, tell how it ended, and end."""
    size, streams, _, _ = socket.recv_fds(asking, SIZE, 3)
    asked = asking.recv(int.from_bytes(size), socket.MSG_WAITALL)
    run = os.fork()
    if run == 0:
        asking.close()
        for number, (stream, name, mode) in enumerate(zip(streams, STREAMS, "rww", strict=True)):
            os.dup2(stream, number)
            os.close(stream)
            line = 1 if name == "stderr" else -1
            setattr(sys, name, open(number, mode, line, encoding="utf-8", closefd=False))  # noqa: SIM115 - for the run
        _run(asked.split(b"\0"))
    status = os.waitstatus_to_exitcode(os.waitpid(run, 0)[1])
    asking.sendall(bytes([status if status >= 0 else 128 - status]))
    os._exit(0)


def _run(lines: list[bytes]) -> None:
    from reconciler.__main__ import main  # noqa: PLC0415 - as above

    folder, count, *rest = lines
    words, variables = rest[: int(count)], rest[int(count) :]
    os.chdir(folder)
    os.environb.clear()
    for variable in variables:
        name, _, value = variable.partition(b"=")
        os.environb[name] = value
    sys.argv[1:] = map(os.fsdecode, words)
    main()


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(sys.argv[2])
    sys.exit(ask(sys.argv[2], sys.argv[3:]))
