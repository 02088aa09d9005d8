"""The writes go back to the data centre, from wherever they are: what is half done is finished first."""

from __future__ import annotations

import logging
from collections.abc import Callable

from livemove.core import return_path
from livemove.core.acts import Parts, read_row
from livemove.core.switchover import Switchover
from livemove.errors import PersonMustDecide
from livemove.ports import ControlState, Json
from livemove.spec import Side

log = logging.getLogger(__name__)


def go_back(
    parts: Parts, switchover: Callable[[Side], Switchover], prepare_return: Callable[[Parts], Json]
) -> Json:
    """Make the source the owner; {"epoch", "owner", "says", ...}. `prepare_return` readies the way after next.

    Raises what the switchover raises; nothing is lost on the way, because the return path brought every write.
    """
    source, target = (read_row(parts.control[side], parts.clock) for side in (Side.SOURCE, Side.TARGET))
    if source and source.state is ControlState.OPEN and source.epoch == 1:
        return {"epoch": 1, "owner": "source", "says": "the source owns the writes and never gave them away"}
    if source and source.state is ControlState.CEDED:
        log.info("%s: the move to the target is committed; it is finished first", source)
        switchover(Side.TARGET).run()
        target = read_row(parts.control[Side.TARGET], parts.clock)
    if target and target.state is ControlState.OPEN:
        return_path.run(parts)
        prepare_return(parts)
    document = switchover(Side.SOURCE).run()
    now = read_row(parts.control[Side.SOURCE], parts.clock)
    if now is None or now.state is not ControlState.OPEN:
        raise PersonMustDecide(
            f"After the move back the source says {now}", owner="nobody can tell who", changed=True
        )
    if now.epoch > 1:
        return_path.run(parts)
    return {"owner": "source", "says": f"the source owns the writes since epoch {now.epoch}", **document}
