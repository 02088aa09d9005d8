"""livemove: moves a live web service and its MariaDB/MySQL database from a data centre to AWS."""

__version__ = "0.1.0"
