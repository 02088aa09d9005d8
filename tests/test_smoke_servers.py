from lab.mariadb import Server
from livemove.adapters.mariadb import Login, MariaDb
from livemove.spec import Side


def test_two_servers_start_and_answer(source_server: Server, target_server: Server) -> None:
    for side, server in zip(Side, (source_server, target_server), strict=True):
        with MariaDb(side, Login(server.address, server.port, "root", "root")) as db:
            assert db.one("SELECT @@port AS p, @@hostname h")["p"] == server.port
