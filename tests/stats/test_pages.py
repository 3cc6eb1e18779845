"""The public page of the province's numbers."""

import base64
import hashlib
import re
from html.parser import HTMLParser

import pytest

from stats.pages import ceiling, number, percent
from stats.usecases.events import Taking
from tests.stats.making import Life, at, event, many, messages
from tests.support.services import Running

LIVES = many(240, at("2024-03-01 08:00"), 200, ("H56.14", "H56.15"), ("1.001193", "1.012784"))


class Page(HTMLParser):
    """A page's tags and texts; fails where a tag is closed that is not open."""

    VOID = frozenset({"meta", "link", "input", "br"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.cells: list[str] = []
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag in ("td", "th"):
            self.cells.append("")
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in ("td", "th"):
            self.cells[-1] += data.strip()

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def tile(html: str, name: str) -> str:
    found = re.search(rf'<dt>{name}</dt><dd class="value">([^<]*)</dd>', html)
    assert found is not None, name
    return found[1]


@pytest.fixture
def served(served: Running, taking: Taking) -> Running:
    taking.take(messages(made for life in LIVES for made in life.events()))
    return served


def test_everybody_sees_the_province_s_numbers(served: Running) -> None:
    answer = served.get("/thong-ke")
    assert answer.status_code == 200
    html = answer.get_data(as_text=True)
    received = [life for life in LIVES if life.received_at]
    online = [life for life in received if life.channel == "online"]
    finished = [life for life in received if life.over == "finished"]
    in_time = [life for life in finished if life.timing != "late"]
    over = [life for life in received if life.over]
    assert tile(html, "Đã tiếp nhận") == str(len(received))
    assert tile(html, "Nộp trực tuyến") == percent(len(online), len(received))
    assert tile(html, "Giải quyết trước và đúng hạn") == percent(len(in_time), len(finished))
    assert tile(html, "Đang giải quyết") == str(len(received) - len(over))
    assert "số liệu đến 10:00 ngày 20/11/2024" in html
    for month in range(3, 12):
        assert f'<th scope="row">{month:02}/2024</th>' in html
    assert "12/2024" not in html


def test_the_tables_add_up_to_the_tiles(served: Running) -> None:
    html = served.get("/thong-ke?nam=2024").get_data(as_text=True)
    page = Page(html)
    rows = [page.cells[n : n + 7] for n in range(0, len(page.cells), 7)]
    months = [row for row in rows if re.fullmatch(r"\d\d/2024", row[0])]
    agencies = [row for row in rows if row[0].startswith("Cơ quan H56")]
    assert len(months) == 9
    assert len(agencies) == 2
    for table in (months, agencies):
        assert sum(int(row[1]) for row in table) == int(tile(html, "Đã tiếp nhận"))
    assert int(months[-1][5]) == sum(int(row[5]) for row in agencies) == int(tile(html, "Đang giải quyết"))


def test_another_year_can_be_chosen(served: Running, taking: Taking) -> None:
    earlier = at("2022-05-04 09:00")
    taking.take(messages(Life(id="d2022", channel="post", filed_at=earlier, received_at=earlier).events()))
    html = served.get("/thong-ke?nam=2022").get_data(as_text=True)
    assert "năm 2022" in html
    assert tile(html, "Đã tiếp nhận") == tile(html, "Đang giải quyết") == "1"
    options = Page(html).of("option")
    assert [option["value"] for option in options] == ["2024", "2023", "2022"]
    assert [option["value"] for option in options if "selected" in option] == ["2022"]


@pytest.mark.parametrize("year", ["2031", "1", "x", "", "2024'", "-1"])
def test_a_year_without_numbers_is_the_current_one(served: Running, year: str) -> None:
    assert "năm 2024" in served.get(f"/thong-ke?nam={year}").get_data(as_text=True)


def test_a_province_without_dossiers_has_a_page(served: Running) -> None:
    for name in served.database.list_collection_names():
        served.database[name].delete_many({})
    html = served.get("/thong-ke").get_data(as_text=True)
    assert tile(html, "Đã tiếp nhận") == "0"
    assert tile(html, "Nộp trực tuyến") == "–"
    assert "Chưa có hồ sơ nào trong năm 2024" in html
    assert "Chưa có cơ quan nào" in html


def test_the_page_is_accessible_and_needs_nothing_from_elsewhere(served: Running) -> None:
    answer = served.get("/thong-ke")
    html = answer.get_data(as_text=True)
    page = Page(html)
    assert page.of("html") == [{"lang": "vi"}]
    assert len(page.of("h1")) == len(page.of("main")) == 1
    assert all("scope" in head for head in page.of("th"))
    described = {value for table in page.of("table") for value in table.values()}
    assert described == {"theo-thang", "ve-thang", "theo-co-quan", "ve-co-quan", "chi-tieu", "ve-chi-tieu"}
    assert described <= {attributes.get("id") for _, attributes in page.tags}
    assert {label["for"] for label in page.of("label")} == {select["id"] for select in page.of("select")}
    assert all(svg["aria-hidden"] == "true" for svg in page.of("svg"))
    assert page.of("meta")[1]["content"] == "width=device-width, initial-scale=1"
    assert page.of("script") == []
    assert "style=" not in html
    assert "http://" not in html
    assert "https://" not in html


def test_the_style_is_the_one_that_the_policy_allows(served: Running) -> None:
    answer = served.get("/thong-ke")
    style = answer.get_data(as_text=True).partition("<style>")[2].partition("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


def test_a_look_at_the_page_costs_no_new_count_for_a_while(served: Running, taking: Taking) -> None:
    first = served.get("/thong-ke")
    served.database["cells_0"].drop()
    assert served.get("/thong-ke?nam=2024").data == first.data
    assert first.headers["Cache-Control"] == "public, max-age=60"


def test_names_are_text_and_not_markup(served: Running, taking: Taking) -> None:
    agency = {"id": "H56.14", "name": "<b>Sở</b> & 'Ban'", "parent": None}
    taking.take(messages([event("catalog.agency.changed.v1", "H56.14", 1, at("2024-11-01 08:00"), {"agency": agency})]))
    html = served.get("/thong-ke").get_data(as_text=True)
    assert "&lt;b&gt;Sở&lt;/b&gt; &amp; &#39;Ban&#39;" in html


def test_numbers_are_written_as_in_vietnamese() -> None:
    assert [number(value) for value in (0, 999, 1234, 1234567)] == ["0", "999", "1.234", "1.234.567"]
    assert [percent(1, 3), percent(1, 2000), percent(1999, 2000), percent(2, 2)] == [
        "33,3%",
        "0,1%",
        "100,0%",
        "100,0%",
    ]
    assert percent(0, 0) == "–"


@pytest.mark.parametrize(
    ("most", "top"), [(0, 4), (4, 4), (5, 6), (11, 20), (99, 100), (101, 200), (1234567, 2_000_000)]
)
def test_a_chart_s_scale_holds_its_columns(most: int, top: int) -> None:
    assert ceiling([{"received": {"total": most}, "finished": {"total": 1}}]) == top
