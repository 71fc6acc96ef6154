"""OAI-PMH documents in arXiv's format."""

from __future__ import annotations

HEAD = "<header><identifier>oai:arXiv.org:2611.00001</identifier><datestamp>2026-11-18</datestamp>"
VERSION = "<version version='v{}'><date>{}</date><size>{}</size>{}</version>"
MONDAY = "Mon, 16 Nov 2026 10:00:00 GMT"
FIRST = VERSION.format(1, MONDAY, "12kb", "")


def answer(*records: str, token: str = "") -> bytes:
    listed = f"<ListRecords>{''.join(records)}{token}</ListRecords>"
    return document(listed)


def document(inside: str) -> bytes:
    space = "http://www.openarchives.org/OAI/2.0/"
    return f"<?xml version='1.0'?><OAI-PMH xmlns='{space}'>{inside}</OAI-PMH>".encode()


def record(versions: str = FIRST, more: str = "", id: str = "2611.00001") -> str:
    entry = (
        f"<arXivRaw xmlns='http://arxiv.org/OAI/arXivRaw/'><id>{id}</id>{versions}"
        f"<title>A\n Title</title><authors>A. Bo and C. Do (MIT)</authors>"
        f"<categories>cs.CL cs.AI</categories>{more}<abstract>  Text.\n</abstract></arXivRaw>"
    )
    return f"<record>{HEAD}</header><metadata>{entry}</metadata></record>"
