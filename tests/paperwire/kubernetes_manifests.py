"""The Kubernetes resources as kustomize writes them, judged by the schemas of Kubernetes."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import kubernetes_validate
import pytest
import yaml

Manifest = dict[str, Any]

KUBERNETES: Final = "1.33"
DEPLOY: Final = Path(__file__).parents[2] / "deploy"
_KUBECTL: Final = shutil.which("kubectl")


def render_manifests(folder: Path, edit: Callable[[str], str] = str) -> list[Manifest]:
    """Return all resources, from a copy in `folder` whose kustomization was edited."""
    if _KUBECTL is None:
        pytest.skip("no kubectl: apt-get install kubernetes-client")
    copy = shutil.copytree(DEPLOY, folder / "deploy")
    (copy / "kubernetes" / "store_password").write_text("secret")
    kustomization = copy / "kustomization.yaml"
    kustomization.write_text(edit(kustomization.read_text("utf-8")))
    command = [_KUBECTL, "kustomize", str(copy)]
    rendered = subprocess.run(command, capture_output=True, text=True, check=True)
    return list(yaml.safe_load_all(rendered.stdout))


def named(manifests: list[Manifest], kind: str, name: str) -> Manifest:
    """Return the one resource of a kind and a name."""
    (found,) = [m for m in manifests if (m["kind"], m["metadata"]["name"]) == (kind, name)]
    return found


def validate(manifest: Manifest) -> None:
    """Raise ValidationError if a resource does not follow its schema."""
    kubernetes_validate.validate(manifest, KUBERNETES, strict=True)


def assert_valid(manifests: list[Manifest]) -> None:
    """Check that all resources follow their schemas and are in the namespace."""
    for manifest in manifests:
        validate(manifest)
        assert manifest["kind"] == "Namespace" or manifest["metadata"]["namespace"] == "paperwire"
