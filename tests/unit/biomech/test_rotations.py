"""Angles, rotation vectors and matrices say the same."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.spatial.transform import Rotation

from spinepose.biomech.rotations import (
    euler_angles,
    euler_matrices,
    near_angles,
    rotation_vectors,
)

triples = arrays(np.float64, (3, 3), elements=st.floats(-6, 6))


@settings(max_examples=50, deadline=None)
@given(triples)
def test_matrices_are_those_of_scipy(angles: np.ndarray) -> None:
    expected = Rotation.from_euler("ZXY", angles).as_matrix()
    np.testing.assert_allclose(euler_matrices(angles), expected, atol=1e-12)
    expected = Rotation.from_rotvec(angles).as_matrix()
    np.testing.assert_allclose(rotation_vectors(angles), expected, atol=1e-12)


@settings(max_examples=50, deadline=None)
@given(triples)
def test_angles_are_found_again(angles: np.ndarray) -> None:
    rotations = euler_matrices(angles)
    found = euler_angles(rotations)
    assert (np.abs(found[:, 1]) <= np.pi / 2 + 1e-9).all()
    np.testing.assert_allclose(euler_matrices(found), rotations, atol=1e-7)


@settings(max_examples=50, deadline=None)
@given(triples)
def test_near_angles_are_the_old_ones(angles: np.ndarray) -> None:
    found = near_angles(euler_angles(euler_matrices(angles)), angles)
    np.testing.assert_allclose(euler_matrices(found), euler_matrices(angles), atol=1e-7)
    free = np.abs(np.cos(angles[:, 1])) > 1e-3
    np.testing.assert_allclose(found[free], angles[free], atol=1e-9)


@pytest.mark.parametrize("x", [np.pi / 2, -np.pi / 2, np.pi / 2 - 1e-9])
def test_locked_angles(x: float) -> None:
    rotations = euler_matrices(np.array([[0.4, x, -0.9]]))
    np.testing.assert_allclose(euler_matrices(euler_angles(rotations)), rotations, atol=1e-7)


def test_small_vectors() -> None:
    np.testing.assert_array_equal(rotation_vectors(np.zeros((1, 3)))[0], np.eye(3))
    tiny = rotation_vectors(np.array([[1e-12, 0, 0]]))[0]
    assert tiny[2, 1] == pytest.approx(1e-12)
