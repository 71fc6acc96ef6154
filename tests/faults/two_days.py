"""Two days of a simulated arXiv, in which everything happens that can happen to a paper."""

from __future__ import annotations

from papers.model.arxiv_id import ArxivId
from paperwire.simulator.upstream import Upstream
from paperwire.simulator.world.manuscripts import Manuscript


def first_day(world: Upstream) -> list[ArxivId]:
    """Announce thirty papers in two categories, and pick some."""
    ids = [
        world.announce(
            Manuscript(
                title=f"Paper {n} on reward models",
                abstract=f"We reason about topic {n % 5} of {n}.",
                categories=("cs.CL",) if n % 2 else ("cs.LG", "cs.CL"),
            )
        )
        for n in range(30)
    ]
    for id in ids[:6]:
        world.pick(id, votes=2)
    world.pick(ids[3], "weekly")
    return ids


def second_day(world: Upstream, known: list[ArxivId], *, moves: bool = True) -> None:
    """Change everything that can change; with `moves` on the following day."""
    if moves:
        world.next_day()
    for id in known[:8]:
        world.revise(id, title=f"{world.preprint(id).newest.text.title}, revised")
    world.withdraw(known[8])
    world.cross_list(known[9], "cs.LG")
    fresh = [world.announce(Manuscript(title=f"Later paper {n}")) for n in range(10)]
    elsewhere = world.announce(Manuscript(title="Elsewhere", categories=("hep-th",)))
    for id in (*known[4:10], *fresh[:3]):
        world.pick(id, votes=5)
    for id in (known[3], known[20], elsewhere):
        world.pick(id, "weekly")
