"""Writing a data set to disk, with several workers or with Apache Beam."""
