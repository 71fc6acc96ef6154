"""Request headers that must not change what another reader gets."""

from __future__ import annotations

from typing import Final

EVIL: Final = "evil.example"
HEADERS: Final = {
    "X-Forwarded-For": EVIL,
    "X-Forwarded-Host": EVIL,
    "X-Forwarded-Server": EVIL,
    "X-Forwarded-Proto": "evil",
    "X-Forwarded-Scheme": "evil",
    "X-Forwarded-Ssl": "on",
    "X-Forwarded-Port": "666",
    "X-Forwarded-Prefix": "/evil",
    "X-Forwarded-Path": "/evil",
    "X-Forwarded-Uri": "/evil",
    "Forwarded": f"for={EVIL};host={EVIL};proto=evil",
    "X-Original-URL": "/evil",
    "X-Original-Host": EVIL,
    "X-Rewrite-URL": "/evil",
    "X-Host": EVIL,
    "X-Scheme": "evil",
    "X-Url-Scheme": "evil",
    "X-Script-Name": "/evil",
    "Script-Name": "/evil",
    "X-Real-IP": EVIL,
    "X-Http-Method-Override": "POST",
    "X-Wap-Profile": f"http://{EVIL}/",
    "Origin": f"https://{EVIL}",
    "Referer": f"https://{EVIL}/",
    "Via": f"1.1 {EVIL}",
    "Cookie": f"session={EVIL}",
    "User-Agent": EVIL,
    "Accept": f"text/{EVIL}",
    "Accept-Language": EVIL,
    "Host": "localhost:666",
}
