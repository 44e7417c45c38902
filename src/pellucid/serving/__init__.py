"""Serving is a fitted model behind HTTP: rows come in as JSON or Arrow, predictions go out."""

from __future__ import annotations

from pellucid.serving.service import application, serve

__all__ = ["application", "serve"]
