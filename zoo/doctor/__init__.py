"""``zoo doctor``: does zoo work on this machine, and if something does not, what to do about it."""
