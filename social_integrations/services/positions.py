"""How far a reconciliation has come, as the text its row keeps."""

import json
from dataclasses import asdict, dataclass, replace

from social_integrations.graph.conversations import READABLE, ThreadPage

# Cursors that lead in a circle must come to an end; no real account has so many conversations.
MAX_PAGES = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """What is left to do; every step goes from one position to the next."""

    part: int = 0
    """The job of this number works on the run; any other job of it is out of date."""
    threads: tuple[str, ...] = ()
    """Conversations of the page read last that are still to be looked at."""
    mids: tuple[str, ...] = ()
    """Messages of the first of them that have to be read one by one."""
    room: int = READABLE
    """How many messages of that conversation can still be readable."""
    after: str = ""
    """Meta's cursor of the next page."""
    pages: int = 0
    is_last_page: bool = False
    expand: bool = True
    """Whether Meta gives the messages of a conversation with their content."""
    faults: int = 0
    """How often in a row Meta failed to answer the next question."""
    skipped: int = 0
    """Conversations and messages given up because of such faults."""

    @property
    def is_end(self) -> bool:
        """Whether nothing is left to do."""
        return self.is_last_page and not self.threads

    def listed(self, page: ThreadPage, threads: tuple[str, ...]) -> "Position":
        """Return the position after a page was read, of which some threads are worth a look."""
        pages = self.pages + 1
        return replace(
            self,
            threads=threads,
            after=page.after,
            pages=pages,
            is_last_page=not page.after or pages >= MAX_PAGES,
            faults=0,
        )

    def thread_done(self) -> "Position":
        """Return the position after the first thread."""
        return replace(self, threads=self.threads[1:], mids=(), room=READABLE, faults=0)

    def thread_opened(self, mids: tuple[str, ...]) -> "Position":
        """Return the position once it is known which messages have to be read one by one."""
        return replace(self, mids=mids, faults=0) if mids else self.thread_done()

    def message_done(self, *, was_readable: bool) -> "Position":
        """Return the position after the first of the messages read one by one."""
        room = self.room - was_readable
        rest = self.mids[1:] if room > 0 else ()
        return replace(self, room=room).thread_opened(rest)

    def faulted(self) -> "Position":
        """Return the position after Meta failed once more to answer."""
        return replace(self, faults=self.faults + 1)

    def given_up(self) -> "Position":
        """Return the position past what Meta keeps failing to answer."""
        onward = self.message_done(was_readable=False) if self.mids else self.thread_done()
        return replace(onward, skipped=self.skipped + 1)

    def next_part(self) -> "Position":
        """Return the same position for the next job."""
        return replace(self, part=self.part + 1)


def write_position(position: Position) -> str:
    """Return the text a run keeps."""
    return json.dumps(asdict(position), separators=(",", ":"))


def read_position(text: str) -> Position:
    """Return the position a run's text holds; the empty text is the beginning."""
    if not text:
        return Position()
    kept = json.loads(text)
    return Position(**kept | {"threads": tuple(kept["threads"]), "mids": tuple(kept["mids"])})
