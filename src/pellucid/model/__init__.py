"""A model is what `fit` produced; this package keeps it in one file, reads it back, verifies and compares it."""

from __future__ import annotations

from pellucid.model.comparison import compare_models
from pellucid.model.file import file_digest, read_model, write_model
from pellucid.model.output import check_writable, whole_file
from pellucid.model.saving import load, save
from pellucid.model.verification import Verification, verify

__all__ = [
    "Verification",
    "check_writable",
    "compare_models",
    "file_digest",
    "load",
    "read_model",
    "save",
    "verify",
    "whole_file",
    "write_model",
]
