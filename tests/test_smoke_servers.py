from lab.mariadb import Server
from livemove.model.spec import Side
from livemove.runtime.mariadb import Login, MariaDb


def test_two_servers_start_and_answer(source_server: Server, target_server: Server) -> None:
    for side, server in zip(Side, (source_server, target_server), strict=True):
        with MariaDb(side, Login(server.address, server.port, "root", "root")) as db:
            assert db.one("SELECT @@port AS p, @@hostname h")["p"] == server.port


def test_a_server_that_starts_leaves_the_temporary_tables_of_others_alone(
    source_server: Server, target_server: Server
) -> None:
    """It removes every #sql file of its tmpdir; a server that loses one under way crashes."""
    of_another = source_server.scratch / "#sql-temptable-1-2-3.MAI"
    of_another.write_text("in use")
    target_server.stop()
    target_server.start()
    assert of_another.exists()
    of_another.unlink()
