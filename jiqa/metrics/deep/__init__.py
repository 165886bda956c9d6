"""Full-reference metrics on the features of networks, one a file."""
