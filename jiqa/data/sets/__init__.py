"""The data sets, one TFDS builder a file; a file joins by being there."""
