"""What ``zoo plugins new`` writes: one folder for each kind, and what all kinds share in ``common``."""
