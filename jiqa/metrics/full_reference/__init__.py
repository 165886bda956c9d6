"""Full-reference metrics without learned weights, one a file."""
