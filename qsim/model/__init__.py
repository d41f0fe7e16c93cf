"""Trend, links, likelihoods and priors: the mathematics, no sampler."""
