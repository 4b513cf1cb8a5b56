"""Ids that look like Klaviyo's but are the same in every run: a counter, scrambled one-to-one.

Used by the store.
"""

FIRST = "RSTUVWXY"
REST = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789"
SIZE = len(FIRST) * len(REST) ** 5
STEP = 2_654_435_761  # prime, so it shares no factor with SIZE and n -> n * STEP never repeats
SHIFT = 190_000_247


def six_characters(number: int) -> str:
    """The id of the n-th thing, e.g. "T23ivh"."""
    rest = (number * STEP + SHIFT) % SIZE
    out = []
    for _ in range(5):
        rest, digit = divmod(rest, len(REST))
        out.append(REST[digit])
    return FIRST[rest] + "".join(out)


def nine_digits(number: int) -> str:
    """The id of the n-th flow action. They grow, as the real ones do: breadth-first order stays visible."""
    return str(116_466_000 + number)
