"""References to one paper as people write them, texts that look like some, and what touches them.

`id_places` puts them into feeds.
"""

from __future__ import annotations

from html import escape
from typing import Final
from urllib.parse import quote

PAPER: Final = "2511.01234"
OLD_PAPER: Final = "hep-th/9901001"
ABS: Final = f"https://arxiv.org/abs/{PAPER}"

FORMS: Final[dict[str, list[str]]] = {
    "pages of arXiv": [
        *(f"https://arxiv.org/{page}/{PAPER}" for page in "abs pdf html format src ps tb".split()),
        *(
            f"http://arxiv.org/abs/{PAPER}v2",
            f"HTTPS://ARXIV.ORG/ABS/{PAPER}",
            f"arxiv.org/abs/{PAPER}",
        ),
        *(f"https://arxiv.org//abs/{PAPER}", f"https://arxiv.org/abs/arXiv:{PAPER}"),
        *(f"https://arxiv.org/pdf/{PAPER}v12.pdf", f"https://arxiv.org/pdf/{PAPER}.pdf#page=3"),
        *(f"https://arxiv.org/html/{PAPER}v1/x1.png", f"https://arxiv.org/html/{PAPER}v1#S3.SS2"),
        *(f"https://arxiv.org/abs/{PAPER}?context=cs", f"https://arxiv.org:443/abs/{PAPER}"),
        *(
            f"//arxiv.org/abs/{PAPER}",
            f"https://arxiv.org/abs/{PAPER}/",
            f"www.arxiv.org/abs/{PAPER}",
        ),
        *(
            f"https://arxiv.org./abs/{PAPER}",
            f"https://arxiv.org/ftp/arxiv/papers/2511/{PAPER}.pdf",
        ),
    ],
    "mirrors": [
        f"https://{host}/abs/{PAPER}"
        for host in (
            *(
                "www.arxiv.org",
                "export.arxiv.org",
                "cn.arxiv.org",
                "de.arxiv.org",
                "lanl.arxiv.org",
            ),
            *("browse.arxiv.org", "xxx.lanl.gov", "xxx.itp.ac.cn", "arxiv-org.translate.goog"),
        )
    ],
    "prefixes": [
        *(
            f"arXiv:{PAPER}",
            f"arxiv:{PAPER}v3",
            f"ARXIV: {PAPER}",
            f"arXiv {PAPER}",
            f"arXiv：{PAPER}",
        ),
        *(f"oai:arXiv.org:{PAPER}v1", f"info:arxiv/{PAPER}", f"arXiv preprint arXiv:{PAPER}"),
        *(f"arXiv preprint {PAPER}", f"arXiv ID: {PAPER}", f"arXiv:\n{PAPER}", f"arXiv ({PAPER})"),
        *(f"arXiv/{PAPER}", f"arXiv-{PAPER}v1.pdf", f"arXiv_{PAPER}"),
        *(f"[arXiv:{PAPER}]", f"arXiv:[{PAPER}]", f"arXiv:\u00a0{PAPER}", f"arXiv #{PAPER}"),
        *(f"eprint = {{{PAPER}}}", "journals/corr/abs-2511-01234", "2025arXiv251101234Z"),
    ],
    "DOIs": [
        *(f"10.48550/arXiv.{PAPER}", f"doi:10.48550/ARXIV.{PAPER}", f"DOI 10.48550/arxiv.{PAPER}"),
        *(f"https://doi.org/10.48550/arXiv.{PAPER}", f"https://dx.doi.org/10.48550/arXiv.{PAPER}"),
        f"https://proxy.example/doi/full/10.48550/arXiv.{PAPER}",
    ],
    "other sites": [
        *(f"https://huggingface.co/papers/{PAPER}", f"https://huggingface.co/papers/{PAPER}.md"),
        *(f"https://hf.co/papers/{PAPER}#community", f"https://www.alphaxiv.org/abs/{PAPER}v1"),
        *(f"https://alphaxiv.org/overview/{PAPER}", f"https://papers.cool/arxiv/{PAPER}"),
        *(f"https://ar5iv.org/abs/{PAPER}", f"https://ar5iv.labs.arxiv.org/html/{PAPER}"),
        *(f"https://scirate.com/arxiv/{PAPER}", f"https://tldr.takara.ai/p/{PAPER}"),
        *(
            f"https://api.semanticscholar.org/arXiv:{PAPER}",
            f"https://hf-mirror.com/papers/{PAPER}",
        ),
        *(f"https://www.catalyzex.com/paper/arxiv:{PAPER}", f"https://zbmath.org/arXiv:{PAPER}"),
        *(f"https://www.connectedpapers.com/main/arxiv:{PAPER}", f"huggingface.co/papers/{PAPER}"),
        *(
            f"https://ui.adsabs.harvard.edu/abs/arXiv:{PAPER}",
            f"https://inspirehep.net/arxiv/{PAPER}",
        ),
    ],
    "inside addresses": [
        *(f"https://www.google.com/url?q={ABS}&sa=D", f"https://web.archive.org/web/2025/{ABS}"),
        *(
            f"https://www.google.com/url?q={quote(ABS, '')}&sa=D",
            f"https://r.example/?u={quote(ABS)}",
        ),
        f"https://www.google.com/url?rct=j&sa=t&url={ABS}&ct=ga",
        f"https://r.example/go?to={quote(quote(ABS, ''), '')}",
        *(
            f"https://web.archive.org/web/20251101000000/arxiv.org/abs/{PAPER}",
            f"https://r.jina.ai/{ABS}",
        ),
        *(f"https://l.example/l.php?u={quote(ABS, '').lower()}&h=1", f"https://t.example/#{ABS}"),
        f"https://web.archive.org/web/2025*/http:/arxiv.org/abs/{PAPER}",
    ],
    "escaped": [
        f'arXiv: <a class="{"x" * 120}" href="#"><span class="{"y" * 120}">{PAPER}</span></a>',
        *(ABS.replace("/", "\\/"), escape(ABS + '?a="b"&c=d'), ABS + "&amp;x=1", ABS + "&nbsp;x"),
        *(ABS.replace("/", "&#x2F;"), ABS.replace("/", "&amp;#47;"), f"<a href='{ABS}'>paper</a>"),
        *(f'arXiv:<a href="#">{PAPER}</a>', f"<b>arXiv:</b> <i>{PAPER}</i>", f"[paper]({ABS})"),
        *(f"arXiv:&lt;b&gt;{PAPER}&lt;/b&gt;", f"https://arxiv.org/abs/\u200b{PAPER}"),
    ],
    "the old scheme": [
        *(
            f"https://arxiv.org/abs/{OLD_PAPER}",
            f"arXiv:{OLD_PAPER}v1",
            OLD_PAPER,
            f"({OLD_PAPER})",
        ),
        *(
            f"https://arxiv.org/abs/{quote(OLD_PAPER, '')}",
            f"10.48550/arXiv.{OLD_PAPER}",
            f"see {OLD_PAPER}.",
        ),
        *(f"https://arxiv.org/pdf/{OLD_PAPER}v2.pdf", f"oai:arXiv.org:{OLD_PAPER}"),
    ],
}

FALSE_FORMS: Final[dict[str, list[str]]] = {
    "fake hosts": [
        f"my_arxiv.org/abs/{PAPER}",
        *(f"https://arxiv.org.example.com/abs/{PAPER}", f"https://fake-arxiv.org/abs/{PAPER}"),
        *(f"https://arxiv.org@evil.example/abs/{PAPER}", f"https://my.arxiv.org/abs/{PAPER}"),
        *(
            f"https://notarxiv.org/abs/{PAPER}",
            f"https://аrxiv.org/abs/{PAPER}",
            f"фarxiv.org/abs/{PAPER}",
        ),
        *(
            f"https://evil.example/arxiv.org/abs/{PAPER}",
            f"https://arxiv.org%2eevil.example/abs/{PAPER}",
        ),
        *(f"https://arxiv.org:80@evil.example/abs/{PAPER}", f"https://arxiv.example/abs/{PAPER}"),
        *(f"x@arxiv.org/abs/{PAPER}", f"https://论文arxiv.org/abs/{PAPER}", f"bioarxiv:{PAPER}"),
        *(
            f"https://arxiv.orgs/abs/{PAPER}",
            f"javascript:{ABS}",
            f"https://huggingface.co.cx/papers/{PAPER}",
        ),
    ],
    "numbers on other hosts": [
        *(
            f"https://example.com/{PAPER}",
            f"https://example.com/abs/{PAPER}",
            f"https://x.org/?p={PAPER}",
        ),
        *(
            f"https://github.com/a/b/releases/tag/{PAPER}",
            f"https://example.com/arxiv/{PAPER}",
            f"https://a.example/arxiv-{PAPER}",
        ),
        *(f"https://huggingface.co/papers?q={PAPER}", f"https://huggingface.co/datasets/{PAPER}"),
        *("https://www.alphaxiv.org/abs/2511.agentic-esopt", f"https://example.com/{OLD_PAPER}"),
    ],
    "months and numbers that are none": [
        *(
            "arXiv:3012.00001",
            "https://arxiv.org/abs/2612.00001",
            "arXiv:2513.01234",
            "arXiv:2500.01234",
        ),
        *(
            "arXiv:2511.0123",
            "arXiv:2511.012345",
            "arXiv:2511.00000",
            "arXiv:1501.0001",
            "arXiv:0704.00001",
        ),
        *(
            "arXiv:2511.99999",
            "arXiv:hep-th/9901000",
            "arXiv:nonsense-xx/9901001",
            "arXiv:hep-th/0704001",
        ),
        *("https://arxiv.org/abs/12511.01234", "https://arxiv.org/list/cs.CV/new", "arXiv:v2511"),
    ],
    "publisher DOIs": [
        *(f"10.1109/{PAPER}", f"https://doi.org/10.1109/{PAPER}", f"doi:10.1234/arXiv.{PAPER}"),
        "https://doi.org/10.1109/ICSTW55395.2022.00035",
    ],
    "bare numbers": [
        PAPER,
        f"[{PAPER}]",
        f"{PAPER}v2",
        f"No. {PAPER}",
        f"v{PAPER}.1",
        f"arXives {PAPER}",
    ],
}

SURROUNDINGS: Final = [
    *(
        ("", ""),
        ("论文：", "。代码"),
        ("论文地址：", "，代码见下"),
        ("論文", "を読む"),
        ("논문 ", "입니다"),
    ),
    *(
        ("“", "”"),
        ("«", "»"),
        ("„", "“"),
        ("‘", "’"),
        ("「", "」"),
        ("《", "》"),
        ("（", "）"),
        ("【", "】"),
    ),
    *(
        ("", "—by X"),
        ("", "–"),
        ("", "’s authors"),
        ("", "…"),
        ("→", "←"),
        ("", "|https://github.com/a/b"),
    ),
    *(
        ("(", ")"),
        ("[", "]"),
        ("{", "}"),
        ("<", ">"),
        ('"', '"'),
        ("'", "'"),
        ("`", "`"),
        ("*", "*"),
        ("_", "_"),
    ),
    *(("", "."), ("", ","), ("", ";"), ("", "!"), ("", "?"), ("", "·"), ("• ", " •"), ("📄", "🔥")),
    *(("кнд ", " и"), ("ورقة ", "،"), ("מאמר ", "׃"), ("กระดาษ", "และ"), ("a\u00a0", "\u00a0b")),
]
