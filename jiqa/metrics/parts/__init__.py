"""Components of single metrics whose code would be too long for one file."""
