"""Which feature maps carry quality, and what they respond to."""
