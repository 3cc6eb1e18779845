"""What stats says to people: Vietnamese first, English second."""

from dataclasses import dataclass
from typing import Any, Literal

from stats.domain.facts import ServiceLevel
from stats.domain.indicators import ESSENTIAL_LISTS, LEVELS, ONLINE_LEVELS, rounded, tag
from stats.domain.pace import Forecast


@dataclass(frozen=True, slots=True)
class Text:
    vi: str
    en: str


@dataclass(frozen=True, slots=True)
class Described:
    """An indicator's or a criterion's name, and how it is computed, in words."""

    name: Text
    method: Text


LEVEL_NAMES: dict[ServiceLevel, Text] = {
    1: Text("mức độ 1", "level 1"),
    2: Text("mức độ 2", "level 2"),
    3: Text("mức độ 3", "level 3"),
    4: Text("mức độ 4", "level 4"),
    "partial": Text("một phần", "one-part"),
    "full": Text("toàn trình", "whole-process"),
}
LIST_NAMES = {
    "project06": Text("25 dịch vụ công thiết yếu của Đề án 06", "the 25 essential services of Đề án 06"),
    "qd422": Text("dịch vụ công thiết yếu của QĐ 422/QĐ-TTg", "the essential services of QĐ 422/QĐ-TTg"),
}


def _described(vi: str, en: str, method_vi: str, method_en: str) -> Described:
    return Described(Text(vi, en), Text(method_vi, method_en))


def _by_level() -> dict[str, Described]:
    found: dict[str, Described] = {}
    for level in LEVELS:
        vi, en = LEVEL_NAMES[level].vi, LEVEL_NAMES[level].en
        found[f"procedures_share_{tag(level)}"] = _described(
            f"Tỷ lệ thủ tục cung cấp {vi}",
            f"Share of procedures offered as {en}",
            f"Thủ tục có hiệu lực ở {vi} trong ngày cuối kỳ, trên tổng số thủ tục có hiệu lực trong ngày đó.",
            f"Procedures in force as {en} on the last day of the period, of all procedures in force on that day.",
        )
    for level in ONLINE_LEVELS:
        vi, en = LEVEL_NAMES[level].vi, LEVEL_NAMES[level].en
        found[f"online_share_{tag(level)}"] = _described(
            f"Tỷ lệ hồ sơ {vi} nộp trực tuyến",
            f"Share of {en} dossiers filed online",
            f"Hồ sơ của dịch vụ {vi} nộp trực tuyến và được tiếp nhận trong kỳ, trên tổng số hồ sơ của dịch vụ {vi} "
            "được tiếp nhận trong kỳ.",
            f"Dossiers of {en} services filed online and received in the period, of all dossiers of {en} services "
            "received in it.",
        )
        found[f"received_share_{tag(level)}"] = _described(
            f"Tỷ lệ hồ sơ {vi} trên tổng số hồ sơ",
            f"Share of dossiers that are {en}",
            f"Hồ sơ của dịch vụ {vi} được tiếp nhận trong kỳ, trên tổng số hồ sơ được tiếp nhận trong kỳ.",
            f"Dossiers of {en} services received in the period, of all dossiers received in it.",
        )
        found[f"online_mix_{tag(level)}"] = _described(
            f"Tỷ lệ hồ sơ {vi} trong hồ sơ trực tuyến",
            f"Share of online dossiers that are {en}",
            f"Hồ sơ của dịch vụ {vi} nộp trực tuyến và được tiếp nhận trong kỳ, trên tổng số hồ sơ trực tuyến được "
            "tiếp "
            "nhận trong kỳ.",
            f"Dossiers of {en} services filed online and received in the period, of all online dossiers received in "
            "it.",
        )
        found[f"demand_{tag(level)}"] = _described(
            f"Mức đạt nhu cầu hồ sơ {vi} trực tuyến được giao",
            f"Achievement of the assigned demand of {en} dossiers online",
            f"Hồ sơ của dịch vụ {vi} nộp trực tuyến và được tiếp nhận trong kỳ, trên nhu cầu được giao cả năm của các "
            "năm mà kỳ chạm tới.",
            f"Dossiers of {en} services filed online and received in the period, of the demand assigned for the whole "
            "of the years that the period touches.",
        )
        found[f"procedures_used_share_{tag(level)}"] = _described(
            f"Tỷ lệ dịch vụ {vi} có phát sinh hồ sơ trực tuyến",
            f"Share of {en} services with dossiers online",
            f"Dịch vụ {vi} có ít nhất một hồ sơ trực tuyến được tiếp nhận trong kỳ, trên số dịch vụ {vi} có hiệu lực "
            "trong kỳ.",
            f"{en.capitalize()} services with at least one dossier filed online and received in the period, of the "
            f"{en} services in force in it.",
        )
    for name in ESSENTIAL_LISTS:
        vi, en = LIST_NAMES[name].vi, LIST_NAMES[name].en
        found[f"essential_deployed_share_{name}"] = _described(
            f"Tỷ lệ đã triển khai: {vi}",
            f"Deployed of {en}",
            "Dịch vụ đã triển khai, trên số dịch vụ thuộc thẩm quyền của tỉnh (đã triển khai hoặc đang chờ bộ, ngành).",
            "Services deployed, of those that are the province's to deploy (deployed, or waiting for a ministry).",
        )
        found[f"essential_waiting_share_{name}"] = _described(
            f"Tỷ lệ đang chờ bộ, ngành: {vi}",
            f"Waiting for ministries of {en}",
            "Dịch vụ đang chờ bộ, ngành, trên số dịch vụ thuộc thẩm quyền của tỉnh.",
            "Services that wait for a ministry, of those that are the province's to deploy.",
        )
    return found


INDICATORS: dict[str, Described] = {
    **_by_level(),
    "online_share": _described(
        "Tỷ lệ hồ sơ nộp trực tuyến", "Share of dossiers filed online",
        "Hồ sơ nộp trực tuyến được tiếp nhận trong kỳ, trên tổng số hồ sơ được tiếp nhận trong kỳ (trực tuyến, trực "
        "tiếp, "
        "bưu chính công ích).",
        "Dossiers filed online and received in the period, of all dossiers received in it (online, counter, post).",
    ),
    "demand_online": _described(
        "Mức đạt nhu cầu hồ sơ trực tuyến được giao", "Achievement of the assigned demand of dossiers online",
        "Hồ sơ nộp trực tuyến được tiếp nhận trong kỳ, trên nhu cầu được giao cả năm của các năm mà kỳ chạm tới.",
        "Dossiers filed online and received in the period, of the demand assigned for the whole of the years that the "
        "period touches.",
    ),
    "in_time_share": _described(
        "Tỷ lệ giải quyết trước và đúng hạn", "Share finished early or on time",
        "Hồ sơ có kết quả trước hoặc trong ngày hẹn trả, trên tổng số hồ sơ có kết quả trong kỳ; hồ sơ không có ngày "
        "hẹn "
        "tính là đúng hạn.",
        "Dossiers finished before or on the due day, of all finished in the period; without a due date it is on time.",
    ),
    "early_share": _described(
        "Tỷ lệ giải quyết trước hạn", "Share finished early",
        "Hồ sơ có kết quả trước ngày hẹn trả, trên tổng số hồ sơ có kết quả trong kỳ.",
        "Dossiers finished before the due day, of all finished in the period.",
    ),
    "late_share": _described(
        "Tỷ lệ giải quyết quá hạn", "Share finished late",
        "Hồ sơ có kết quả sau ngày hẹn trả, trên tổng số hồ sơ có kết quả trong kỳ.",
        "Dossiers finished after the due day, of all finished in the period.",
    ),
    "procedures_online_share": _described(
        "Tỷ lệ thủ tục cung cấp trực tuyến", "Share of procedures offered online",
        "Thủ tục có hiệu lực ở mức độ 3, 4, một phần hoặc toàn trình trong ngày cuối kỳ, trên tổng số thủ tục có "
        "hiệu lực "
        "trong ngày đó.",
        "Procedures in force at level 3, 4, one-part or whole-process on the last day of the period, of all "
        "procedures in "
        "force on that day.",
    ),
    "procedures_online_used_share": _described(
        "Tỷ lệ dịch vụ công trực tuyến có phát sinh hồ sơ", "Share of online services with dossiers",
        "Dịch vụ mức độ 3, 4, một phần hoặc toàn trình có ít nhất một hồ sơ trực tuyến được tiếp nhận trong kỳ, trên "
        "số "
        "dịch vụ như thế có hiệu lực trong kỳ.",
        "Services of level 3, 4, one-part or whole-process with at least one dossier filed online and received in the "
        "period, of such services in force in it.",
    ),
    "procedures_unused_share": _described(
        "Tỷ lệ thủ tục không phát sinh hồ sơ", "Share of procedures without a dossier",
        "Thủ tục không có hồ sơ nào được tiếp nhận trong kỳ, trên số thủ tục có hiệu lực trong kỳ.",
        "Procedures of which no dossier was received in the period, of those in force in it.",
    ),
    "agencies_unused_share": _described(
        "Tỷ lệ cơ quan không phát sinh hồ sơ", "Share of agencies without a dossier",
        "Cơ quan có bộ phận một cửa không tiếp nhận hồ sơ nào trong kỳ, trên số cơ quan như thế có trong kỳ.",
        "Agencies with a one-stop unit that received no dossier in the period, of such agencies there in it.",
    ),
    "digitised_share": _described(
        "Tỷ lệ hồ sơ được số hóa", "Share of dossiers digitised",
        "Hồ sơ có mọi thành phần giấy đã được số hóa, trên tổng số hồ sơ được tiếp nhận trong kỳ.",
        "Dossiers of which every paper component is digitised, of all dossiers received in the period.",
    ),
    "reused_share": _described(
        "Tỷ lệ khai thác, sử dụng lại dữ liệu số hóa", "Share of dossiers with reused data",
        "Hồ sơ có ít nhất một thành phần được chọn từ kho dữ liệu điện tử, trên tổng số hồ sơ được tiếp nhận trong kỳ.",
        "Dossiers with at least one component taken from the electronic store, of all dossiers received in the period.",
    ),
    "document_lookups": _described(
        "Lượt tra cứu kho dữ liệu điện tử của tổ chức, cá nhân", "Look-ups in the electronic document store",
        "Số lượt tra cứu kho trong kỳ, mỗi lượt một lần.", "Look-ups in the store in the period, each counted once.",
    ),
    "paid_online_share": _described(
        "Tỷ lệ hồ sơ thanh toán trực tuyến", "Share of dossiers paid online",
        "Hồ sơ mà mọi khoản phí, lệ phí đã nộp trong kỳ đều nộp trực tuyến, trên số hồ sơ đã nộp phí, lệ phí trong kỳ.",
        "Dossiers all of whose payments were made online, of the dossiers for which a fee was paid in the period.",
    ),
    "electronic_result_share": _described(
        "Tỷ lệ hồ sơ có kết quả điện tử", "Share of dossiers with an electronic result",
        "Hồ sơ có kết quả là tệp ký số hoặc được trả dưới dạng tệp, trên tổng số hồ sơ có kết quả trong kỳ.",
        "Dossiers whose result is a signed file or was handed over as a file, of all finished in the period.",
    ),
    "satisfied_share": _described(
        "Tỷ lệ hài lòng", "Share of satisfied applicants",
        "Đánh giá từ 4 điểm trở lên, trên tổng số đánh giá trong kỳ.",
        "Ratings of 4 or 5, of all ratings in the period.",
    ),
    "essential_deployed_share": _described(
        "Tỷ lệ dịch vụ công thiết yếu đã triển khai", "Share of essential services deployed",
        "Dịch vụ đã triển khai, trên số dịch vụ thuộc thẩm quyền của tỉnh (đã triển khai hoặc đang chờ bộ, ngành), mọi "
        "danh mục.",
        "Services deployed, of those that are the province's to deploy (deployed, or waiting for a ministry), of every "
        "list.",
    ),
    "essential_services": _described(
        "Số dịch vụ công thiết yếu", "Essential services",
        "Mọi dịch vụ trên các danh mục, kể cả dịch vụ của bộ, ngành.",
        "Every service on the lists, the ministries' own among them.",
    ),
    "sites": _described(
        "Số điểm kết nối hệ thống đo lường EMC", "Sites connected to EMC",
        "Cơ quan có bộ phận một cửa trong ngày cuối kỳ: mỗi cơ quan là một điểm mà hệ thống này gửi số liệu cho EMC. "
        "Cổng, "
        "trang thông tin khác nối thẳng với EMC thì hệ thống không biết.",
        "Agencies with a one-stop unit on the last day of the period: each is a site for which this system reports to "
        "EMC. Other portals and sites that report to EMC by themselves are not known here.",
    ),
}  # fmt: skip

CRITERIA: dict[str, Text] = {
    "1": Text("Công khai, minh bạch", "Transparency"),
    "2.1": Text("Hồ sơ giải quyết trước, đúng hạn", "Dossiers early or on time"),
    "2.2": Text("Thời gian giải quyết trung bình (ngày)", "Mean time (days)"),
    "3.1": Text("Thủ tục cung cấp trực tuyến", "Procedures online"),
    "3.2": Text("Dịch vụ công trực tuyến có phát sinh hồ sơ", "Online services with dossiers"),
    "3.3": Text("Hồ sơ nộp trực tuyến", "Dossiers online"),
    "3.5": Text("Thủ tục có thể thanh toán trực tuyến", "Payable procedures online"),
    "3.6": Text("Hồ sơ thanh toán trực tuyến", "Dossiers paid online"),
    "4.1": Text("Hồ sơ cấp kết quả điện tử", "Electronic results"),
    "4.2": Text("Hồ sơ được số hóa", "Dossiers digitised"),
    "4.3": Text("Hồ sơ khai thác, sử dụng lại dữ liệu", "Dossiers with reused data"),
    "4.4": Text("Kết quả chia sẻ để sử dụng lại", "Results shared for reuse"),
    "4.5": Text("Hồ sơ xác thực với CSDL quốc gia về dân cư", "Verified against population data"),
    "5.2": Text("Phản ánh, kiến nghị được trả lời đúng hạn", "Feedback answered on time"),
    "5.3": Text("Hài lòng về trả lời phản ánh, kiến nghị", "Satisfied with the answer to feedback"),
    "5.4": Text("Hài lòng về giải quyết thủ tục", "Satisfied with procedures"),
}
GROUPS: dict[str, Text] = {
    "transparency": Text("Công khai, minh bạch", "Transparency"),
    "progress": Text("Tiến độ giải quyết", "Progress"),
    "online": Text("Cung cấp dịch vụ trực tuyến", "Online services"),
    "payment": Text("Thanh toán trực tuyến", "Online payment"),
    "digitisation": Text("Số hóa hồ sơ", "Digitisation"),
    "satisfaction": Text("Mức độ hài lòng", "Satisfaction"),
}
REASONS: dict[str, Text] = {
    "no_source": Text(
        "hệ thống chưa có nguồn số liệu cho tiêu chí này", "the system has no source of numbers for this criterion"
    ),
    "weight": Text(
        "chưa có văn bản gốc về điểm của từng tiêu chí: điểm của nhóm được chia đều",
        "no primary source for each criterion's points was found: the group's are divided equally",
    ),
    "no_formula": Text(
        "hướng dẫn để ngỏ cách quy thời gian trung bình ra điểm: không tính điểm",
        "the guide leaves open how a mean time becomes points: it is not scored",
    ),
    "electronic_result": Text(
        "đếm theo kênh nộp; chưa loại hồ sơ có kết quả giấy mà không có bản điện tử",
        "counted by channel; those with a paper result and no electronic one are not left out yet",
    ),
    "payable": Text(
        "thủ tục trực tuyến có phí, lệ phí được coi là thanh toán được: hệ thống thanh toán cho mọi thủ tục như thế",
        "every online procedure with a fee counts as payable online, since the system takes payments for each of them",
    ),
}

FORECAST_METHOD = Text(
    "Ngoại suy tuyến tính theo ngày làm việc: số hồ sơ của {passed} ngày làm việc đã qua ({start:%d/%m/%Y} đến hết "
    "{last:%d/%m/%Y}) được coi là cũng đến đều trong {left} ngày làm việc còn lại của năm; vì vậy số lượng tăng theo "
    "ngày, còn tỷ lệ giữ nguyên.",
    "Linear over working days: what came in the {passed} working days that have passed ({start:%Y-%m-%d} to "
    "{last:%Y-%m-%d}) is taken to come as evenly in the {left} working days that are left of the year; so a number "
    "grows with the days, and a share stays as it is.",
)
MISSED = Text(
    "Với tiến độ này, cuối năm đạt {projected} so với chỉ tiêu {target}: hụt {missed}.",
    "At this pace the year ends at {projected} against the target of {target}: it is missed by {missed}.",
)
EXCEEDED = Text(
    "Với tiến độ này, cuối năm là {projected} so với mức không được quá {target}: vượt {missed}.",
    "At this pace the year ends at {projected} against the target of at most {target}: it is missed by {missed}.",
)
REACHED = Text(
    "Với tiến độ này, cuối năm đạt {projected}: đạt chỉ tiêu {target}.",
    "At this pace the year ends at {projected}: the target of {target} is met.",
)
POINTS = Text("{points} điểm phần trăm", "{points} percentage points")
DOSSIERS = Text("{dossiers} hồ sơ", "{dossiers} dossiers")


OVERDUE_SHARE = Text(
    "{agency}: {overdue} trong {open} hồ sơ đang giải quyết đã quá hạn.",
    "{agency}: {overdue} of {open} dossiers in process are overdue.",
)
WITHOUT_DOSSIERS = Text(
    "{agency}: không tiếp nhận hồ sơ nào trong tháng {month:%m/%Y}.",
    "{agency}: received no dossier in {month:%Y-%m}.",
)


def filled(sentence: Text, **words: Any) -> Text:
    """The sentence with these words in their places."""
    return Text(sentence.vi.format(**words), sentence.en.format(**words))


def missed(target: float, forecast: Forecast, better: Literal["more", "less"] = "more") -> Text:
    """Whether the target is reached at this pace, in a sentence."""
    projected = rounded(forecast.projected, 2)
    if not forecast.missed_by:
        return _said(REACHED, projected, target, Text("", ""))
    by = rounded(forecast.missed_by, 2)
    lacking = Text(POINTS.vi.format(points=comma(by)), POINTS.en.format(points=plain(by)))
    if forecast.missed_dossiers is not None:
        number = forecast.missed_dossiers
        lacking = Text(
            f"{DOSSIERS.vi.format(dossiers=f'{number:,}'.replace(',', '.'))} ({lacking.vi})",
            f"{DOSSIERS.en.format(dossiers=f'{number:,}')} ({lacking.en})",
        )
    return _said(EXCEEDED if better == "less" else MISSED, projected, target, lacking)


def _said(sentence: Text, projected: float, target: float, lacking: Text) -> Text:
    return Text(
        sentence.vi.format(projected=f"{comma(projected)}%", target=f"{comma(target)}%", missed=lacking.vi),
        sentence.en.format(projected=f"{plain(projected)}%", target=f"{plain(target)}%", missed=lacking.en),
    )


def plain(number: float) -> str:
    """A number of at most two decimals as it is written in English: 1,082.5."""
    return f"{number:,.2f}".rstrip("0").rstrip(".")


def comma(number: float) -> str:
    """The same in Vietnamese: 1.082,5."""
    return plain(number).translate(str.maketrans(",.", ".,"))
