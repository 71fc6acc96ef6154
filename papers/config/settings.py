"""Every setting: one field each, with its default and its purpose.

Order of precedence: environment `PAPERWIRE_NAME`, environment `PAPERWIRE_NAME_FILE` (the path of a
file that holds the value: for secrets), the TOML file, the default. `REDIS_URL` is read if
`PAPERWIRE_REDIS_URL` is not set. In the environment, lists are comma-separated and tables are
`name=value` pairs separated by semicolons. `docs/reference/settings.md` lists the same fields; a
test compares the two.
"""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from papers.command_name import program_name
from papers.config.checks import find_settings_errors
from papers.config.setting_field import setting, unknown_setting_error
from papers.config.url_secrets import with_password
from papers.config.values import parse_value, read_secret_file, toml_value
from papers.errors import BadSettings

Seconds = float
WILDCARD_HOSTS: Final = ("0.0.0.0", "::")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Validated settings, in the order of the configuration file."""

    categories: tuple[str, ...] = setting(
        ("cs.AI", "cs.CL", "cs.CV", "cs.LG", "stat.ML"),
        "arXiv categories whose announcements are fetched.",
        heading="sources",
    )
    huggingface: bool = setting(True, "Whether Hugging Face Daily Papers are fetched.")
    fill_papers: int = setting(
        200,
        "Papers that the initial fetch of a new keyword requests from arXiv's API; 0: none.",
        between=(0, 2_000),
    )
    contact: str = setting(
        "", "Mail address or URL of the operator; sent to upstreams in the User-Agent."
    )

    host: str = setting("127.0.0.1", "Address the web server listens on.", heading="web server")
    port: int = setting(
        8000, "Port the web server listens on; if taken, the next free one.", between=(0, 65_535)
    )
    public_url: str = setting(
        "",
        "The address readers see, with a path if it has one; empty: http://HOST:PORT.",
    )
    trusted_hosts: tuple[str, ...] = setting(
        (), "Host headers answered beside the public one; others get a 400."
    )
    trusted_proxies: tuple[str, ...] = setting(
        (), "Networks (CIDR) of proxies whose X-Forwarded-For names the client; empty: none."
    )
    token: str = setting(
        "",
        "Token for writing over HTTP, or its `sha256:` digest; empty: `up` makes a local one.",
        secret=True,
    )
    questions_per_minute: int = setting(
        120,
        "Processor time a client's new searches may take per web process and minute, "
        "in 0.1 s; 0: no limit.",
        between=(0, 1_000_000),
    )
    custom_answers: int = setting(
        20_000,
        "Responses to custom keywords whose validators the store keeps; the oldest are evicted.",
        between=(0, 1_000_000),
    )
    websub_hub: str = setting(
        "",
        "The WebSub hub to notify when a saved keyword's feed changes; empty: none.",
        is_url=True,
    )
    cache_seconds: int = setting(
        1800,
        "Seconds that readers and proxies may cache a feed (Cache-Control max-age).",
        between=(0, 86_400),
    )
    thumbnails: bool = setting(
        False, "Whether pages show thumbnails of picks, which a worker fetches into data_dir."
    )

    smtp_url: str = setting(
        "",
        "The mail server, as smtp://USER@HOST:PORT or smtps://…; empty: no mail is sent.",
        heading="e-mail digests",
    )
    smtp_password: str = setting("", "The password of the mail server's user.", secret=True)
    mail_from: str = setting("", "Sender of mails; empty: paperwire@ and the public host.")
    mail_to: str = setting("", "Recipient of the digests: the operator.")
    mail_daily: tuple[str, ...] = setting(
        (), "Saved keywords, as in their URLs, whose papers of each day are mailed at its end."
    )
    mail_weekly: tuple[str, ...] = setting((), "The same, with the papers of each week.")

    data_dir: str = setting(
        "data",
        "Folder for the embedded store and the last good feeds, relative to the TOML file.",
        heading="storage",
    )
    redis_url: str = setting(
        "",
        "The store, as redis://, rediss://, unix:// or redis+sentinel:// URL; empty: embedded.",
        secret=True,
    )
    store_url: str = setting(
        "",
        "A Redis Cluster for papers and index, as redis:// or rediss:// URL of any of its nodes; "
        "empty: they are kept in redis_url.",
        secret=True,
    )
    redis_password: str = setting(
        "",
        "The store's password, if redis_url has none, and of the user of store_url likewise; best "
        "as PAPERWIRE_REDIS_PASSWORD_FILE.",
        secret=True,
    )
    keep_months: int = setting(
        0,
        "Months of papers to keep, this one included; 0: all. Older papers are removed.",
        between=(0, 1_200),
    )
    backup_dir: str = setting(
        "", "Folder for daily backups, relative to data_dir; empty: none are made."
    )
    backup_daily: int = setting(7, "Days of which the newest backup is kept.", between=(1, 366))
    backup_weekly: int = setting(4, "Weeks of which it is kept.", between=(0, 520))

    web_processes: int = setting(
        2, "Web server processes.", between=(1, 64), heading="processes and limits"
    )
    worker_processes: int = setting(1, "RQ worker processes that `up` starts.", between=(1, 64))
    log_level: str = setting(
        "info", "debug, info, warning or error.", choices=("debug", "info", "warning", "error")
    )
    log_requests: bool = setting(
        False, "Log a line for each request: network of the client and path, no query."
    )

    arxiv_interval: Seconds = setting(
        3.0,
        "Seconds between two requests to arXiv, from all processes together.",
        between=(0.0, 3600.0),
        heading="fetching",
    )
    fetch_timeout: Seconds = setting(
        20.0, "Seconds an upstream may stay silent.", between=(0.1, 600.0)
    )
    fetch_deadline: Seconds = setting(
        90.0, "Seconds one whole response may take.", between=(0.1, 3600.0)
    )
    fetch_bytes: int = setting(
        32_000_000,
        "Bytes one response may have, after decompression.",
        between=(1_000, 1_000_000_000),
    )
    allowed_networks: tuple[str, ...] = setting(
        (), "Private networks (CIDR) that upstreams may be in; empty: none."
    )
    arxiv_feed_url: str = setting(
        "https://rss.arxiv.org/atom", "Where arXiv's announcement feeds are.", is_url=True
    )
    arxiv_api_url: str = setting(
        "https://export.arxiv.org/api/query", "Where arXiv's API is.", is_url=True
    )
    arxiv_oai_url: str = setting(
        "https://oaipmh.arxiv.org/oai",
        "Where arXiv's OAI-PMH is; empty: no daily harvest.",
        is_url=True,
    )
    huggingface_url: str = setting("https://huggingface.co", "Where Hugging Face is.", is_url=True)

    keywords: dict[str, str] = setting(
        {
            "Hallucination": "hallucination",
            "MLLM": 'mllm OR "multimodal large language model" OR "multimodal llm"',
            "Reasoning": "reasoning",
            "Reward Model": '"reward model"',
        },
        "Name to query: keywords that a start saves, each once; change them later by command.",
        heading="tables; in TOML they must come last",
    )
    communities: dict[str, str] = setting(
        {}, "Community feeds (RSS or Atom) whose entries link to arXiv: name to URL."
    )

    def __post_init__(self) -> None:
        for error in find_settings_errors(self):
            raise BadSettings(error)

    @property
    def base_url(self) -> str:
        """The public address, without a slash at the end.

        Without `public_url` it is that of this machine alone if the server listens everywhere.
        """
        host = "localhost" if self.listens_everywhere else self.host
        host = f"[{host}]" if ":" in host else host
        return self.public_url.rstrip("/") or f"http://{host}:{self.port}"

    @property
    def listens_everywhere(self) -> bool:
        """Whether `host` stands for every address of this machine."""
        return self.host in WILDCARD_HOSTS

    @property
    def user_agent(self) -> str:
        """The User-Agent header of requests to upstreams."""
        contact = f"; {self.contact}" if self.contact else ""
        return f"Paperwire/0.1 (+https://arxiv.org/help/api{contact})"


def load_settings(path: Path | None, environ: Mapping[str, str]) -> Settings:
    """Load settings from a TOML file (or none) and the environment.

    Raises BadSettings, which names the setting, the reason and the remedy.
    """
    values = _from_toml(path) if path else {}
    values |= _from_environment(environ)
    if path and not Path(values.get("data_dir", "data")).is_absolute():
        values["data_dir"] = str(path.resolve().parent / values.get("data_dir", "data"))
    settings = Settings(**values)
    if settings.redis_url and settings.redis_password:
        url = with_password(settings.redis_url, settings.redis_password)
        settings = dataclasses.replace(settings, redis_url=url)
    if "@" in settings.store_url:  # nodes without users would refuse a password
        url = with_password(settings.store_url, settings.redis_password)
        settings = dataclasses.replace(settings, store_url=url)
    return settings


def config_path(environ: Mapping[str, str]) -> Path | None:
    """Return the TOML file to use: `PAPERWIRE_CONFIG`, else `paperwire.toml` here if it exists."""
    if environ.get("PAPERWIRE_CONFIG"):
        return Path(environ["PAPERWIRE_CONFIG"])
    here = Path("paperwire.toml")
    return here if here.is_file() else None


def discover_settings(environ: Mapping[str, str]) -> Settings:
    """Load the settings of this process, from `config_path` and the environment.

    Raises BadSettings.
    """
    return load_settings(config_path(environ), environ)


def _from_toml(path: Path) -> dict[str, Any]:
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise BadSettings(
            f"{path}: {error.strerror}; write one with `{program_name()} init {path}`"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadSettings(f"{path} is not valid TOML: {error}") from error
    return {name: _from_toml_value(path, name, value) for name, value in table.items()}


def _from_toml_value(path: Path, name: str, value: Any) -> Any:
    where = f"{name} in {path}"
    default = _default_of(where, name)
    return toml_value(where, value, default, is_secret=_FIELDS[name].metadata["secret"])


def _from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    texts = {"redis_url": environ["REDIS_URL"]} if environ.get("REDIS_URL") else {}
    for variable, text in environ.items():
        if not variable.startswith("PAPERWIRE_") or variable == "PAPERWIRE_CONFIG":
            continue
        name = variable.removeprefix("PAPERWIRE_").lower()
        if name.endswith("_file") and f"PAPERWIRE_{name[:-5].upper()}" not in environ:
            texts[name[:-5]] = read_secret_file(variable, text)
        elif not name.endswith("_file"):
            texts[name] = text
    return {name: _from_variable(name, text) for name, text in texts.items()}


def _from_variable(name: str, text: str) -> Any:
    where = f"PAPERWIRE_{name.upper()}"
    return parse_value(where, text, _default_of(where, name))


def _default_of(where: str, name: str) -> Any:
    if name in _FIELDS:
        return getattr(Settings(), name)
    raise unknown_setting_error(where, name, _FIELDS)


_FIELDS: Final = {field.name: field for field in dataclasses.fields(Settings)}
