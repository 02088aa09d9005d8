"""The IDC's database: a property-listing site with every kind of column and object that a move must carry.

The same seed gives the same rows, byte for byte. Rows are made column by column and loaded with LOAD DATA
LOCAL while the next table is being made, so that 300,000 rows take seconds. Triggers come to life after
the data; the counters and audit rows they would have left are generated, so that afterwards, at any time:
every order has exactly one audit row with action 'insert', and a listing's counters equal its rows.
"""

from __future__ import annotations

import random
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from lab.mariadb import Server

HERE = Path(__file__).parent
SCHEMA = "shop"
LISTINGS = 200
"""Listings 1 to LISTINGS exist in both schemas, whatever the size; users look at these."""
KINDS = ("apartment", "house", "office", "land", "villa")
NULL = "\\N"

_CITIES = ("서울특별시", "부산광역시", "인천광역시", "대구광역시", "제주특별자치도")
_TOWNS = ("강남구", "해운대구", "연수구", "수성구", "서귀포시", "마포구", "송파구", "중구", "남구", "북구")
_WORDS = (
    "역세권",
    "남향",
    "리모델링",
    "한강뷰",
    "sunny",
    "corner",
    "quiet",
    "신축",
    "école",
    "Straße",
    "풀옵션",
    "급매",
)
_MARKS = ("🏠", "🏢", "🌳", "✨", "", "", "", "👍🏽")
_NAMES = (
    "김민준",
    "이서연",
    "박도윤",
    "최하은",
    "정예준",
    "Zoë Brown",
    "Łukasz Nowak",
    "O'Neil",
    "한지우",
    "Иван",
)


@dataclass(frozen=True)
class Table:
    """One table's rows: columns as in LOAD DATA (a column written @x is given as hex and unpacked)."""

    name: str
    columns: tuple[str, ...]
    values: tuple[Sequence[str], ...]

    def __len__(self) -> int:
        return len(self.values[0])

    @property
    def text(self) -> str:
        return "".join("\t".join(row) + "\n" for row in zip(*self.values, strict=True))


def load(server: Server, rows: int = 300_000, *, seed: int = 7) -> int:
    """Make schema `shop` with at least `rows` rows; returns how many there are."""
    server.load((HERE / "listings.sql").read_text(encoding="utf-8"))
    loaded = _feed(server, tables(rows, seed))
    server.load((HERE / "listings_code.sql").read_text(encoding="utf-8"))
    # real tables have gaps: the next number is not the largest one plus one
    server.query(f"ALTER TABLE {SCHEMA}.orders AUTO_INCREMENT = {loaded + 1000}")
    made = server.query(f"SELECT COUNT(*) FROM {SCHEMA}.region_statistics")[0][0]
    return loaded + int(str(made))


def load_traffic(server: Server) -> None:
    """Make schema `livemove_traffic`, in which the application lives when the IDC's database is a dump."""
    server.load((HERE / "traffic.sql").read_text(encoding="utf-8"))


def load_laravel(server: Server) -> None:
    """The tables that an application of Laravel has beside those of `shop`."""
    server.load((HERE / "laravel.sql").read_text(encoding="utf-8"))


def tables(rows: int, seed: int) -> Iterator[Table]:
    """All tables in the order of their foreign keys; at least `rows` rows together."""
    rng = random.Random(seed)

    def share(part: float) -> int:
        return max(LISTINGS, round(rows * part))

    agents, customers, listings = share(0.01), share(0.10), share(0.15)
    enquired = _picks(rng, listings, share(0.12))
    ordered = _picks(rng, listings, share(0.04))
    small = [_regions(), _agencies(rng), _agents(rng, agents)]
    yield from small
    yield _customers(rng, customers)
    yield _listings(rng, listings, agents, enquired, ordered)
    yield _photos(rng, listings)
    yield _prices(rng, listings)
    yield _enquiries(rng, enquired, customers)
    orders = _orders(rng, ordered, customers)
    yield orders
    yield _audit(orders)
    done = sum(map(len, small)) + customers + 3 * listings + len(enquired) + 2 * len(ordered)
    yield _views(rng, listings, max(LISTINGS, rows - done))


def _feed(server: Server, made: Iterator[Table]) -> int:
    total = 0
    with (
        tempfile.TemporaryDirectory() as folder,
        ThreadPoolExecutor(1) as loader,
        server.connect(local_infile=True, read_timeout=300) as connection,
    ):
        with connection.cursor() as cursor:
            cursor.execute("SET SESSION foreign_key_checks = 0, unique_checks = 0, time_zone = '+00:00'")

        def into(table: Table, file: Path) -> None:
            with connection.cursor() as cursor:
                cursor.execute(_statement(table, file))
            file.unlink()

        waiting: Future[None] | None = None
        for table in made:
            file = Path(folder) / f"{table.name}.tsv"
            file.write_text(table.text, encoding="utf-8")
            if waiting:
                waiting.result()
            waiting = loader.submit(into, table, file)
            total += len(table)
        if waiting:
            waiting.result()
    return total


def _statement(table: Table, file: Path) -> str:
    hexed = [c[1:] for c in table.columns if c.startswith("@")]
    sets = ", ".join(f"{c} = UNHEX(@{c})" for c in hexed)
    return (
        f"LOAD DATA LOCAL INFILE '{file}' INTO TABLE {SCHEMA}.{table.name} CHARACTER SET utf8mb4 "
        f"({', '.join(table.columns)})" + (f" SET {sets}" if sets else "")
    )


# Tables ---------------------------------------------------------------------------------------------
def _regions() -> Table:
    rows = [(f"{i + 1:02d}000", NULL, city) for i, city in enumerate(_CITIES)]
    rows += [
        (f"{i + 1:02d}{j + 1:03d}", f"{i + 1:02d}000", f"{city} {town}")
        for i, city in enumerate(_CITIES)
        for j, town in enumerate(_TOWNS)
    ]
    return Table("regions", ("code", "parent_code", "name"), tuple(zip(*rows, strict=True)))


def _agencies(rng: random.Random) -> Table:
    n = 120
    logos = [rng.randbytes(90).hex() if i % 5 else NULL for i in range(n)]
    opened = [f"{1980 + i % 45}-{1 + i % 12:02d}-{1 + i % 28:02d}" if i % 7 else NULL for i in range(n)]
    names = [f"{rng.choice(_TOWNS)} 공인중개사 {i}" for i in range(n)]
    licences = [f"L{i:011d}" for i in range(n)]
    columns = ("id", "name", "licence", "@logo", "opened_on")
    return Table("agencies", columns, (_ids(n), names, licences, logos, opened))


def _agents(rng: random.Random, n: int) -> Table:
    emails = [f"agent{i}@shop.test" for i in range(n)]
    phones = rng.choices([NULL, *(f"010-{k:04d}-{k * 7 % 10000:04d}" for k in range(500))], k=n)
    ratings = rng.choices(["0.1", "3.75", "4.5", "1e-3", NULL], k=n)
    columns = ("id", "agency_id", "name", "email", "phone", "rating")
    values = (_ids(n), _some(rng, 120, n), rng.choices(_NAMES, k=n), emails, phones, ratings)
    return Table("agents", columns, values)


def _customers(rng: random.Random, n: int) -> Table:
    wishes = [
        NULL,
        "{}",
        *(
            f'{{"budget": {rng.randrange(1, 99)}0000000, "towns": ["{rng.choice(_TOWNS)}"], "pets": null,'
            f' "note": "{rng.choice(_MARKS)}"}}'
            for _ in range(400)
        ),
    ]
    emails = [f"customer{i}@example.test" for i in range(n)]
    columns = ("id", "name", "email", "wishes", "marketing", "joined_at")
    values = (
        _ids(n),
        rng.choices(_NAMES, k=n),
        emails,
        rng.choices(wishes, k=n),
        rng.choices(("\x00", "\x01"), k=n),
        rng.choices(_moments(rng, 3), k=n),
    )
    return Table("customers", columns, values)


def _listings(
    rng: random.Random, n: int, agents: int, enquired: Sequence[int], ordered: Sequence[int]
) -> Table:
    enquiries, orders = Counter(enquired), Counter(ordered)
    towns = [f"{i + 1:02d}{j + 1:03d}" for i in range(len(_CITIES)) for j in range(len(_TOWNS))]
    titles = [
        (
            f"{t} {rng.choice(_WORDS)} {rng.choice(_WORDS)} {rng.randrange(15, 90)}평 {rng.choice(_MARKS)}"
        ).rstrip()
        for t in _TOWNS
        for _ in range(120)
    ]
    texts = [
        f"{' '.join(rng.choices(_WORDS, k=12))}.\\n{rng.choice(_MARKS)}"
        " tab\\there, back\\\\slash, 'quotes' \"two\""
        for _ in range(300)
    ] + ["", " "]
    features = [
        NULL,
        "[]",
        *(
            f'{{"floor": {rng.randrange(1, 40)}, "parking": {rng.choice(("true", "false", "null"))}, "tags":'
            f' ["{rng.choice(_WORDS)}", "{rng.choice(_MARKS)}"]}}'
            for _ in range(400)
        ),
    ]
    degrees = [NULL, *(f"{rng.uniform(33, 38.6):.9f}" for _ in range(900))]
    columns = (
        "id",
        "agent_id",
        "region_code",
        "kind",
        "status",
        "title",
        "description",
        "price",
        "area_m2",
        "features",
        "latitude",
        "longitude",
        "enquiry_count",
        "order_count",
        "listed_at",
        "sold_at",
    )
    values = (
        _ids(n),
        _some(rng, agents, n),
        rng.choices(towns, k=n),
        rng.choices(KINDS, k=n),
        rng.choices(("draft", "open", "open", "reserved", "sold"), k=n),
        rng.choices(titles, k=n),
        rng.choices(texts, k=n),
        rng.choices(_prices_of(rng), k=n),
        rng.choices([f"{rng.uniform(12, 400):.2f}" for _ in range(900)], k=n),
        rng.choices(features, k=n),
        rng.choices(degrees, k=n),
        rng.choices(degrees, k=n),
        [str(enquiries[i]) for i in range(1, n + 1)],
        [str(orders[i]) for i in range(1, n + 1)],
        rng.choices(_moments(rng, 6), k=n),
        rng.choices([NULL, NULL, *_moments(rng, 6)[:200]], k=n),
    )
    return Table("listings", columns, values)


def _photos(rng: random.Random, n: int) -> Table:
    # two photos for every other listing, in the order of the key
    ids = [str(max(1, i - i % 2)) for i in range(1, n + 1)]
    seen: Counter[str] = Counter()
    positions = []
    for i in ids:
        seen[i] += 1
        positions.append(str(seen[i]))
    pictures = [rng.randbytes(120).hex() for _ in range(200)] + ["", "00", "FF00FE"]
    captions = [NULL, "", *(f"{rng.choice(_WORDS)} {rng.choice(_MARKS)}" for _ in range(60))]
    columns = ("listing_id", "position", "caption", "@thumbnail")
    return Table(
        "listing_photos", columns, (ids, positions, rng.choices(captions, k=n), rng.choices(pictures, k=n))
    )


def _prices(rng: random.Random, n: int) -> Table:
    pool = _prices_of(rng)
    columns = ("id", "listing_id", "old_price", "new_price", "changed_at")
    values = (
        _ids(n),
        _some(rng, n, n),
        rng.choices([NULL, *pool], k=n),
        rng.choices(pool, k=n),
        rng.choices(_moments(rng, 6), k=n),
    )
    return Table("price_history", columns, values)


def _enquiries(rng: random.Random, listings: Sequence[int], customers: int) -> Table:
    n = len(listings)
    messages = [f"{rng.choice(_WORDS)} {rng.choice(_MARKS)} 보고 싶습니다 {k}" for k in range(300)] + [""]
    columns = ("id", "idempotency_key", "listing_id", "customer_id", "contact", "message", "created_at")
    values = (
        _ids(n),
        [f"seed-enquiry-{i}" for i in range(n)],
        list(map(str, listings)),
        [NULL if i % 3 == 0 else c for i, c in enumerate(_some(rng, customers, n))],
        rng.choices(_NAMES, k=n),
        rng.choices(messages, k=n),
        rng.choices(_moments(rng, 6), k=n),
    )
    return Table("enquiries", columns, values)


def _orders(rng: random.Random, listings: Sequence[int], customers: int) -> Table:
    n = len(listings)
    details = [NULL, "[]", *(f'{{"months": {k}, "memo": "{rng.choice(_WORDS)}"}}' for k in range(60))]
    columns = (
        "id",
        "idempotency_key",
        "listing_id",
        "customer_id",
        "status",
        "amount",
        "details",
        "created_at",
    )
    values = (
        _ids(n),
        [f"seed-order-{i}" for i in range(n)],
        list(map(str, listings)),
        [NULL if i % 4 == 0 else c for i, c in enumerate(_some(rng, customers, n))],
        rng.choices(("new", "paid", "cancelled"), k=n),
        rng.choices(_prices_of(rng), k=n),
        rng.choices(details, k=n),
        rng.choices(_moments(rng, 6), k=n),
    )
    return Table("orders", columns, values)


def _audit(orders: Table) -> Table:
    column = dict(zip(orders.columns, orders.values, strict=True))
    columns = ("id", "order_id", "idempotency_key", "action", "amount", "at")
    n = len(orders)
    values = (
        _ids(n),
        column["id"],
        column["idempotency_key"],
        ["insert"] * n,
        column["amount"],
        column["created_at"],
    )
    return Table("order_audit", columns, values)


def _views(rng: random.Random, listings: int, n: int) -> Table:
    seconds = [NULL, *(f"{k * 1.237:.3f}" for k in range(800))]
    columns = ("id", "listing_id", "seen_at", "seconds")
    values = (_ids(n), _some(rng, listings, n), rng.choices(_moments(rng, 6), k=n), rng.choices(seconds, k=n))
    return Table("listing_views", columns, values)


# Columns --------------------------------------------------------------------------------------------
def _ids(n: int) -> list[str]:
    return list(map(str, range(1, n + 1)))


def _picks(rng: random.Random, highest: int, n: int) -> list[int]:
    return rng.choices(range(1, highest + 1), k=n)


def _some(rng: random.Random, highest: int, n: int) -> list[str]:
    return rng.choices(_ids(highest), k=n)


def _moments(rng: random.Random, digits: int) -> list[str]:
    """2,000 points in time before 2026, with fractions of a second."""
    first = datetime(2015, 3, 1)
    drop = 6 - digits
    made = (first + timedelta(microseconds=rng.randrange(10 * 365 * 86_400_000_000)) for _ in range(2000))
    return [m.strftime("%Y-%m-%d %H:%M:%S.%f")[: -drop or None] for m in made]


def _prices_of(rng: random.Random) -> list[str]:
    return [
        "0.00",
        "9999999999999.99",
        *(f"{rng.randrange(10**7, 5 * 10**9)}.{rng.randrange(100):02d}" for _ in range(1500)),
    ]
