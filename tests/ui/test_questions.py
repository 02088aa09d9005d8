"""Airflow's own models on SQLite: questions filed into the history are deleted, of our gates only."""

from __future__ import annotations

import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from airflow.models import import_all_models
from airflow.models.base import Base
from airflow.models.hitl import HITLDetail
from airflow.models.hitl_history import HITLDetailHistory
from airflow.models.taskinstance import TaskInstance
from sqlalchemy import create_engine, event, insert
from sqlalchemy.orm import Session

from livemove.ui.questions import _forget, forget_filed_questions


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    engine = create_engine(f"sqlite:///{tmp_path / 'a.db'}")
    import_all_models()  # tables refer to each other
    Base.metadata.create_all(engine)
    assert forget_filed_questions()
    with Session(engine) as session:
        yield session
    event.remove(HITLDetailHistory, "after_insert", _forget)
    engine.dispose()


def asked_by(session: Session, operator: str) -> uuid.UUID:
    """A task instance with an open question."""
    id_ = uuid.uuid4()
    session.execute(
        insert(TaskInstance.__table__).values(
            id=id_,
            task_id=operator,
            dag_id="d",
            run_id="r",
            map_index=-1,
            try_number=1,
            operator=operator,
            pool="p",
            pool_slots=1,
            max_tries=1,
            priority_weight=1,
        )
    )
    session.execute(
        insert(HITLDetail.__table__).values(
            ti_id=id_,
            subject="s",
            body="the first evidence",
            options=["Proceed"],
            multiple=False,
            params={},
            params_input={},
        )
    )
    return id_


def file_away(session: Session, id_: uuid.UUID) -> None:
    """As Airflow does when a task is cleared or retried."""
    session.add(HITLDetailHistory(session.get(HITLDetail, id_)))
    session.commit()
    session.expunge_all()


def test_a_gates_question_is_forgotten_once_it_is_in_the_history(session: Session) -> None:
    id_ = asked_by(session, "MigrationGate")
    file_away(session, id_)
    assert session.get(HITLDetail, id_) is None
    filed = session.get(HITLDetailHistory, id_)
    assert filed is not None
    assert filed.body == "the first evidence"


def test_other_peoples_questions_stay_as_airflow_keeps_them(session: Session) -> None:
    ours, theirs = asked_by(session, "MigrationGate"), asked_by(session, "HITLOperator")
    file_away(session, theirs)
    assert session.get(HITLDetail, theirs) is not None
    assert session.get(HITLDetail, ours) is not None


def test_listening_twice_is_listening_once(session: Session) -> None:
    assert forget_filed_questions()
    id_ = asked_by(session, "MigrationGate")
    file_away(session, id_)
    assert session.get(HITLDetail, id_) is None


def test_in_a_process_without_airflows_models_nothing_is_loaded() -> None:
    code = (
        "import sys; from livemove.ui.questions import forget_filed_questions as f; print(f(), 'airflow' in"
        " sys.modules)"
    )
    plugins = Path(__file__).parents[2] / "plugins"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=60,
        env={"PYTHONPATH": str(plugins)},
    )
    assert done.stdout.split() == ["False", "False"], done.stderr
