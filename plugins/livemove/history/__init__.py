"""The owner and people's answers, derived once for gates, rollback, console, report and CLI.

Promises: one answer for all of them: owner, epoch, certainty, stage, completed switchovers, whether the way
back is closed, and each question with its end. Where control rows could be read they decide; every answer
says what it rests on.
Enter at: `History(contents, rows)`: `current`, `changes`, `attempts`, `completed_switchovers`,
`way_back_closed_at`, `questions`, `open_questions`. `ownership` (changes of owner, from what attempts left),
`questions` (when a question ends), `task_runs` (which run was at work when). Who owns by the rows alone is
`control/rows`.
Never: reads anything itself, knows a clock or Airflow, decides anything. Nobody else reads documents
`switchover/*` and `promotion/*`, or the events about them, to tell who owns the writes.
"""

from livemove.control.rows import ControlRows, SwitchoverStage
from livemove.history.history import READS, CurrentOwner, History, RestsOn
from livemove.history.questions import Answer, Question

__all__ = [
    "READS",
    "Answer",
    "ControlRows",
    "CurrentOwner",
    "History",
    "Question",
    "RestsOn",
    "SwitchoverStage",
]
