"""A file's rows: cut out of CSV or JSON lines, each with the line it begins at. Pure."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

import msgspec

from inbox.kit.errors import Problem
from inbox.transfers.exports.cells import unguard_formula

CELL_CHARS = 100_000
ROWS_A_CHUNK = 100


class FileRow(msgspec.Struct, kw_only=True):
    """A row by column, or as the object it is in JSON; `error` where it could not even be read."""

    line: int
    row: dict[str, Any] = {}
    error: str | None = None


class Unreadable(ValueError):
    """The file as a whole is not what it was said to be; the message says how to make it so."""


def cut_rows(content: bytes, form: str, *, most: int) -> Iterator[FileRow]:
    """The rows of a file; Unreadable where it is not UTF-8, has no head, or more rows than `most`."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Unreadable(f"the file is not UTF-8 at byte {error.start}: save it as UTF-8") from error
    if "\x00" in text:
        raise Unreadable("the file holds a zero byte: it is not text")
    for count, row in enumerate(_csv(text) if form == "csv" else _json_lines(text)):
        if count >= most:
            raise Unreadable(f"the file has more than {most} rows: cut it into several")
        yield row


def cut_chunks(rows: Iterator[FileRow]) -> Iterator[list[FileRow]]:
    """Rows in chunks, each applied in one transaction."""
    chunk: list[FileRow] = []
    for row in rows:
        chunk.append(row)
        if len(chunk) == ROWS_A_CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def read_head(content: bytes, form: str) -> list[str]:
    """The names of a CSV's columns; none of JSON lines."""
    if form != "csv":
        return []
    first = next(csv.reader(io.StringIO(content.decode("utf-8-sig", errors="replace"), newline="")), [])
    return [unguard_formula(name.strip()) for name in first]


def _csv(text: str) -> Iterator[FileRow]:
    csv.field_size_limit(CELL_CHARS)
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        head = [unguard_formula(name.strip()) for name in next(reader, [])]
        if not any(head) or len(set(head)) < len(head):
            raise Unreadable("the first line has to name each column once")
        line = reader.line_num + 1
        for cells in reader:
            if any(cells):
                yield _csv_row(head, cells, line)
            line = reader.line_num + 1
    except csv.Error as error:
        raise Unreadable(f"it is not CSV from line {reader.line_num} on: {error}") from error


def _csv_row(head: list[str], cells: list[str], line: int) -> FileRow:
    if len(cells) > len(head):
        return FileRow(line=line, error=f"{len(cells)} cells, where the head has {len(head)}")
    return FileRow(line=line, row=dict(zip(head, map(unguard_formula, cells), strict=False)))


def _json_lines(text: str) -> Iterator[FileRow]:
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                yield FileRow(line=number, row=msgspec.json.decode(line, type=dict[str, Any]))
            except msgspec.DecodeError:
                yield FileRow(line=number, error="not a JSON object")


def explain_problem(problem: Problem) -> tuple[str, str | None, str]:
    """Code, place and words of a row's refusal, without what stood in the row."""
    first = problem.errors[0] if problem.errors else None
    code = first.code if first else problem.code
    quoting = problem.code == "state_conflict" or first is None
    return code, first.pointer if first else None, problem.kind.title if quoting or first is None else first.detail
