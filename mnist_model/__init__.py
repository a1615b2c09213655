"""From ink to digits: datasets, the networks, training, evaluation, model bundles, and the classifier that reads.

The only package that imports TensorFlow, Keras and LiteRT; reading loads LiteRT alone.
"""
