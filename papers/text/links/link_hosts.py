"""What the host and path of a URL say of it: a repository, a data set, a page, a venue, or nothing.

Repositories of code and models, data sets and archives are known by host; pages by the sites that
people build pages on. Publishers, venues and videos are never a paper's code or page.
"""

from __future__ import annotations

import enum
import re
from typing import Final

from papers.text.links.urls import TextUrl


class HostKind(enum.Enum):
    """What is usually found at a URL."""

    REPOSITORY = enum.auto()
    """Code or models: GitHub, GitLab, Hugging Face."""
    OWNER = enum.auto()
    """All repositories of an account."""
    DATASET = enum.auto()
    ARCHIVE = enum.auto()
    """Data, programs, or papers: Zenodo, figshare, a shared drive. The words around it decide."""
    PAGE = enum.auto()
    """A page on a site of pages, such as GitHub Pages."""
    DOCUMENT = enum.auto()
    """A file to read, such as a poster."""
    VENUE = enum.auto()
    """A publisher, a conference, a video."""
    OTHER = enum.auto()


_FORGES: Final = frozenset(
    "github.com gitlab.com codeberg.org bitbucket.org gitee.com gitcode.com huggingface.co hf.co "
    "modelscope.cn sr.ht git.sr.ht".split()
)
_FORGE_HOST: Final = re.compile(r"^(?:git|gitlab|gitea|forgejo)\.[\w-]+\.|^gitlab[\w-]*\.")
"""Self-hosted forges: `gitlab.inria.fr`, `git.tu-berlin.de`."""
_ANONYMOUS_FORGES: Final = frozenset(("anonymous.4open.science", "gist.github.com"))
_PACKAGE_INDEX: Final = re.compile(
    r"^(?:pypi\.org/project/|cran\.r-project\.org/|npmjs\.com/package/|crates\.io/crates/"
    r"|sourceforge\.net/projects/|softwareheritage\.org/|archive\.softwareheritage\.org/"
    r"|hub\.docker\.com/r/|bioconductor\.org/packages/|codeocean\.com/)"
)
_DATASET: Final = re.compile(
    r"^(?:huggingface\.co|hf\.co|modelscope\.cn|kaggle\.com)/datasets/|^(?:data\.mendeley\.com|"
    r"ieee-dataport\.org|physionet\.org/content|openneuro\.org|datadryad\.org|openml\.org)/|"
    r"^(?:[\w-]+\.)?dataverse\.[\w.-]+/|"
    r"^(?:dx\.)?doi\.org/10\.(?:17632|7910|5061|34740|21227|13026|18112|18710|34894)/",
    re.IGNORECASE,
)
_ARCHIVE: Final = re.compile(
    r"^zenodo\.org/|^(?:\w+\.)?figshare\.com/|^osf\.io/|^drive\.google\.com/|^dropbox\.com/|"
    r"^pan\.baidu\.com/|^1drv\.ms/|^(?:\w+\.)?box\.com/|^mega\.nz/|^(?:www\.)?wandb\.ai/|"
    r"^(?:dx\.)?doi\.org/10\.(?:5281/zenodo|6084|17605|24433|25452|5522)|^kaggle\.com/",
    re.IGNORECASE,
)
_PAGE: Final = re.compile(
    r"\.(?:github|gitlab|codeberg|netlify|vercel|pages|web|streamlit|hf|fly|surge|herokuapp|notion|"
    r"onrender|mystrikingly|wixsite|webflow|weebly|framer|readthedocs)\."
    r"(?:io|page|app|dev|space|sh|com|site|ai|website)$|^research\.[\w-]+\.com$"
)
_GOOGLE_SITES: Final = "sites.google.com/view/"
"""Not the older `/site/`: journals used it."""
_DOCUMENT: Final = re.compile(r"\.(?:pdf|pptx?|docx?|mp4|avi|mov|mp3|wav|ps|ps\.gz|bib)$", re.I)
_VENUES: Final = frozenset(
    "doi.org dx.doi.org arxiv.org youtube.com youtu.be m.youtube.com vimeo.com bilibili.com "
    "openreview.net researchgate.net academia.edu ssrn.com papers.ssrn.com hdl.handle.net "
    "twitter.com x.com linkedin.com imstat.org isi.cbs.nl dl.acm.org acm.org ieeexplore.ieee.org "
    "link.springer.com springer.com nature.com sciencedirect.com onlinelibrary.wiley.com mdpi.com "
    "frontiersin.org plos.org journals.plos.org plosone.org aclanthology.org aclweb.org jair.org "
    "jmlr.org ceur-ws.org eptcs.org lmcs-online.org episciences.org edaa.com "
    "openaccess.thecvf.com proceedings.mlr.press papers.nips.cc proceedings.neurips.cc "
    "projecteuclid.org jstor.org tandfonline.com iopscience.iop.org journals.aps.org "
    "creativecommons.org wikipedia.org en.wikipedia.org orcid.org scholar.google.com "
    "semanticscholar.org hal.science inria.hal.science hal.archives-ouvertes.fr biorxiv.org "
    "underline.io discord.gg "
    "medrxiv.org ncbi.nlm.nih.gov pubmed.ncbi.nlm.nih.gov web.archive.org".split()
)
_NO_OWNERS: Final = frozenset(
    "about blog collections contact customer-stories docs events explore features join learn login "
    "marketplace models papers pricing search security settings site sponsors tasks topics "
    "trending".split()
)
"""First parts of a path on a forge that are not accounts."""
_NO_REPOSITORY: Final = frozenset("issues pull pulls discussions wiki merge_requests".split())
"""Parts of a path that lead to discussions of a repository."""
_ACCOUNT_PREFIXES: Final = ("orgs", "collections", "spaces", "models", "groups", "users")


def classify_url(url: TextUrl) -> HostKind:
    """Return what the host and path of a URL say of it."""
    host, path = url.host, url.path
    located = f"{host}/{path}"
    if _DATASET.match(located):
        return HostKind.DATASET
    if _ARCHIVE.match(located) and path.strip("/"):
        return HostKind.ARCHIVE
    if host in _FORGES or host in _ANONYMOUS_FORGES or _FORGE_HOST.match(host):
        return _classify_forge_path(host, path)
    if _PACKAGE_INDEX.match(f"{located}/"):
        return HostKind.REPOSITORY
    if host in _VENUES:
        return HostKind.VENUE
    if _DOCUMENT.search(path):
        return HostKind.DOCUMENT
    is_page = _PAGE.search(host) or located.startswith(_GOOGLE_SITES)
    return HostKind.PAGE if is_page else HostKind.OTHER


def _classify_forge_path(host: str, path: str) -> HostKind:
    parts = [part for part in path.split("/") if part]
    if host in _ANONYMOUS_FORGES:
        return HostKind.REPOSITORY if parts else HostKind.OTHER
    if parts and parts[0] in _ACCOUNT_PREFIXES and len(parts) > 1:
        return HostKind.REPOSITORY if len(parts) > 2 else HostKind.OWNER
    if not parts or parts[0].lower() in _NO_OWNERS or not _NO_REPOSITORY.isdisjoint(parts[2:4]):
        return HostKind.VENUE
    return HostKind.REPOSITORY if len(parts) > 1 else HostKind.OWNER
