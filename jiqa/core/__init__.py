"""What a metric is: images in, scores out; alone, in groups, batches and tiles."""
