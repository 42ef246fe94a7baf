"""Break things while Meta delivers, and judge what is left; see docs/chaos.md.

Usage: make chaos, or .venv/bin/python scripts/chaos [recipe …] [--deliveries N] [--database NAME]
"""

import signal
import sys
import tempfile
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from types import FrameType

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from scripts.chaos.app import App, running
from scripts.chaos.judge import Outcome, verdict
from scripts.chaos.recipes import BOTH, RECIPES, Recipe
from scripts.chaos.recipes.scene import Scene
from scripts.chaos.stores import SQLITE, Sqlite, binaries, postgresql

LEAST, DEFAULT, MOST = 400, 1600, 20_000
HEAD = (
    f"{'recipe':<33}{'acknowledged':>13}{'stored':>8}{'duplicated':>11}{'lost':>6}"
    f"{'slowest':>10}{'5xx≠503':>9}{'backlog':>9}  verdict"
)
LOG_LINES = 5


def say(text: str) -> None:
    """Print at once, also into a pipe."""
    print(text, flush=True)


def line(recipe: Recipe, store: str, outcome: Outcome, broken: Sequence[str]) -> str:
    """Return the one line of a recipe's run."""
    seen = outcome.evidence
    drained = "never" if seen.drained is None else f"{seen.drained:.1f} s"
    name = f"{recipe.name} {recipe.title}, {store}"
    return (
        f"{name:<41}{len(seen.acknowledged):>5}{len(seen.ledger):>8}{seen.duplicated:>11}"
        f"{seen.lost:>6}{seen.slowest:>8.2f} s{seen.wrong:>9}{drained:>9}  "
        f"{'BROKEN' if broken else 'kept'}: {outcome.note}"
    )


def play(recipe: Recipe, app: App, deliveries: int) -> bool:
    """Run a recipe, print its line; return whether every promise was kept."""
    read = {log: log.stat().st_size for log in app.folder.rglob("*.log")}
    outcome = recipe.run(Scene(recipe.name, app, deliveries))
    broken = verdict(outcome)
    say(line(recipe, app.store.name, outcome, broken))
    for promise in broken:
        say(f"    {promise}")
    for log in sorted(app.folder.rglob("*.log")) if broken else ():
        for text in log.read_bytes()[read.get(log, 0) :].splitlines()[-LOG_LINES:]:
            say(f"    {log.name}: {text.decode(errors='replace')}")
    return not broken


def play_all(store: str, recipes: Sequence[Recipe], folder: Path, deliveries: int) -> bool:
    """Run the recipes one after the other on one database; return whether all were kept."""
    with ExitStack() as stack:
        if store == SQLITE:
            app = stack.enter_context(running(Sqlite(folder), folder / "app"))
        elif programs := binaries():
            cluster = stack.enter_context(postgresql(programs, folder / "cluster"))
            app = stack.enter_context(running(cluster, folder / "app"))
        else:
            say("PostgreSQL's server programs are not installed: its recipes are not run.")
            return True
        return all([play(recipe, app, deliveries) for recipe in recipes])


def arguments() -> Namespace:
    """Read the command line."""
    names = ", ".join(recipe.name for recipe in RECIPES)
    parser = ArgumentParser(prog="make chaos", description=__doc__)
    parser.add_argument("recipes", nargs="*", help=f"which (default: all): {names}")
    parser.add_argument("--deliveries", type=int, default=DEFAULT, help="how many each")
    parser.add_argument("--database", choices=BOTH, help="one database only")
    given = parser.parse_args()
    if not LEAST <= given.deliveries <= MOST:
        parser.error(f"between {LEAST} and {MOST} deliveries, please")
    unknown = [word for word in given.recipes if not any(r.is_meant_by(word) for r in RECIPES)]
    if unknown:
        parser.error(f"no such recipe: {', '.join(unknown)}; there are {names}")
    return given


def ends(_number: int, _frame: FrameType | None) -> None:
    """Leave through every `finally`, so that nothing keeps running."""
    raise KeyboardInterrupt


def main() -> int:
    """Run what was asked for; return 1 if a promise was broken."""
    signal.signal(signal.SIGTERM, ends)
    given = arguments()
    started = time.monotonic()
    kept = True
    say(HEAD)
    for store in [given.database] if given.database else BOTH:
        wanted = [
            recipe
            for recipe in RECIPES
            if store in recipe.stores
            if not given.recipes or any(map(recipe.is_meant_by, given.recipes))
        ]
        if wanted:
            with tempfile.TemporaryDirectory(prefix="chaos-") as folder:
                Path(folder).chmod(0o755)  # PostgreSQL's user has to get to its own part
                kept &= play_all(store, wanted, Path(folder), given.deliveries)
    end = "Every promise was kept" if kept else "PROMISES WERE BROKEN"
    say(f"{end}, {time.monotonic() - started:.0f} s.")
    return 0 if kept else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("Stopped; nothing was judged.")
