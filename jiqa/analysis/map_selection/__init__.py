"""Selecting the feature maps of a network that predict quality best."""
