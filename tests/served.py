"""Commands without their start: their modules are loaded once, and each run is a fork of that process.

A run has the words, the folder, the environment and the streams of the program that asks for it, which ends
as the run does; where that program is killed, so is the run. For tests that are not about the start.
"""

from __future__ import annotations

import os
import socket
import sys

SIZE = 8
"""Bytes of the number in front of what is asked."""


def ask(address: str, words: list[str]) -> int:
    """Have a server run the main function of a module, the first word, and return its exit code."""
    variables = [b"=".join(pair) for pair in os.environb.items()]
    here = os.getcwdb()  # noqa: PTH109 - pathlib takes as long to import as all the rest
    asked = b"\0".join([here, b"%d" % len(words), *map(os.fsencode, words), *variables])
    with socket.socket(socket.AF_UNIX) as server:
        server.connect(address)
        socket.send_fds(server, [len(asked).to_bytes(SIZE)], [0, 1, 2])
        server.sendall(asked)
        return server.recv(1)[0]


def serve(address: str, modules: list[str]) -> None:
    """Load modules and serve runs, one process each, until this one is ended."""
    import importlib  # noqa: PLC0415 - who asks needs none of this, and has to be fast
    import signal  # noqa: PLC0415

    for name in modules:
        importlib.import_module(name)
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
    """Run what is asked in a process, tell how it ended, and end."""
    import select  # noqa: PLC0415 - as above

    size, streams, _, _ = socket.recv_fds(asking, SIZE, 3)
    asked = asking.recv(int.from_bytes(size), socket.MSG_WAITALL)
    run = os.fork()
    if run == 0:
        asking.close()
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
            os.close(stream)
        sys.stdin, sys.stdout = open(0, encoding="utf-8"), open(1, "w", encoding="utf-8")  # noqa: SIM115 - of the run
        sys.stderr = open(2, "w", 1, encoding="utf-8")  # noqa: SIM115 - the same
        _run(*asked.split(b"\0"))
    ended = os.pidfd_open(run)
    if ended in select.select([ended, asking.fileno()], [], [])[0]:
        status = os.waitstatus_to_exitcode(os.waitpid(run, 0)[1])
        asking.sendall(bytes([status if status >= 0 else 128 - status]))
    else:
        os.kill(run, 9)
    os._exit(0)


def _run(folder: bytes, count: bytes, *rest: bytes) -> None:
    import importlib  # noqa: PLC0415 - as above

    words, variables = rest[: int(count)], rest[int(count) :]
    os.chdir(folder)
    os.environb.clear()
    for variable in variables:
        name, _, value = variable.partition(b"=")
        os.environb[name] = value
    module, *sys.argv[1:] = map(os.fsdecode, words)
    importlib.import_module(module).main()
    os._exit(0)


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(sys.argv[2], sys.argv[3:])
    sys.exit(ask(sys.argv[2], sys.argv[3:]))
