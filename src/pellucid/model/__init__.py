"""A model is what `fit` produced; this package keeps it in one file and reads it back."""

from __future__ import annotations

from pellucid.model.file import read_model, verify, write_model
from pellucid.model.output import check_writable, whole_file
from pellucid.model.saving import load, save

__all__ = ["check_writable", "load", "read_model", "save", "verify", "whole_file", "write_model"]
