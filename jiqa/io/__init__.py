"""Files: images, tables, downloads, the cache; nothing here knows what a metric is."""
