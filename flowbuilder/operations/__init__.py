"""Everything that writes: designs, the library, installs, publications. One function an act, keyword-only.

Views, the API and commands call these; nobody else saves a row (but the publisher, its own).
"""
