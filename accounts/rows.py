"""Plain statements for what is written and read a dozen times for every call: by the budget and the publisher alone.

    add(row)                           INSERT it, and know its key
    insert(model, given)               the same of bare values; the key
    change(model, known, changed)      UPDATE the row of which all this is still so; False where there is none
    read(model, sql, *values)          the first row of a statement as an instance, or None
    one(sql, *values)                  the first row of a statement, or None
    every(sql, *values)                all its rows

Django takes ten times as long to work such a statement out as the database takes to carry it out. Everything else
goes by the ORM.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any, TypeVar

from django.db import connections
from django.db.models import DateTimeField, JSONField, Model
from django.db.models.expressions import Col
from pydantic_core import PydanticSerializationError, to_json

M = TypeVar("M", bound=Model)
Write = Callable[[Any, Any], Any]  # a value and the database's operations -> as the database takes it


def add(row: Model) -> None:
    names = _names(type(row))
    row.pk = insert(type(row), {name: getattr(row, name) for name in names})
    row._state.adding = False


@cache
def _names(model: type[Model]) -> tuple[str, ...]:
    return tuple(field.attname for field in model._meta.concrete_fields if field.attname != "id")


def insert(model: type[Model], given: Mapping[str, Any], **computed: tuple[str, object]) -> int:
    """By the names of columns, all of them. `computed`: column -> (SQL that works it out, what stands for its %s)."""
    names, connection = tuple(given), connections["default"]
    sqls = tuple(sql for sql, _ in computed.values())
    values = _written(model, names, given.values(), connection.ops)
    with connection.cursor() as cursor:
        cursor.execute(
            _insert(model._meta.db_table, (*names, *computed), sqls),
            values + [value for _, value in computed.values()],
        )
        [[key]] = cursor.fetchall()  # all of it: only then SQLite commits
    return int(key)


@cache
def _insert(table: str, names: tuple[str, ...], computed: tuple[str, ...]) -> str:
    columns = ", ".join(f'"{name}"' for name in names)
    places = ", ".join(("%s",) * (len(names) - len(computed)) + computed)
    return f"INSERT INTO {table} ({columns}) VALUES ({places}) RETURNING id"


def change(model: type[Model], known: Mapping[str, Any], changed: Mapping[str, Any]) -> bool:
    """Compare and set. Both by the names of columns; the key is "id"."""
    names = tuple(changed)
    there = tuple(name for name, value in known.items() if value is not None)
    empty = tuple(name for name, value in known.items() if value is None)
    connection = connections["default"]
    given = [*changed.values(), *(known[name] for name in there)]
    values = _written(model, names + there, given, connection.ops)
    with connection.cursor() as cursor:
        cursor.execute(_update(model._meta.db_table, names, there, empty), values)
        return bool(cursor.rowcount)


@cache
def _update(table: str, changed: tuple[str, ...], there: tuple[str, ...], empty: tuple[str, ...]) -> str:
    settings = ", ".join(f'"{name}" = %s' for name in changed)
    where = " AND ".join([*(f'"{name}" = %s' for name in there), *(f'"{name}" IS NULL' for name in empty)])
    return f"UPDATE {table} SET {settings} WHERE {where}"


def read(model: type[M], sql: str, *values: Any) -> M | None:
    """All columns of the model's table, in any order; what else the statement names becomes an attribute."""
    connection = connections["default"]
    with connection.cursor() as cursor:
        cursor.execute(sql, plain(*values))
        found = cursor.fetchall()
        if not found:
            return None
        columns = tuple(column[0] for column in cursor.description)
    names, places, converters, also = _read_by(connection.vendor, model, columns)
    row = list(found[0])
    for place, field, convert in converters:
        row[place] = convert(row[place], field, connection)
    instance = model.from_db("default", names, [row[place] for place in places])
    for name, place in also:
        setattr(instance, name, row[place])
    return instance


@cache
def _read_by(vendor: str, model: type[Model], columns: tuple[str, ...]) -> Any:
    """(names, place of each in the row, how to convert what stands where, what stands where beside them)."""
    connection, table = connections["default"], model._meta.db_table
    fields, converters = model._meta.concrete_fields, []
    for field in fields:
        column = Col(table, field)
        ways = connection.ops.get_db_converters(column) + column.get_db_converters(connection)
        converters += [(columns.index(field.column), column, convert) for convert in ways]
    names = [field.attname for field in fields]
    own = {field.column for field in fields}
    also = [(column, place) for place, column in enumerate(columns) if column not in own]
    return names, [columns.index(field.column) for field in fields], converters, also


def one(sql: str, *values: Any) -> Any:
    with connections["default"].cursor() as cursor:
        cursor.execute(sql, plain(*values))
        return cursor.fetchone()


def every(sql: str, *values: Any) -> list[Any]:
    with connections["default"].cursor() as cursor:
        cursor.execute(sql, plain(*values))
        return list(cursor.fetchall())


def plain(*values: Any) -> list[Any]:
    """Values as this database compares them: SQLite knows no times."""
    times = connections["default"].ops.adapt_datetimefield_value
    return [times(value) if isinstance(value, datetime) else value for value in values]


def _written(model: type[Model], names: tuple[str, ...], values: Iterable[Any], operations: Any) -> list[Any]:
    """As the database takes them: only times and JSON are not what they are."""
    written = list(values)
    for place, write in _writers(model, names):
        if written[place] is not None:
            written[place] = write(written[place], operations)
    return written


@cache
def _writers(model: type[Model], names: tuple[str, ...]) -> list[tuple[int, Write]]:
    fields = {field.attname: field for field in model._meta.concrete_fields}
    found: list[tuple[int, Write]] = []
    for place, name in enumerate(names):
        if isinstance(fields[name], DateTimeField):
            found.append((place, _as_time))
        elif isinstance(fields[name], JSONField):
            found.append((place, _as_json))
    return found


def _as_time(value: datetime, operations: Any) -> Any:
    if operations.connection.vendor == "sqlite" and value.tzinfo is UTC:
        return str(value)[: -len("+00:00")]  # as Django writes it, without asking for the time zone thrice
    return operations.adapt_datetimefield_value(value)


def _as_json(value: Any, operations: Any) -> str:
    """Text serves both databases, and is written by pydantic in a fifth of the time; half a character it refuses."""
    try:
        return to_json(value).decode()
    except PydanticSerializationError:
        return json.dumps(value)
