"""Large numbers for people."""

from __future__ import annotations


def short(number: int | None) -> str:
    """A count with three digits and its thousands as a letter: ``6.49 M``; "" for None."""
    if number is None:
        return ""
    for unit, letter in ((10**9, "G"), (10**6, "M"), (10**3, "k")):
        # From where three digits round up to the unit, so that 999,600 is 1.00 M.
        if number >= 0.9995 * unit:
            value = number / unit
            decimals = 2 if value < 9.995 else 1 if value < 99.95 else 0
            return f"{value:.{decimals}f} {letter}"
    return str(number)
