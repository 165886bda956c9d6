"""Images made to differ for a metric: attacks, competitions, eigendistortions."""
