"""Batches of a prepared data set for training and evaluation."""
