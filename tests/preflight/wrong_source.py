"""A source with everything wrong that one server can have at once, for tests and the docs' picture."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pymysql

from lab.mariadb import Server

OPTIONS = {
    "skip_log_bin": "1",
    "binlog_format": "STATEMENT",
    "binlog_row_image": "MINIMAL",
    "binlog_checksum": "CRC32",
    "log_bin_compress": "ON",
    "sync_binlog": "0",
    "innodb_flush_log_at_trx_commit": "2",
    "event_scheduler": "DISABLED",
    "net_read_timeout": "30",
    "net_write_timeout": "60",
    "max_statement_time": "600",
    "max_allowed_packet": "1M",
    "sql_mode": "",
    "default_time_zone": "+05:45",
    "lower_case_table_names": "1",
}

SCRIPT = """
CREATE OR REPLACE DATABASE stays CHARACTER SET utf8mb4;
CREATE TABLE stays.countries (code CHAR(2) PRIMARY KEY) ENGINE=InnoDB;
CREATE OR REPLACE DATABASE shop CHARACTER SET latin1;
USE shop;
CREATE TABLE kept (
  id INT PRIMARY KEY, doc TEXT, photo MEDIUMBLOB, at DATETIME, born DATE DEFAULT '0000-00-00',
  kind ENUM('a', 'b')
);
INSERT INTO kept VALUES
  (1, 'short', REPEAT('x', 700000), '0000-00-00', '2001-01-01', 'a'), (2, NULL, '', NULL, NULL, 'b');
CREATE TABLE no_key (id INT, u INT NULL, UNIQUE KEY (u));
CREATE TABLE only_unique (id INT NOT NULL, UNIQUE KEY (id));
CREATE TABLE old_style (id INT PRIMARY KEY) ENGINE=MyISAM;
CREATE TABLE fleeting (id INT PRIMARY KEY) ENGINE=MEMORY;
CREATE TABLE remembered (id INT PRIMARY KEY) WITH SYSTEM VERSIONING;
CREATE SEQUENCE numbers;
CREATE TABLE odd (
  id INT PRIMARY KEY, u UUID, a INET6, k VARCHAR(20) CHARACTER SET euckr, hidden INT INVISIBLE DEFAULT 1,
  twice INT AS (id * 2) STORED
);
CREATE TABLE parts (id INT PRIMARY KEY) PARTITION BY HASH (id) PARTITIONS 4;
CREATE TABLE child (
  id INT PRIMARY KEY, k INT,
  CONSTRAINT goes FOREIGN KEY (k) REFERENCES kept (id) ON DELETE CASCADE ON UPDATE SET NULL
);
CREATE TABLE leads_out (
  id INT PRIMARY KEY, c CHAR(2) CHARACTER SET utf8mb4,
  CONSTRAINT leaves FOREIGN KEY (c) REFERENCES stays.countries (code)
);
CREATE VIEW seen AS SELECT id FROM kept;
CREATE TRIGGER counts BEFORE INSERT ON kept FOR EACH ROW SET @n = 1;
CREATE DEFINER=gone@nowhere PROCEDURE haunted() SELECT 1;
CREATE OR REPLACE ROLE mighty;
GRANT SUPER ON *.* TO mighty;
CREATE OR REPLACE USER shop_app@'%' IDENTIFIED BY 'x';
GRANT mighty TO shop_app@'%';
GRANT CREATE ROUTINE ON shop.* TO shop_app@'%';
CREATE OR REPLACE USER shop_app@'10.%' IDENTIFIED BY 'x';
GRANT READ ONLY ADMIN ON *.* TO shop_app@'10.%';
CREATE OR REPLACE USER batch@'%' IDENTIFIED BY 'b';
CREATE OR REPLACE USER livemove_read@'%' IDENTIFIED BY 'r';
GRANT SELECT ON *.* TO livemove_read@'%';
"""


@contextmanager
def busy(server: Server) -> Iterator[None]:
    """An open transaction, a prepared XA transaction, and somebody else who is connected."""
    connections = [server.connect(database="shop") for _ in range(2)]
    connections.append(pymysql.connect(host=server.address, port=server.port, user="batch", password="b"))
    try:
        with connections[0].cursor() as cursor:
            cursor.execute("START TRANSACTION")
            cursor.execute("INSERT INTO only_unique VALUES (1)")
        with connections[1].cursor() as cursor:
            cursor.execute("XA START 'left'")
            cursor.execute("INSERT INTO only_unique VALUES (2)")
            cursor.execute("XA END 'left'")
            cursor.execute("XA PREPARE 'left'")
        yield
    finally:
        connections[0].rollback()
        with connections[1].cursor() as cursor:
            cursor.execute("XA ROLLBACK 'left'")
        for connection in connections:
            connection.close()
