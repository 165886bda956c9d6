"""The IQA data sets through TensorFlow Datasets, without TensorFlow."""
