"""Feeds in the formats of the presets, made up: two entries, of which one names a paper.

hackernews   hnrss's rss.go and algolia.go       https://github.com/hnrss/hnrss
lobsters     app/views/home/stories.rss.builder  https://github.com/lobsters/lobsters
reddit-…     Atom with the post in `content`, as Reddit's feeds are quoted
"""

from __future__ import annotations

from html import escape
from typing import Final

PAPER: Final = "2611.01234"
DISCUSSION: Final = {
    "hackernews": "https://news.ycombinator.com/item?id=46259064",
    "hackernews-front": "https://news.ycombinator.com/item?id=46259064",
    "lobsters": "https://lobste.rs/s/ab1cde/on_reward_models",
    "reddit-localllama": "https://www.reddit.com/r/LocalLLaMA/comments/1abc23/r_on_reward_models/",
    "reddit-ml": "https://www.reddit.com/r/MachineLearning/comments/1abc23/r_on_reward_models/",
}
"""Preset to the address of the discussion of the paper."""


def preset_feed(preset: str) -> bytes:
    """Return a feed as the preset's site would serve it."""
    if preset.startswith("reddit"):
        return _reddit(DISCUSSION[preset])
    return {"hackernews": HNRSS, "hackernews-front": HN_FRONT, "lobsters": LOBSTERS}[
        preset
    ].encode()


HNRSS: Final = """\
<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:atom="http://www.w3.org/2005/Atom">
<channel><title>Hacker News - Newest: "arxiv.org"</title>
<link>https://news.ycombinator.com/newest</link><description>Hacker News RSS</description>
<docs>https://hnrss.org/</docs><generator>hnrss v2.1.1</generator>
<lastBuildDate>Fri, 20 Nov 2026 11:00:00 +0000</lastBuildDate>
<atom:link href="https://hnrss.org/newest?count=100" rel="self"></atom:link>
<item><title><![CDATA[On Reward Models]]></title><description><![CDATA[
<p>Article URL: <a href="https://arxiv.org/abs/2611.01234">https://arxiv.org/abs/2611.01234</a></p>
<p>Comments URL: <a href="https://news.ycombinator.com/item?id=46259064">https://news.ycombinator.com/item?id=46259064</a></p>
<p>Points: 212</p>
<p># Comments: 87</p>
]]></description><pubDate>Thu, 19 Nov 2026 08:00:00 +0000</pubDate>
<link>https://arxiv.org/abs/2611.01234</link><dc:creator>someone</dc:creator>
<comments>https://news.ycombinator.com/item?id=46259064</comments>
<guid isPermaLink="false">https://news.ycombinator.com/item?id=46259064</guid></item>
<item><title><![CDATA[Ask HN: what is arxiv.org?]]></title><description><![CDATA[
<p>I wonder.</p>
<hr>
<p>Comments URL: <a href="https://news.ycombinator.com/item?id=46259065">https://news.ycombinator.com/item?id=46259065</a></p>
<p>Points: 1</p>
<p># Comments: 0</p>
]]></description><pubDate>Thu, 19 Nov 2026 07:00:00 +0000</pubDate>
<link>https://news.ycombinator.com/item?id=46259065</link><dc:creator>someone</dc:creator>
<comments>https://news.ycombinator.com/item?id=46259065</comments>
<guid isPermaLink="false">https://news.ycombinator.com/item?id=46259065</guid></item>
</channel></rss>
"""

HN_FRONT: Final = (
    '<rss version="2.0"><channel><title>Hacker News</title>'
    "<link>https://news.ycombinator.com/</link><description>Links.</description>"
    "<item><title>On Reward Models</title><link>https://arxiv.org/abs/2611.01234</link>"
    "<pubDate>Thu, 19 Nov 2026 08:00:00 +0000</pubDate>"
    "<comments>https://news.ycombinator.com/item?id=46259064</comments>"
    '<description><![CDATA[<a href="https://news.ycombinator.com/item?id=46259064">Comments</a>]]>'
    "</description></item><item><title>Another</title><link>https://example.org/</link>"
    "<pubDate>Thu, 19 Nov 2026 07:00:00 +0000</pubDate>"
    "<comments>https://news.ycombinator.com/item?id=46259065</comments>"
    '<description><![CDATA[<a href="https://news.ycombinator.com/item?id=46259065">Comments</a>]]>'
    "</description></item></channel></rss>"
)

LOBSTERS: Final = """\
<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom">
<channel><title>Lobsters: Stories from arxiv.org</title><link>https://lobste.rs/</link>
<atom:link href="https://lobste.rs/domains/arxiv.org.rss" rel="self"/>
<description>Stories from arxiv.org</description>
<pubDate>Thu, 19 Nov 2026 02:00:00 -0600</pubDate><ttl>120</ttl>
<item><title>On Reward Models</title><link>https://arxiv.org/pdf/2611.01234</link>
<guid>https://lobste.rs/s/ab1cde</guid><author>arxiv.org via someone</author>
<pubDate>Thu, 19 Nov 2026 02:00:00 -0600</pubDate>
<comments>https://lobste.rs/s/ab1cde/on_reward_models</comments>
<description>&lt;p&gt;&lt;a href="https://lobste.rs/s/ab1cde/on_reward_models"&gt;Comments&lt;/a&gt;&lt;/p&gt;</description>
<category>ai</category><category>pdf</category></item>
<item><title>A help page</title><link>https://arxiv.org/help</link>
<guid>https://lobste.rs/s/ab1cdf</guid><author>arxiv.org by someone</author>
<pubDate>Thu, 19 Nov 2026 01:00:00 -0600</pubDate>
<comments>https://lobste.rs/s/ab1cdf/help</comments>
<description>&lt;p&gt;&lt;a href="https://lobste.rs/s/ab1cdf/help"&gt;Comments&lt;/a&gt;&lt;/p&gt;</description>
<category>meta</category></item></channel></rss>
"""


def _reddit(discussion: str) -> bytes:
    user = "https://www.reddit.com/user/someone"
    post = (
        '<!-- SC_OFF --><div class="md"><p>The paper: '
        '<a href="https://arxiv.org/abs/2611.01234">https://arxiv.org/abs/2611.01234</a></p></div>'
        f'<!-- SC_ON --> &#32; submitted by &#32; <a href="{user}"> /u/someone </a> <br/> '
        f'<span><a href="{discussion}">[link]</a></span> &#32; '
        f'<span><a href="{discussion}">[comments]</a></span>'
    )
    other = post.replace("https://arxiv.org/abs/2611.01234", "https://example.org/")
    return (
        '<?xml version="1.0" encoding="UTF-8"?><feed xmlns="http://www.w3.org/2005/Atom" '
        'xmlns:media="http://search.yahoo.com/mrss/"><category term="x" label="r/x"/>'
        "<updated>2026-11-20T11:00:00+00:00</updated><id>/r/x/new/.rss?limit=100</id>"
        "<title>newest submissions : x</title>"
        f"<entry><author><name>/u/someone</name><uri>{user}</uri></author>"
        f'<category term="x" label="r/x"/><content type="html">{escape(post)}</content>'
        f'<id>t3_1abc23</id><link href="{discussion}"/>'
        "<updated>2026-11-19T08:00:00+00:00</updated>"
        "<published>2026-11-19T08:00:00+00:00</published>"
        "<title>[R] On Reward Models</title></entry>"
        f'<entry><content type="html">{escape(other)}</content><id>t3_1abc24</id>'
        '<link href="https://www.reddit.com/r/x/comments/1abc24/other/"/>'
        "<updated>2026-11-19T07:00:00+00:00</updated><title>[D] Other</title></entry></feed>"
    ).encode()
