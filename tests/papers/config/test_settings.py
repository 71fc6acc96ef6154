from __future__ import annotations

import dataclasses
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from papers.config.redaction import redacted_settings
from papers.config.settings import Settings, config_path, discover_settings, load_settings
from papers.config.sources import SOURCES
from papers.config.template import config_template
from papers.errors import BadSettings

FIELDS = dataclasses.fields(Settings)


def write_toml(folder: Path, text: str) -> Path:
    path = folder / "paperwire.toml"
    path.write_text(text, "utf-8")
    return path


def test_defaults_apply_without_file_and_environment() -> None:
    assert load_settings(None, {}) == Settings()
    assert (
        load_settings(None, {"HOME": "/root", "PAPERWIRE_CONFIG": "/etc/paperwire.toml"})
        == Settings()
    )


# (TOML, setting, value)
FROM_TOML: list[tuple[str, str, Any]] = [
    ("port = 9000", "port", 9000),
    ("arxiv_interval = 5", "arxiv_interval", 5.0),
    ("huggingface = false", "huggingface", False),
    ('categories = ["cs.CL", "cs.LG"]', "categories", ("cs.CL", "cs.LG")),
    ('[keywords]\nMLLM = "mllm OR vlm"', "keywords", {"MLLM": "mllm OR vlm"}),
    ('contact = "mailto:a@example.org"', "contact", "mailto:a@example.org"),
    (
        '[communities]\nours = "https://example.org/f"',
        "communities",
        {"ours": "https://example.org/f"},
    ),
    ('data_dir = "/var/lib/paperwire"', "data_dir", "/var/lib/paperwire"),
]


@pytest.mark.parametrize(("text", "name", "value"), FROM_TOML)
def test_values_from_toml(tmp_path: Path, text: str, name: str, value: object) -> None:
    assert getattr(load_settings(write_toml(tmp_path, text), {}), name) == value


# (variable, its value, setting, parsed value)
FROM_ENVIRONMENT: list[tuple[str, str, str, Any]] = [
    ("PAPERWIRE_PORT", "9000", "port", 9000),
    ("PAPERWIRE_ARXIV_INTERVAL", "3.5", "arxiv_interval", 3.5),
    ("PAPERWIRE_HUGGINGFACE", "False", "huggingface", False),
    ("PAPERWIRE_HUGGINGFACE", "1", "huggingface", True),
    ("PAPERWIRE_CATEGORIES", "cs.CL, cs.LG,", "categories", ("cs.CL", "cs.LG")),
    ("PAPERWIRE_CATEGORIES", "", "categories", ()),
    ("PAPERWIRE_KEYWORDS", "MLLM=mllm;RL=a OR b;", "keywords", {"MLLM": "mllm", "RL": "a OR b"}),
    (
        *("PAPERWIRE_COMMUNITIES", "ours=https://example.org/f?a=b", "communities"),
        {"ours": "https://example.org/f?a=b"},
    ),
    ("PAPERWIRE_REDIS_URL", "redis://one", "redis_url", "redis://one"),
    ("REDIS_URL", "redis://two", "redis_url", "redis://two"),
    ("REDIS_URL", "", "redis_url", ""),
]


@pytest.mark.parametrize(("variable", "text", "name", "value"), FROM_ENVIRONMENT)
def test_values_from_the_environment(variable: str, text: str, name: str, value: object) -> None:
    assert getattr(load_settings(None, {variable: text}), name) == value


def test_precedence_of_environment_file_platform_and_toml(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("redis://from-a-file\n", "utf-8")
    config = write_toml(tmp_path, 'redis_url = "redis://from-toml"')
    environ = {
        "PAPERWIRE_REDIS_URL": "redis://from-the-environment",
        "PAPERWIRE_REDIS_URL_FILE": str(secret),
        "REDIS_URL": "redis://from-the-platform",
    }
    precedence = ["the-environment", "a-file", "the-platform", "toml"]
    for highest in precedence:
        assert load_settings(config, environ).redis_url == f"redis://from-{highest}"
        if environ:
            environ.pop(next(iter(environ)))


def test_data_folder_is_relative_to_the_toml_file(tmp_path: Path) -> None:
    assert load_settings(write_toml(tmp_path, ""), {}).data_dir == str(tmp_path / "data")
    assert load_settings(write_toml(tmp_path, 'data_dir = "here"'), {}).data_dir == str(
        tmp_path / "here"
    )
    assert load_settings(None, {}).data_dir == "data"


# (TOML, the error message)
REFUSED_IN_TOML = [
    ("prot = 9000", "prot in .*: there is no such setting"),
    ('port = "9000"', "port in .*: must be a whole number"),
    ("port = true", "port in .*: must be a whole number"),
    ("port = 70000", "port = 70000: must be 0 to 65535"),
    ("huggingface = 1", "huggingface in .*: must be true or false"),
    ("categories = 'cs.AI'", "categories in .*: must be a list of texts"),
    ("categories = ['cs.AI', 7]", "categories in .*: must be a list of texts"),
    ("keywords = ['MLLM']", "keywords in .*: must be a table of texts"),
    ("[keywords]\nMLLM = 7", "keywords in .*: must be a table of texts"),
    ("contact = 7", "contact in .*: must be a text"),
    ("arxiv_interval = -1", "arxiv_interval = -1.0: must be"),
    ("arxiv_interval = nan", "arxiv_interval = nan: must be"),
    ("fetch_bytes = 10", "fetch_bytes = 10: must be"),
    ("log_level = 'loud'", "log_level = 'loud': must be debug"),
    ("public_url = 'papers.example.org'", "public_url = .* must begin with http"),
    ("arxiv_api_url = 'ftp://arxiv.org'", "arxiv_api_url = .* must begin with http"),
    ("[communities]\narxiv = 'https://a'", "communities: 'arxiv' must be a name"),
    ("[communities]\n'a:b' = 'https://a'", "communities: 'a:b' must be a name"),
    ("[communities]\nours = 'file:///etc'", "communities: ours = .* must begin with http"),
    ("token = 'too short'", "token: shorter than 20 characters; `paperwire token` generates one"),
    ("token = 7777777777777777777777", "token in .*: must be a text$"),
    ("mail_daily = ['Reward Model']", "mail_daily: 'Reward Model': write a keyword as in its URL"),
    ("mail_to = 'me'", "mail_to = 'me': must be a mail address"),
    ('mail_from = "a@b\\nBcc: c@d"', "mail_from = .*: must be a mail address"),
    ("smtp_url = 'smtp://host'", "mail_to: missing"),
    ("smtp_url = 'host'\nmail_to = 'a@b'", "smtp_url: must be like smtp"),
    ("smtp_url = 'smtp://u:pass@host'\nmail_to = 'a@b'", "smtp_url: must not contain a password"),
    ("redis_url = 7777", "redis_url in .*: must be a text$"),
    ("[keywords]\nMLLM = 'mllm'\ntoken = 'sha256:1'", r"token is a setting; .* above \[keywords\]"),
    ("[communities]\npublic_url = 'https://a'", r"is a setting; .* above \[communities\]"),
    ("port = ", "is not valid TOML"),
    ("port = 1\nport = 2", "is not valid TOML"),
]


@pytest.mark.parametrize(("text", "message"), REFUSED_IN_TOML)
def test_invalid_toml_settings_are_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(BadSettings, match=message):
        load_settings(write_toml(tmp_path, text), {})


# (variable, its value, the error message)
REFUSED_IN_ENVIRONMENT = [
    ("PAPERWIRE_PROT", "9000", "PAPERWIRE_PROT: there is no such setting"),
    ("PAPERWIRE_PORT", "many", "PAPERWIRE_PORT: must be a whole number, not 'many'"),
    ("PAPERWIRE_PORT", "", "PAPERWIRE_PORT: must be a whole number, not ''"),
    ("PAPERWIRE_HUGGINGFACE", "maybe", "PAPERWIRE_HUGGINGFACE: must be true or false"),
    ("PAPERWIRE_ARXIV_INTERVAL", "3s", "PAPERWIRE_ARXIV_INTERVAL: must be a number"),
    ("PAPERWIRE_ARXIV_INTERVAL", "nan", "arxiv_interval = nan: must be"),
    ("PAPERWIRE_KEYWORDS", "MLLM", "PAPERWIRE_KEYWORDS: must be a table of texts"),
    ("PAPERWIRE_REDIS_URL_FILE", "/none", "PAPERWIRE_REDIS_URL_FILE = '/none': cannot be read"),
    ("PAPERWIRE_NONE_FILE", "/dev/null", "PAPERWIRE_NONE: there is no such setting"),
]


@pytest.mark.parametrize(("variable", "text", "message"), REFUSED_IN_ENVIRONMENT)
def test_invalid_variables_are_refused(variable: str, text: str, message: str) -> None:
    with pytest.raises(BadSettings, match=message):
        load_settings(None, {variable: text})


def test_missing_and_binary_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match=r"write one with `paperwire init .*none\.toml`"):
        load_settings(tmp_path / "none.toml", {})
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(BadSettings, match="is not valid TOML"):
        load_settings(tmp_path / "bytes.toml", {})


def test_which_file_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert config_path({}) is None
    assert discover_settings({}) == Settings()
    write_toml(tmp_path, "port = 9000")
    assert discover_settings({}).port == 9000
    (tmp_path / "other.toml").write_text("port = 9001", "utf-8")
    named = {"PAPERWIRE_CONFIG": str(tmp_path / "other.toml")}
    assert discover_settings(named).port == 9001
    assert discover_settings(named | {"PAPERWIRE_PORT": "9002"}).port == 9002
    with pytest.raises(BadSettings, match="write one with"):
        discover_settings({"PAPERWIRE_CONFIG": str(tmp_path / "none.toml")})


def test_secrets_and_credentials_in_urls_are_redacted() -> None:
    settings = Settings(redis_url="redis://:secret@store")
    assert redacted_settings(settings)["redis_url"] == "***"
    assert redacted_settings(Settings())["redis_url"] == ""
    assert redacted_settings(settings)["port"] == 8000
    feeds = {"ours": "https://me:pass@ours.example/f?a=b@c", "b": "http://b"}
    redacted = {"ours": "https://***@ours.example/f?a=***", "b": "http://b"}
    assert redacted_settings(Settings(communities=feeds))["communities"] == redacted
    assert set(redacted_settings(settings)) == {field.name for field in FIELDS}


def test_base_url_and_user_agent() -> None:
    settings = Settings(public_url="https://papers.example.org/", contact="mailto:a@example.org")
    assert settings.base_url == "https://papers.example.org"
    assert Settings(port=9000).base_url == "http://127.0.0.1:9000"
    assert "mailto:a@example.org" in settings.user_agent


MAIL = {"PAPERWIRE_MAIL_TO": "me@example.org"}


@pytest.mark.parametrize(
    "name", [f.name for f in FIELDS if f.name.endswith(("_url", "_hub")) and f.name != "redis_url"]
)
def test_every_url_is_checked(name: str) -> None:
    with pytest.raises(BadSettings, match=rf"{name}\b.*: must be"):
        load_settings(None, {f"PAPERWIRE_{name.upper()}": "ftp://example.org", **MAIL})


def test_urls_of_every_source_are_checked() -> None:
    checked = {field.name for field in FIELDS if field.metadata["is_url"]}
    assert {name for spec in SOURCES.values() for name in spec.url_settings} <= checked


def values_of(settings: Settings) -> dict[str, Any]:
    return {field.name: getattr(settings, field.name) for field in FIELDS}


def test_every_setting_is_documented() -> None:
    page = (Path(__file__).parents[3] / "docs" / "reference" / "settings.md").read_text("utf-8")
    rows = [[cell.strip() for cell in line.split("|")] for line in page.splitlines()]
    documented = {row[1].strip("`"): row[3] for row in rows if len(row) == 5 and "`" in row[1]}
    assert documented == {field.name: field.metadata["about"] for field in FIELDS}


def test_template_has_every_setting_once_with_its_default() -> None:
    template = config_template()
    uncommented = re.sub(r"^# (?=\w+ = |\[\w+\]|[\w-]+ = )", "", template, flags=re.MULTILINE)
    values = tomllib.loads(uncommented)
    assert values.pop("communities") == {"reading-group": "https://example.org/papers.xml"}
    defaults = {name: value for name, value in values_of(Settings()).items() if name in values}
    assert list(values) == [field.name for field in FIELDS if field.name != "communities"]
    assert {name: tuple(v) if isinstance(v, list) else v for name, v in values.items()} == defaults
    assert all(field.metadata["about"] in template for field in FIELDS)


def test_template_loads_as_the_defaults(tmp_path: Path) -> None:
    loaded = load_settings(write_toml(tmp_path, config_template()), {})
    assert dataclasses.replace(loaded, data_dir="data") == Settings()


def test_password_of_the_store_may_stand_in_a_file_of_its_own(tmp_path: Path) -> None:
    secret = tmp_path / "store_password"
    secret.write_text("hidden\n")
    environ = {
        "PAPERWIRE_REDIS_URL": "redis://web@store:6379/0",
        "PAPERWIRE_REDIS_PASSWORD_FILE": str(secret),
    }
    settings = load_settings(None, environ)
    assert settings.redis_url == "redis://web:hidden@store:6379/0"
    assert redacted_settings(settings)["redis_password"] == "***"
    del environ["PAPERWIRE_REDIS_URL"]
    assert load_settings(None, environ).redis_url == ""  # the embedded store has no password
