"""A publication on its way into an account: its states, its calls, the sending, the looking up. Writes its own rows."""
