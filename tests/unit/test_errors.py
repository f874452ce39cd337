import inspect

import pytest

from spinepose import errors

TREE = [value for _, value in inspect.getmembers(errors, inspect.isclass)]


def test_every_error_is_of_one_tree_with_a_code_of_its_own() -> None:
    codes = [error.exit_code for error in TREE]
    assert all(issubclass(error, errors.SpinePoseError) for error in TREE)
    assert len(set(codes)) == len(codes)
    assert min(codes) == 1


@pytest.mark.parametrize("error", TREE)
def test_every_error_and_code_is_documented(error: type[errors.SpinePoseError]) -> None:
    if error is not errors.SpinePoseError:
        lines = [line for line in str(errors.__doc__).splitlines() if error.__name__ in line]
        assert len(lines) == 1
        assert f" {error.exit_code} " in lines[0]


def test_a_missing_extra_says_how_to_get_it() -> None:
    error = errors.MissingExtraError("training", "train")
    assert "pip install 'spinepose[train]'" in str(error)
    assert isinstance(error, ImportError)
