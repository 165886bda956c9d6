"""No-reference metrics whose models ship with jiqa, one a file."""
