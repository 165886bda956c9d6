"""Choosing the best of several no-reference methods for each image, from their scores.

``portfolio`` holds the scores, ``curves`` takes them to one scale, ``figures`` says how
good a choice is, ``learning`` grows the forests that choose, ``metric`` scores images.
"""
