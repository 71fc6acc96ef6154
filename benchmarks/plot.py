"""Plot the figures of `benchmarks.size` or `benchmarks.many_keywords` with `--record FILE` as SVG.

    python -m benchmarks.plot FILE FOLDER

Requires matplotlib in addition to the test dependencies (`.venv/bin/python -m pip install
matplotlib`). Writes `keywords.svg`: milliseconds for the newest hundred matches by number of
papers, one panel per class, one line per engine, for new queries in a warm process, median and
99th percentile; and `sizes.svg`: bytes per paper and papers per second. Of the other benchmark,
`many_keywords.svg`: rates, pages and memory by number of saved keywords. The output is
reproducible.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
import matplotlib.pyplot as plt
from matplotlib.axes import Axes

COLORS: Final = {
    "paperwire": "#b31b1b",
    "sqlite fts5": "#1f6fb2",
    "tantivy": "#6b8e23",
    "xapian": "#8a6d3b",
}
PANELS_PER_ROW: Final = 4
Figures = dict[str, Any]


def main() -> None:
    """Read the figures and write the plots."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("folder", type=Path)
    options = parser.parse_args()
    figures = [json.loads(line) for line in options.file.read_text().splitlines()]
    mpl.rcParams.update({"svg.hashsalt": "paperwire", "svg.fonttype": "none", "font.size": 9})
    if by_keywords := [one for one in figures if "rate_304" in one]:
        plot_many_keywords(by_keywords, options.folder / "many_keywords.svg")
        return
    plot_latencies([one for one in figures if "new" in one], options.folder / "keywords.svg")
    plot_sizes([one for one in figures if "papers_a_second" in one], options.folder / "sizes.svg")


def plot_latencies(figures: Sequence[Figures], path: Path) -> None:
    """Plot one panel per class."""
    classes = list(dict.fromkeys(one["class"] for one in figures))
    rows = -(-len(classes) // PANELS_PER_ROW)
    figure, panels = plt.subplots(
        rows, PANELS_PER_ROW, figsize=(11, 2.4 * rows), sharex=True, sharey=True, squeeze=False
    )
    for panel, name in zip(panels.flat, classes, strict=False):
        of_class = [one for one in figures if one["class"] == name]
        for index, style in ((0, "-"), (-1, ":")):
            plot_lines(panel, of_class, [one["new"][index] for one in of_class], style)
        panel.set(title=name, xscale="log", yscale="log")
        panel.minorticks_off()
    for panel in panels.flat[len(classes) :]:
        panel.axis("off")
    for panel in panels.flat[max(len(classes) - PANELS_PER_ROW, 0) : len(classes)]:
        panel.tick_params(labelbottom=True)  # the panel below is empty
    figure.supxlabel("papers")
    figure.supylabel("milliseconds: median, and 99th percentile (dotted)")
    handles, labels = panels.flat[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="lower right", frameon=False)
    save_figure(path)


def plot_sizes(figures: Sequence[Figures], path: Path) -> None:
    """Plot bytes per paper beside papers per second."""
    _, panels = plt.subplots(1, 2, figsize=(8, 3))
    for panel, name, title in zip(
        panels,
        ("bytes_a_paper", "papers_a_second"),
        ("bytes per paper (ours: memory, including texts)", "papers per second, one process"),
        strict=True,
    ):
        plot_lines(panel, figures, [one[name] for one in figures], "-")
        panel.set(title=title, xscale="log", xlabel="papers")
        panel.set_ylim(bottom=0)
    panels[0].legend(frameon=False)
    save_figure(path)


def plot_many_keywords(figures: Sequence[Figures], path: Path) -> None:
    """Plot rates, milliseconds of pages and memory by number of saved keywords."""
    counts = [one["keywords"] for one in figures]
    _, panels = plt.subplots(1, 3, figsize=(11, 3.6))
    for name in ("304", "200"):
        shares = [100 * one[f"share_{name}"] for one in figures]
        panels[0].plot(counts, shares, marker="o", ms=3, label=f"cached feed, {name}")
    for page in figures[0]["pages"]:
        cpu = [one["pages"][page][1] for one in figures]
        panels[1].plot(counts, cpu, marker="o", ms=3, label=page)
    for kind in sorted(figures[0]["memory"]):
        sizes = [one["memory"].get(kind, 0.0) for one in figures]
        panels[2].plot(counts, sizes, marker="o", ms=3, label=kind)
    titles = (
        "responses per second, % of those at 4",
        "cold page, ms of processor",
        "memory of processes, MB",
    )
    for panel, title in zip(panels, titles, strict=True):
        panel.set(title=title, xscale="log", xlabel="saved keywords")
        panel.grid(alpha=0.3)
        panel.legend(frameon=False, fontsize=6)
    panels[0].set_ylim(bottom=0)
    panels[1].legend(frameon=False, fontsize=6, loc="center left", bbox_to_anchor=(1, 0.5))
    panels[1].set_yscale("log")
    panels[2].set_ylim(bottom=0)
    save_figure(path)


def plot_lines(
    panel: Axes, figures: Sequence[Figures], values: Sequence[float], style: str
) -> None:
    """Plot one line per engine, by number of papers."""
    for engine, color in COLORS.items():
        points = sorted(
            (one["papers"], value)
            for one, value in zip(figures, values, strict=True)
            if one["engine"] == engine
        )
        if points:
            label = engine if style == "-" else None
            panel.plot(
                *zip(*points, strict=True), style, marker="o", ms=3, color=color, label=label
            )
    panel.grid(alpha=0.3)


def save_figure(path: Path) -> None:
    """Save the current figure, without a date."""
    plt.tight_layout()
    plt.savefig(path, metadata={"Date": None})
    plt.close()


if __name__ == "__main__":
    main()
