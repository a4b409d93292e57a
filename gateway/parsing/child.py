"""One parser: takes a task, answers it, takes the next. It holds nothing else, and may be killed at any time."""

from __future__ import annotations

import os
import resource
import socket
from collections.abc import Mapping
from pathlib import Path

from channels.contract import Adapter, Unpacking, Vouching
from channels.errors import Malformed
from gateway.parsing.wire import (
    LENGTH,
    Answer,
    Parsed,
    Refused,
    Task,
    Unpacked,
    Wanted,
    account_of,
    decode_task,
    encode,
)

TAKEN = Path("/proc/self/statm")
NICE = 5
"""Below everything that somebody waits for: a mail made to burn time shall not slow the door."""


def serve_tasks(line: socket.socket, adapters: Mapping[str, Adapter], *, memory_bytes: int) -> None:
    """Answer until the other side hangs up, with at most so many bytes more than are taken now."""
    os.nice(NICE)
    _limit_memory(memory_bytes)
    while (frame := _read_frame(line)) is not None:
        answer = encode(_answer(frame, adapters))
        del frame
        line.sendall(LENGTH.pack(len(answer)))
        line.sendall(answer)


def _answer(frame: bytearray, adapters: Mapping[str, Adapter]) -> Answer:
    try:
        task = decode_task(frame)
        return _work(task, adapters[task.adapter])
    except Exception as error:  # noqa: BLE001 (whatever it is, it is this task's trouble alone)
        code = "malformed" if isinstance(error, Malformed) else "parse_error"
        return Refused(code, f"{type(error).__name__}: {error}"[:2000])


def _work(task: Task, adapter: Adapter) -> Answer:
    account = account_of(task, adapter)
    if task.attachment is None:
        names = adapter.list_txt_names(account, task.raw) if task.ask and isinstance(adapter, Vouching) else []
        return Wanted(names) if names else Parsed(adapter.parse(account, task.raw))
    if not isinstance(adapter, Unpacking):
        raise Malformed("the files of this channel do not lie in its requests")
    return Unpacked(adapter.unpack_file(account, task.raw, task.attachment))


def _read_frame(line: socket.socket) -> bytearray | None:
    head = _read_exactly(line, LENGTH.size)
    return None if head is None else _read_exactly(line, LENGTH.unpack(head)[0])


def _read_exactly(line: socket.socket, size: int) -> bytearray | None:
    frame = bytearray(size)
    view, got = memoryview(frame), 0
    while got < size:
        count = line.recv_into(view[got:])
        if not count:
            return None
        got += count
    return frame


def _limit_memory(more_bytes: int) -> None:
    if TAKEN.exists():
        limit = int(TAKEN.read_text().split()[0]) * resource.getpagesize() + more_bytes
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
