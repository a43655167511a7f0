"""Pages: placeholder until they stand."""

from fastapi import APIRouter


def router() -> APIRouter:
    return APIRouter()
