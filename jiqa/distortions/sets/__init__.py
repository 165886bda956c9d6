"""The published sets of distortions, one a file."""
