"""The caller: who they are and how they want to be called."""

from __future__ import annotations

from typing import Any

from tasks.api.answers import Me
from tasks.api.current import Asking, routes
from tasks.api.documents import change, document_of
from tasks.api.here import Here
from tasks.api.parameters import IfMatch, ProfileBody, ProfileIn
from tasks.api.problems import Refused
from tasks.api.transaction import Effect, expect, perform
from tasks.domain import items

router = routes()


@router.get("/profile", summary="Who I am", tags=["profile"])
def read_profile(here: Asking) -> Me:
    return _me(here, here.stores.views.get(here.user_id, items.PROFILE) or {})


@router.put("/profile", summary="How I want to be called", tags=["profile"])
def change_profile(here: Asking, body: ProfileIn, if_match: IfMatch = None) -> Me:
    def decide() -> Effect:
        before = here.stores.catalog.get(here.user_id, items.PROFILE)
        if before is not None:
            expect(before, if_match, needed=False)
        made = change(here, items.PROFILE, before, body.model_dump(mode="json") | _address(here, body))
        return Effect([made], document_of(made))

    return _me(here, perform(here, decide))


def _address(here: Here, body: ProfileBody) -> dict[str, str]:
    """Where mail goes: the address that the caller has proved to the user pool, and no other.

    Raises
    ------
    Refused
        If there is none.
    """
    if body.report != "mail":
        return {}
    if not here.caller.email:
        raise Refused(["report: your sign-in has no e-mail address to send to"])
    return {"email": here.caller.email}


def _me(here: Here, profile: dict[str, Any]) -> Me:
    return Me(
        user_id=here.user_id,
        email=here.caller.email,
        name=profile.get("name", ""),
        report=profile.get("report", "keep"),
        groups=sorted(here.caller.groups),
        version=int(profile.get("version", 0)),
    )
