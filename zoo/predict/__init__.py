"""Pictures in, cut-outs out: what ``zoo predict`` does around the model."""
