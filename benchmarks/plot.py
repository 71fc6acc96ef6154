"""Draw what `benchmarks.size --record FILE` measured, as SVG.

    python -m benchmarks.plot FILE FOLDER

Wants matplotlib besides what tests want (`.venv/bin/python -m pip install matplotlib`). Writes
`keywords.svg`: milliseconds for the newest hundred of a keyword by the number of papers, a panel a
class, a line an engine, asked of a process that was asked others, median and 99th percentile; and
`sizes.svg`: bytes a paper and papers a second. The same figures give the same bytes.
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

COLOURS: Final = {"paperwire": "#b31b1b", "sqlite fts5": "#1f6fb2", "tantivy": "#6b8e23"}
PANELS_PER_ROW: Final = 4
Figures = dict[str, Any]


def main() -> None:
    """Read, draw, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("folder", type=Path)
    options = parser.parse_args()
    figures = [json.loads(line) for line in options.file.read_text().splitlines()]
    mpl.rcParams.update({"svg.hashsalt": "paperwire", "svg.fonttype": "none", "font.size": 9})
    plot_latencies([one for one in figures if "new" in one], options.folder / "keywords.svg")
    plot_sizes([one for one in figures if "papers_a_second" in one], options.folder / "sizes.svg")


def plot_latencies(figures: Sequence[Figures], path: Path) -> None:
    """A panel a class."""
    classes = list(dict.fromkeys(one["class"] for one in figures))
    down = -(-len(classes) // PANELS_PER_ROW)
    figure, panels = plt.subplots(
        down, PANELS_PER_ROW, figsize=(11, 2.4 * down), sharex=True, sharey=True, squeeze=False
    )
    for panel, name in zip(panels.flat, classes, strict=False):
        some = [one for one in figures if one["class"] == name]
        for place, style in ((0, "-"), (1, ":")):
            plot_lines(panel, some, [one["new"][place] for one in some], style)
        panel.set(title=name, xscale="log", yscale="log")
        panel.minorticks_off()
    for panel in panels.flat[len(classes) :]:
        panel.axis("off")
    for panel in panels.flat[max(len(classes) - PANELS_PER_ROW, 0) : len(classes)]:
        panel.tick_params(labelbottom=True)  # nothing stands below
    figure.supxlabel("papers")
    figure.supylabel("milliseconds: median, and dotted the 99th percentile")
    handles, labels = panels.flat[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="lower right", frameon=False)
    save_figure(path)


def plot_sizes(figures: Sequence[Figures], path: Path) -> None:
    """Bytes a paper beside papers a second."""
    _, panels = plt.subplots(1, 2, figsize=(8, 3))
    for panel, name, says in zip(
        panels,
        ("bytes_a_paper", "papers_a_second"),
        ("bytes a paper (ours: memory, texts included)", "papers a second, one process"),
        strict=True,
    ):
        plot_lines(panel, figures, [one[name] for one in figures], "-")
        panel.set(title=says, xscale="log", xlabel="papers")
        panel.set_ylim(bottom=0)
    panels[0].legend(frameon=False)
    save_figure(path)


def plot_lines(
    panel: Axes, figures: Sequence[Figures], values: Sequence[float], style: str
) -> None:
    """A line an engine, by the number of papers."""
    for engine, colour in COLOURS.items():
        points = sorted(
            (one["papers"], value)
            for one, value in zip(figures, values, strict=True)
            if one["engine"] == engine
        )
        if points:
            label = engine if style == "-" else None
            panel.plot(
                *zip(*points, strict=True), style, marker="o", ms=3, color=colour, label=label
            )
    panel.grid(alpha=0.3)


def save_figure(path: Path) -> None:
    """Write it, without the date."""
    plt.tight_layout()
    plt.savefig(path, metadata={"Date": None})
    plt.close()


if __name__ == "__main__":
    main()
