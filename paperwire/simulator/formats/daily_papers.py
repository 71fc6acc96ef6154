"""Hugging Face Daily Papers: picks in the format of its JSON API."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from paperwire.simulator.world.manuscripts import CommunityPick, Preprint

Json = dict[str, Any]

_PUBLISHED_AT_SHIFT = timedelta(hours=4)
_LATEX_COMMAND = re.compile(r"\\([A-Za-z]+)")


def select_picks(picks: list[CommunityPick], query: Mapping[str, str]) -> list[CommunityPick]:
    """Select picks by the parameters `date`, `week`, `month`, `sort`, `limit` and `p`.

    Raises ValueError if a date, week or number is invalid.
    """
    if "date" in query:
        day = datetime.strptime(query["date"], "%Y-%m-%d").replace(tzinfo=UTC).date()
        picks = [pick for pick in picks if pick.at.date() == day]
    if "week" in query:
        week = datetime.strptime(f"{query['week']}-1", "%G-W%V-%u").replace(tzinfo=UTC)
        picks = [pick for pick in picks if week <= pick.at < week + timedelta(days=7)]
    if "month" in query:
        datetime.strptime(query["month"], "%Y-%m").replace(tzinfo=UTC)
        picks = [pick for pick in picks if f"{pick.at:%Y-%m}" == query["month"]]
    if query.get("sort") == "trending":
        picks = sorted(picks, key=lambda pick: -pick.votes)
    limit, page = min(int(query.get("limit", 50)), 100), int(query.get("p", 0))
    return picks[page * limit : (page + 1) * limit]


def encode_json(document: list[Json] | Json) -> bytes:
    """Encode JSON as the service does: compact, with unescaped Unicode."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def daily_item_json(preprint: Preprint, pick: CommunityPick) -> Json:
    """Return one element of the daily list."""
    text = preprint.newest.text
    item: Json = {
        "paper": daily_paper_json(preprint, pick),
        "publishedAt": _time(preprint.versions[0].submitted_at - _PUBLISHED_AT_SHIFT),
        "title": text.title,
        "summary": _strip_latex(text.abstract),
        "thumbnail": f"https://cdn-thumbnails.huggingface.co/social-thumbnails/papers/{pick.id}.png",
        "numComments": pick.comments,
        "submittedBy": {
            **_user(pick.by),
            "isHf": False,
            "isHfAdmin": False,
            "isMod": False,
            "followerCount": 5,
            "isUserFollowing": False,
        },
        "isAuthorParticipating": False,
    }
    item["submittedBy"].pop("user")
    return {**item, **_organization(pick)}


def daily_paper_json(preprint: Preprint, pick: CommunityPick) -> Json:
    """Return the paper itself, as at `/api/papers/ID`."""
    text = preprint.newest.text
    paper: Json = {
        "id": str(pick.id),
        "authors": [
            {"_id": _object_id(name), "name": name, "hidden": False} for name in text.authors
        ],
        "publishedAt": _time(preprint.versions[0].submitted_at),
        "submittedOnDailyAt": _time(pick.at),
        "title": text.title,
        "submittedOnDailyBy": _user(pick.by),
        "summary": _strip_latex(text.abstract),
        "upvotes": pick.votes,
        "discussionId": _object_id(f"discussion of {pick.id}"),
        "ai_summary": f"{text.title}, in a sentence.",
        "ai_keywords": [word for word in text.title.lower().split() if len(word) > 6],
    }
    if pick.project:
        paper["projectPage"] = pick.project
    if pick.code:
        paper |= {"githubRepo": pick.code, "githubRepoAddedBy": "user"}
        paper["githubStars"] = pick.stars
    return {**paper, **_organization(pick)}


def _user(name: str) -> Json:
    return {
        "_id": _object_id(name),
        "avatarUrl": f"/avatars/{hashlib.sha256(name.encode()).hexdigest()[:32]}.svg",
        "isPro": False,
        "fullname": name.title(),
        "user": name,
        "type": "user",
        "name": name,
    }


def _organization(pick: CommunityPick) -> Json:
    if not pick.organization:
        return {}
    avatar = f"https://cdn-avatars.huggingface.co/{_object_id(pick.organization)}.png"
    name = re.sub(r"\W+", "-", pick.organization.lower())
    organization = {"_id": _object_id(pick.organization), "name": name}
    return {"organization": {**organization, "fullname": pick.organization, "avatar": avatar}}


def _strip_latex(abstract: str) -> str:
    r"""Damage mathematics the way the service does: `$2\times$` becomes `2times`."""
    return _LATEX_COMMAND.sub(r"\1", abstract).replace("$", "")


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _object_id(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:24]
