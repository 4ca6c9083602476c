"""Commands without their start: their modules are loaded once, and each run is a fork of that process.

A run has the words, the folder, the environment and the streams of the program that asks for it, which
passes signals on and ends as the run does; where that program is killed, so is the run, a moment later. For
tests that are not about the start.
"""

from __future__ import annotations

import _socket  # what asks has to be fast, and socket takes as long to import as Python to start
import os
import signal
import sys

TYPE_CHECKING = False  # typing takes long to import too
if TYPE_CHECKING:
    import socket

SIZE = 8
"""Bytes of the number in front of what is asked."""
PASSED_ON = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)


def ask(address: str, words: list[str]) -> int:
    """Run the main function of a module, the first word, and return its exit code.

    A run that a signal ended ends this process in the same way. A signal that comes while the run begins
    waits until it can be passed on.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, PASSED_ON)
    variables = [b"=".join(pair) for pair in os.environb.items()]
    here = os.getcwdb()  # noqa: PTH109 - pathlib takes as long to import as all the rest
    asked = b"\0".join([here, b"%d" % len(words), *map(os.fsencode, words), *variables])
    server = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    server.connect(address)
    streams = b"".join(number.to_bytes(4, sys.byteorder) for number in (0, 1, 2))
    server.sendmsg([len(asked).to_bytes(SIZE)], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, streams)])
    server.sendall(asked)

    def pass_on(number: int, _frame: object) -> None:
        try:
            server.sendall(bytes([number]))
        except OSError:  # the run has ended
            return

    for number in PASSED_ON:
        signal.signal(number, pass_on)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, PASSED_ON)
    code, ended_by = server.recv(2)
    if ended_by:
        if ended_by in PASSED_ON:
            signal.signal(ended_by, signal.SIG_DFL)
        os.kill(os.getpid(), ended_by)
    return code


def serve(address: str, modules: list[str]) -> None:
    """Load modules and serve runs, one process each, until this one is ended."""
    import importlib  # noqa: PLC0415 - who asks needs none of this, and has to be fast
    import socket  # noqa: PLC0415

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
    import socket  # noqa: PLC0415 - as above

    size, streams, _, _ = socket.recv_fds(asking, SIZE, 3)
    asked = asking.recv(int.from_bytes(size), socket.MSG_WAITALL)
    run = os.fork()
    if run == 0:
        asking.close()
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
            os.close(stream)
        sys.stdin, sys.stdout = open(0, encoding="utf-8"), open(1, "w", encoding="utf-8")  # noqa: SIM115 - of the run
        sys.stderr = open(2, "w", 1, encoding="utf-8", errors="backslashreplace")  # noqa: SIM115 - the same
        _run(*asked.split(b"\0"))
    ended = os.pidfd_open(run)
    while ended not in select.select([ended, asking.fileno()], [], [])[0]:
        passed_on = asking.recv(1)
        os.kill(run, passed_on[0] if passed_on else signal.SIGKILL)
        if not passed_on:
            os._exit(0)
    status = os.waitstatus_to_exitcode(os.waitpid(run, 0)[1])
    asking.sendall(bytes([max(status, 0), max(-status, 0)]))
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
