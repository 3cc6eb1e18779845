"""How long a search among 5,000 procedures takes: over the HTTP application in this process, on a real mongod.

`./bench search [procedures] [searches]`. What is typed is typed letter by letter, as on a page that searches meanwhile.
"""

import os
import random
import statistics
import sys
import time
from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil

from catalog import domain
from catalog.domain import FieldOfWork
from catalog.main import CATALOG, assemble
from catalog.search.store import Use
from catalog.settings import CatalogSettings
from catalog.store import CatalogStore, new_version
from chassis import keys, store
from chassis.clock import system_clock
from chassis.service import Context, app_of
from tests.catalog.making import procedure
from tests.support.servers import make_mongod

# ruff: noqa: E501 (lists of words)
ACTS = [
    "Cấp", "Cấp lại", "Cấp đổi", "Gia hạn", "Điều chỉnh", "Thu hồi", "Đăng ký", "Đăng ký lại", "Thẩm định", "Phê duyệt", "Công nhận",
    "Xác nhận", "Chấp thuận", "Thông báo", "Thành lập", "Giải thể", "Chuyển đổi", "Bổ sung", "Hủy bỏ", "Tiếp nhận",
]  # fmt: skip
THINGS = [
    "giấy phép xây dựng", "giấy chứng nhận đủ điều kiện kinh doanh", "khai sinh", "khai tử", "kết hôn", "hộ kinh doanh", "doanh nghiệp",
    "quyền sử dụng đất", "chứng chỉ hành nghề", "bản sao trích lục hộ tịch", "giấy phép lái xe", "dự án đầu tư", "báo cáo môi trường",
    "hợp đồng lao động", "chế độ trợ cấp", "tài sản gắn liền với đất", "giấy phép khai thác", "cơ sở giáo dục", "quảng cáo", "thuốc bảo vệ",
]  # fmt: skip
CASES = [
    "", "cho cá nhân", "cho tổ chức", "có yếu tố nước ngoài", "tại khu vực biên giới", "cấp tỉnh", "cấp xã", "lần đầu", "trong khu công nghiệp",
    "đối với hộ gia đình", "do thay đổi thông tin", "do bị mất", "hết hạn", "nhà ở riêng lẻ", "đường thủy nội địa", "thủy sản",
]  # fmt: skip
PAPER = " theo quy định của pháp luật có liên quan" * 8


def main() -> None:
    given = [int(word) for word in sys.argv[1:]]
    procedures, searches = given + [5_000, 2_000][len(given) :]
    drawn = random.Random(7)  # noqa: S311 (the same every time)
    with TemporaryDirectory(prefix="motcua-bench-", dir="/dev/shm") as folder, make_mongod(Path(folder)) as mongod:
        mongod.initiate()
        url = mongod.url.replace("/?", "/motcua_catalog?")
        database = store.connect(url)
        catalog = CatalogStore(database, store.Carrier(system_clock))
        catalog.ensure_indexes()
        names = fill(catalog, procedures, drawn)
        keys.make_key_pair(Path(folder))
        settings = CatalogSettings(
            mongo_url=url, amqp_url="amqp://nobody:x@127.0.0.1:1/none", jwks=str(Path(folder) / "jwks.json")
        )
        context = Context(settings, database, store.Carrier(system_clock), system_clock)
        client = app_of(CATALOG, assemble(context), context).test_client()
        typed = list(typing(names, searches, drawn))
        for text in typed[:50]:
            client.get("/api/catalog/v1/procedures", query_string={"q": text})
        spent: list[tuple[float, str, int]] = []
        processes = [psutil.Process(os.getpid()), psutil.Process(mongod.child.pid)]
        before = [sum(process.cpu_times()[:2]) for process in processes]
        for text in typed:
            began = time.perf_counter()
            answer = client.get("/api/catalog/v1/procedures", query_string={"q": text, "limit": 20})
            spent.append((1000 * (time.perf_counter() - began), text, len(answer.get_json()["items"])))
        after = [sum(process.cpu_times()[:2]) for process in processes]
        report(procedures, spent)
        each = [1000 * (now - then) / searches for now, then in zip(after, before, strict=True)]
        print(f"CPU a search: {each[0]:.1f} ms catalog, {each[1]:.1f} ms mongod; load {os.getloadavg()[0]:.1f}")


def fill(catalog: CatalogStore, count: int, drawn: random.Random) -> list[str]:
    every = [f"{act} {thing} {case}".strip() for act in ACTS for thing in THINGS for case in CASES]
    drawn.shuffle(every)
    papers = tuple(domain.Component(code=f"TP{n}", name=f"Giấy tờ số {n}{PAPER}", originals=1) for n in range(1, 13))
    names = [every[n % len(every)] for n in range(count)]
    for start in range(0, count, 500):
        versions = [
            domain.publish(
                None,
                procedure(
                    code=f"1.{n:06}",
                    local_code=None,
                    name=names[n],
                    field=FieldOfWork(code=f"F{n % 60}", name=f"Lĩnh vực số {n % 60}"),
                    components=papers,
                    valid_from=date(2024, 1, 1),
                ),
            )
            for n in range(start, min(start + 500, count))
        ]
        at = datetime.now(UTC)
        catalog.procedures.add([new_version(version, at, "bench", None, None) for version in versions])
    now = datetime.now(UTC)
    catalog.uses.add([Use(f"d{n}", f"1.{int(count * drawn.random() ** 3):06}", now) for n in range(20_000)])
    catalog.uses.count()
    return names


def typing(names: list[str], count: int, drawn: random.Random) -> list[str]:
    """What a page sends while people type: the beginnings of names, of words in another order, and codes."""
    typed: list[str] = []
    while len(typed) < count:
        name = drawn.choice(names)
        words = name.split()
        if drawn.random() < 0.3:
            words = drawn.sample(words, min(3, len(words)))
        text = " ".join(words)[: drawn.randint(4, 30)]
        if drawn.random() < 0.5:
            text = domain.fold(text)
        if drawn.random() < 0.05:
            text = f"1.{drawn.randint(0, len(names)):06}"
        typed += [text[:length] for length in range(1, len(text) + 1)]
    return typed[:count]


def report(procedures: int, spent: list[tuple[float, str, int]]) -> None:
    times = sorted(milliseconds for milliseconds, _, _ in spent)
    cuts = statistics.quantiles(times, n=100)
    hits = sum(bool(found) for _, _, found in spent)
    print(f"{procedures} procedures, {len(spent)} searches, {hits} with hits")
    print(f"p50 {cuts[49]:.1f} ms   p95 {cuts[94]:.1f} ms   p99 {cuts[98]:.1f} ms   max {times[-1]:.1f} ms")
    worst = ", ".join(f"{text!r} {milliseconds:.0f} ms" for milliseconds, text, _ in sorted(spent, reverse=True)[:5])
    print(f"slowest: {worst}")


if __name__ == "__main__":
    main()
