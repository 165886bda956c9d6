"""The operations that distort an image, by what they do to it."""
