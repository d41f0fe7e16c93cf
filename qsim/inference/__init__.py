"""Posterior of the trend: nested Laplace, NUTS, pooling."""
