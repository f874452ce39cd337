"""Model cards, embedded and downloaded weights, and the sessions that run them."""

from spinepose.models.card import InputSpec, ModelCard, OutputSpec, ScoreSpec
from spinepose.models.registry import (
    Listing,
    Resolved,
    fetch,
    find_card,
    list_models,
    resolve_detector,
    resolve_pose,
)
from spinepose.models.selftest import Check, self_test
from spinepose.models.session import Session, available_providers, create_session

__all__ = [
    "Check",
    "InputSpec",
    "Listing",
    "ModelCard",
    "OutputSpec",
    "Resolved",
    "ScoreSpec",
    "Session",
    "available_providers",
    "create_session",
    "fetch",
    "find_card",
    "list_models",
    "resolve_detector",
    "resolve_pose",
    "self_test",
]
