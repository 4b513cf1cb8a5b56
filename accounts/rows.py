"""Plain statements for what is written and read a dozen times for every call: by the budget and the publisher alone.

    add(row)                           INSERT it, and know its key
    change(model, known, changed)      UPDATE the row of which all this is still so; False where there is none
    one(sql, *values)                  the first row of a statement, or None
    every(sql, *values)                all its rows

Django takes ten times as long to work such a statement out as the database takes to carry it out. Everything else
goes by the ORM.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any

from django.db import connections
from django.db.models import Field, JSONField, Model


def add(row: Model, **computed: tuple[str, object]) -> None:
    """`computed`: field -> (SQL that works it out, what stands for its %s)."""
    given = {name: getattr(row, name) for name in _fields(type(row)) if name not in computed and name != "id"}
    values = [*_written(type(row), given), *(value for _, value in computed.values())]
    sqls = tuple(sql for sql, _ in computed.values())
    row.pk = one(_insert(row._meta.db_table, (*given, *computed), sqls), *values)[0]
    row._state.adding = False


@cache
def _insert(table: str, names: tuple[str, ...], computed: tuple[str, ...]) -> str:
    columns = ", ".join(f'"{name}"' for name in names)
    places = ", ".join(("%s",) * (len(names) - len(computed)) + computed)
    return f"INSERT INTO {table} ({columns}) VALUES ({places}) RETURNING id"


def change(model: type[Model], known: Mapping[str, Any], changed: Mapping[str, Any]) -> bool:
    """Compare and set. Both by the names of columns; the key is "id"."""
    there = {name: value for name, value in known.items() if value is not None}
    empty = tuple(name for name in known if name not in there)
    values = [*_written(model, changed), *_written(model, there)]
    with connections["default"].cursor() as cursor:
        cursor.execute(_update(model._meta.db_table, tuple(changed), tuple(there), empty), values)
        return bool(cursor.rowcount)


@cache
def _update(table: str, changed: tuple[str, ...], there: tuple[str, ...], empty: tuple[str, ...]) -> str:
    settings = ", ".join(f'"{name}" = %s' for name in changed)
    where = " AND ".join([*(f'"{name}" = %s' for name in there), *(f'"{name}" IS NULL' for name in empty)])
    return f"UPDATE {table} SET {settings} WHERE {where}"


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


def _written(model: type[Model], values: Mapping[str, Any]) -> list[Any]:
    """As the database takes them: only times and JSON are not what they are."""
    fields, operations = _fields(model), connections["default"].ops
    written = []
    for name, value in values.items():
        field = fields[name]
        if isinstance(value, datetime):
            value = operations.adapt_datetimefield_value(value)
        elif value is not None and isinstance(field, JSONField):
            value = operations.adapt_json_value(value, field.encoder)
        written.append(value)
    return written


@cache
def _fields(model: type[Model]) -> dict[str, Field[Any, Any]]:
    return {field.attname: field for field in model._meta.concrete_fields}
