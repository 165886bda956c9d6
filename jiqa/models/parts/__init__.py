"""What trainable models are made of: backbones, heads, losses, crops, patches."""
