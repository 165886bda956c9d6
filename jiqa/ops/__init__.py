"""Image operations that metrics, models and distortions share: pure functions."""
