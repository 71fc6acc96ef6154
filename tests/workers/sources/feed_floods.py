"""Feeds made to take long to read, or much memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from tests.workers.sources.rss_feeds import rss

LINK: Final = "<link>https://arxiv.org/abs/2511.01234</link>"
FLOODS: Final[dict[str, Callable[[], bytes]]] = {
    "19,000 categories in each of 20": lambda: rss(
        *[LINK + "".join(f"<category>{n}</category>" for n in range(19_000))] * 20
    ),
    "5,000 tags in each of 55": lambda: rss(*[LINK + "<b>x</b>" * 5_000] * 55),
    "90 tags inside one another in each of 3,000": lambda: rss(
        *[LINK + "<b>" * 90 + "</b>" * 90] * 3_000
    ),
    "190 attributes": lambda: rss(*[f"<a {' '.join(f'a{k}=k' for k in range(190))}/>"] * 9_000),
    "60,000 ids": lambda: rss(*[" ".join(f"arXiv:2511.{n:05}" for n in range(60_000))] * 10),
    "digits": lambda: rss("1234.1234 " * 1_100_000),
    "prefixes": lambda: rss(("arxiv " * 150 + "1234.12345") * 12_000),
    "blanks": lambda: rss(("arxiv" + " " * 900 + "1234.12345") * 12_000),
    "slashes": lambda: rss(("https:" + "/" * 900 + "1234.12345") * 12_000),
    "users": lambda: rss(("https://" + "a:" * 400 + "1234.12345") * 12_000),
    "percents": lambda: rss("%2525252525" * 1_000_000),
    "open CDATA": lambda: rss(LINK + "</item><![CDATA[" * 500_000 + "]]>"),
    "open comments": lambda: rss(LINK + "</item><!--" * 280_000 + "-->"),
    "escaped tags": lambda: rss(*["<a b='" + "&lt;" * 16_000 + "'/>"] * 180),
    "astral characters": lambda: rss("😀" * 2_900_000),
    "JSON values": lambda: b'{"items":[' + b"[]," * 900_000 + b"[]]}",
    "JSON strings": lambda: b'{"items":[{"a":[' + b'"aaaaaaaaaaaaaaaa",' * 590_000 + b'""]}]}',
}
