"""Explaining what a metric or a feature map responds to."""
