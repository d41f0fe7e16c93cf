"""Random numbers of many series: the generator against published values, columns against what they stand for."""

import numpy as np
from scipy.special import ndtr

from qsim.inference.chances import chances, key_of, places, uniforms


def test_a_key_gives_the_published_numbers_of_splitmix64():
    # first outputs for the seed 1234567
    words = [6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431]
    assert uniforms(1234567, 4).tolist() == [(word >> 11) * 2.0**-53 for word in words]


def test_columns_begin_anywhere_with_the_same_chance():
    begins = places(key_of(0, "here/rate", "fast"), 40_000, 8)
    counts = np.bincount(begins, minlength=8)
    assert counts.size == 8
    assert np.abs(counts - 5000).max() <= 4.0 * np.sqrt(40_000 * 7 / 64)


def test_seed_series_and_purpose_each_change_the_key():
    keys = {key_of(seed, label, why) for seed in (0, 1) for label in ("a/x", "b/x") for why in ("fast", "future")}
    assert len(keys) == 8


def test_every_stratum_of_a_column_holds_one_number():
    shared = chances(500, 3)
    assert shared.draws == 500
    column = np.sort(shared.normals[0, :500])
    strata = np.floor(500 * ndtr(column))
    assert strata.tolist() == list(range(500))
    np.testing.assert_array_equal(shared.normals[:, :500], shared.normals[:, 500:])
