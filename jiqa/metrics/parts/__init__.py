"""What single metrics are made of, where one file would be too long."""
