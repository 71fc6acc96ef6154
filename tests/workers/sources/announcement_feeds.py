"""Announcement feeds in arXiv's format."""

from __future__ import annotations

from xml.sax.saxutils import escape

FRIDAY = "2026-11-20"

ENTRY = {
    "id": "oai:arXiv.org:2611.01234v1",
    "title": "On Reward Models",
    "abstract": "We study reward models.",
    "type": "new",
    "published": f"{FRIDAY}T00:00:00-05:00",
    "creator": "Ann Bo, Cy Dee",
    "more": '<category term="cs.CL"/><category term="cs.AI"/>',
}


def entry(**changes: str) -> str:
    """An entry in arXiv's format, with some of it changed."""
    e = ENTRY | {name: value for name, value in changes.items() if name != "without"}
    bare = e["id"].removeprefix("oai:arXiv.org:")
    parts = {
        "id": f"<id>{e['id']}</id>",
        "title": f"<title>{escape(e['title'])}</title>",
        "updated": "<updated>2026-11-20T05:00:07+00:00</updated>",
        "link": f'<link href="https://arxiv.org/abs/{bare}" rel="alternate" type="text/html"/>',
        "summary": f"<summary>arXiv:{bare} Announce Type: {e['type']} \n"
        f"Abstract: {escape(e['abstract'])}</summary>",
        "published": f"<published>{e['published']}</published>",
        "type": f"<arxiv:announce_type>{e['type']}</arxiv:announce_type>",
        "creator": f"<dc:creator>{escape(e['creator'])}</dc:creator>",
        "more": e["more"],
    }
    kept = [part for name, part in parts.items() if name not in changes.get("without", "").split()]
    return f"<entry>{''.join(kept)}</entry>"


def feed(*entries: str, title: str = "cs.CL updates on arXiv.org", built: str = FRIDAY) -> bytes:
    """A feed in arXiv's format."""
    head = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<feed xmlns:arxiv="http://arxiv.org/schemas/atom" xmlns="http://www.w3.org/2005/Atom"'
        ' xmlns:dc="http://purl.org/dc/elements/1.1/" xml:lang="en-us">'
        f"<id>http://rss.arxiv.org/atom/cs.CL</id><title>{title}</title>"
        f"<updated>{built}T05:00:07+00:00</updated>"
    )
    return "\n".join([head, *entries, "</feed>"]).encode()
