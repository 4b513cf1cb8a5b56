"""Long lists in pages, newest first. A cursor is a place in the list, so the last page is as fast as the first."""

from __future__ import annotations

from rest_framework.pagination import CursorPagination


class Newest(CursorPagination):
    ordering = "-pk"
    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 200


class Names(Newest):
    """By name; what has the same name stands together."""

    ordering = ("name", "pk")
