"""What reports say to people: titles, columns, notes. Vietnamese first, English second."""

from collections.abc import Mapping
from datetime import date, datetime

from chassis.worktime import ZONE
from stats import texts
from stats.domain.indicators import INDICATORS
from stats.domain.reports import Column, Form, Kind, Note, Table

FORMS: Mapping[Form, Note] = {
    "register": Note(vi="Sổ theo dõi hồ sơ tiếp nhận (mẫu 07)", en="Register of the dossiers received (form 07)"),
    "situation-by-agency": Note(
        vi="Tình hình, kết quả giải quyết thủ tục hành chính theo cơ quan",
        en="Situation and results of administrative procedures by agency",
    ),
    "situation-by-field": Note(
        vi="Tình hình, kết quả giải quyết thủ tục hành chính theo lĩnh vực",
        en="Situation and results of administrative procedures by field",
    ),
    "monthly": Note(
        vi="Báo cáo tháng về giải quyết thủ tục hành chính và dịch vụ công trực tuyến",
        en="Monthly report on administrative procedures and online public services",
    ),
}
CHANNELS = {"online": "Trực tuyến", "counter": "Trực tiếp", "post": "Bưu chính công ích"}
TIMINGS = {"early": "Trước hạn", "on_time": "Đúng hạn", "late": "Quá hạn"}
LEVELS = {str(level): name.vi[0].upper() + name.vi[1:] for level, name in texts.LEVEL_NAMES.items()}
MET = {"met": "Đạt", "missed": "Chưa đạt"}
SEVERITIES = {"watch": "Theo dõi", "warning": "Cảnh báo", "alert": "Báo động"}


def _column(id: str, vi: str, en: str, kind: Kind = "text", words: Mapping[str, str] | None = None) -> Column:
    return Column(id=id, vi=vi, en=en, kind=kind, words=words)


def _numbers(*named: tuple[str, str, str]) -> tuple[Column, ...]:
    return tuple(_column(id, vi, en, "number") for id, vi, en in named)


def _shares(*named: tuple[str, str, str]) -> tuple[Column, ...]:
    return tuple(_column(id, vi, en, "percent") for id, vi, en in named)


SITUATION = _numbers(
    ("taken", "Tổng số tiếp nhận", "Received in all"),
    ("received.online", "Trong kỳ: trực tuyến", "In the period: online"),
    ("received.counter_post", "Trong kỳ: trực tiếp, bưu chính", "In the period: counter and post"),
    ("carried_over", "Từ kỳ trước", "Carried over"),
    ("finished.total", "Đã giải quyết", "Processed"),
    ("finished.early", "Trước hạn", "Early"),
    ("finished.on_time", "Đúng hạn", "On time"),
    ("finished.late", "Quá hạn", "Late"),
    ("open.total", "Đang giải quyết", "In process"),
    ("open.within", "Đang giải quyết: trong hạn", "In process: within time"),
    ("open.overdue", "Đang giải quyết: quá hạn", "In process: overdue"),
    ("supplement", "Đang giải quyết: chờ bổ sung", "In process: waiting for a supplement"),
    ("stopped", "Dừng giải quyết", "Ended without a decision"),
    ("taken_back", "Rút sau khi tiếp nhận", "Withdrawn after the reception"),
)
_AGENCY = _column("agency", "Mã cơ quan", "Agency")
_AGENCY_NAME = _column("agency_name", "Cơ quan", "Name of the agency")
BY_AGENCY = Table(
    id="situation", vi="Theo cơ quan", en="By agency", columns=(_AGENCY, _AGENCY_NAME, *SITUATION)
)  # fmt: skip
BY_FIELD = Table(
    id="situation", vi="Theo lĩnh vực", en="By field", columns=(_column("field", "Lĩnh vực", "Field"), *SITUATION)
)  # fmt: skip
SUMMARY = Table(
    id="summary",
    vi="Tổng hợp",
    en="Summary",
    columns=(
        _column("number", "Mã số liệu", "Number"),
        _column("name", "Số liệu", "Name of the number"),
        *_numbers(
            ("month", "Trong tháng", "In the month"),
            ("before", "Tháng trước", "The month before"),
            ("change", "Tăng, giảm", "Change"),
            ("year", "Lũy kế từ đầu năm", "Since the year began"),
        ),
    ),
)
INDICATOR_TABLE = Table(
    id="indicators",
    vi="Chỉ tiêu",
    en="Indicators and targets",
    columns=(
        _column("indicator", "Mã chỉ tiêu", "Indicator"),
        _column("name", "Chỉ tiêu", "Name of the indicator"),
        *_numbers(
            ("numerator", "Tử số trong tháng", "Numerator"), ("denominator", "Mẫu số trong tháng", "Denominator")
        ),
        *_shares(
            ("value", "Trong tháng (%)", "In the month (%)"),
            ("before", "Tháng trước (%)", "The month before (%)"),
            ("change", "Tăng, giảm (điểm %)", "Change (percentage points)"),
            ("year", "Lũy kế từ đầu năm (%)", "Since the year began (%)"),
            ("target", "Chỉ tiêu năm được giao (%)", "Assigned target of the year (%)"),
            ("achievement", "Mức đạt chỉ tiêu (%)", "Achievement of the target (%)"),
        ),
        _column("met", "So với chỉ tiêu", "Compared with the target", words=MET),
    ),
)
WITHOUT_AGENCIES = Table(
    id="agencies_without",
    vi="Cơ quan không phát sinh hồ sơ trong tháng",
    en="Agencies without a dossier in the month",
    columns=(_AGENCY, _AGENCY_NAME),
)
WITHOUT_PROCEDURES = Table(
    id="procedures_without",
    vi="Thủ tục không phát sinh hồ sơ trong tháng",
    en="Procedures without a dossier in the month",
    columns=(
        _column("procedure", "Mã thủ tục", "Procedure"),
        _column("procedure_name", "Thủ tục", "Name of the procedure"),
        _column("field", "Lĩnh vực", "Field"),
        _column("service_level", "Mức độ", "Service level", words=LEVELS),
    ),
)
WARNINGS = Table(
    id="warnings",
    vi="Cảnh báo sớm về chỉ tiêu năm",
    en="Early warnings about the year's targets",
    columns=(
        _column("warning", "Cơ quan và chỉ tiêu", "Agency and indicator"),
        _AGENCY_NAME,
        _column("indicator_name", "Chỉ tiêu", "Name of the indicator"),
        *_shares(
            ("value", "Đến nay (%)", "So far (%)"),
            ("target", "Được giao (%)", "Assigned (%)"),
            ("projected", "Dự kiến cuối năm (%)", "Projected at the year's end (%)"),
            ("missed_by", "Hụt (điểm %)", "Missed by (percentage points)"),
        ),
        _column("severity", "Mức", "Severity", words=SEVERITIES),
    ),
)
REGISTER = Table(
    id="register",
    vi="Hồ sơ tiếp nhận trong tháng",
    en="Dossiers received in the month",
    columns=(
        _column("code", "Mã hồ sơ", "Dossier"),
        _column("procedure", "Mã thủ tục", "Procedure"),
        _column("procedure_name", "Thủ tục", "Name of the procedure"),
        _AGENCY,
        _AGENCY_NAME,
        _column("channel", "Hình thức nộp", "Channel", words=CHANNELS),
        _column("service_level", "Mức độ", "Service level", words=LEVELS),
        _column("filed_on", "Ngày nộp", "Filed on", "day"),
        _column("received_on", "Ngày tiếp nhận", "Received on", "day"),
        _column("due_on", "Ngày hẹn trả", "Due on", "day"),
        _column("finished_on", "Ngày giải quyết xong", "Finished on", "day"),
        _column("timing", "Kết quả giải quyết", "Timing", words=TIMINGS),
        _column("handed_over_on", "Ngày trả kết quả", "Handed over on", "day"),
        _column("ended_on", "Ngày dừng hoặc rút", "Stopped or withdrawn on", "day"),
    ),
)
RANKED = ("in_time_share", "online_share", "digitised_share")
"""By what the monthly report ranks agencies."""


def ranking(code: str) -> Table:
    name = texts.INDICATORS[INDICATORS[code].code].name
    return Table(
        id=f"ranking_{code}",
        vi=f"Xếp hạng: {name.vi}",
        en=f"Ranking: {name.en}",
        columns=(
            _AGENCY,
            _AGENCY_NAME,
            *_numbers(
                ("rank", "Hạng", "Rank"), ("numerator", "Tử số", "Numerator"), ("denominator", "Mẫu số", "Denominator")
            ),
            *_shares(
                ("value", "Kết quả (%)", "Value (%)"),
                ("target", "Chỉ tiêu năm (%)", "Target of the year (%)"),
                ("change", "So với tháng trước (điểm %)", "Change since the month before (percentage points)"),
            ),
        ),
    )


SUMMARIES: Mapping[str, Note] = {
    "taken": Note(vi="Tổng số tiếp nhận (kể cả từ kỳ trước)", en="Received in all, with those carried over"),
    "received.online": Note(vi="Tiếp nhận trực tuyến", en="Received online"),
    "received.counter": Note(vi="Tiếp nhận trực tiếp", en="Received at the counter"),
    "received.post": Note(vi="Tiếp nhận qua bưu chính công ích", en="Received by post"),
    "received.total": Note(vi="Tiếp nhận trong kỳ", en="Received in the period"),
    "carried_over": Note(vi="Từ kỳ trước chuyển sang", en="Carried over"),
    "finished.early": Note(vi="Giải quyết trước hạn", en="Finished early"),
    "finished.on_time": Note(vi="Giải quyết đúng hạn", en="Finished on time"),
    "finished.late": Note(vi="Giải quyết quá hạn", en="Finished late"),
    "finished.total": Note(vi="Đã giải quyết", en="Finished"),
    "open.within": Note(vi="Đang giải quyết trong hạn", en="In process within time"),
    "open.overdue": Note(vi="Đang giải quyết quá hạn", en="In process, overdue"),
    "open.total": Note(vi="Đang giải quyết", en="In process"),
    "supplement": Note(vi="Chờ bổ sung hồ sơ", en="Waiting for a supplement"),
    "paused": Note(vi="Tạm dừng vì lý do khác", en="Paused for another reason"),
    "stopped": Note(vi="Dừng giải quyết", en="Ended without a decision"),
    "taken_back": Note(vi="Rút sau khi tiếp nhận", en="Withdrawn after the reception"),
    "refused": Note(vi="Từ chối tiếp nhận", en="Refused"),
    "extensions": Note(vi="Lượt gia hạn", en="Extensions"),
    "apologies": Note(vi="Lượt xin lỗi", en="Apologies"),
    "digitised": Note(vi="Số hóa khi tiếp nhận", en="Digitised"),
    "reused": Note(vi="Khai thác lại giấy tờ đã số hóa", en="Reused"),
    "paid_online": Note(vi="Thanh toán trực tuyến", en="Paid online"),
}
"""The numbers of the summary, by their place in a row of GET /counts; two are put together of such, see the notes."""


def title(form: Form, month: str) -> Note:
    said = FORMS[form]
    return Note(vi=f"{said.vi}, tháng {month[5:]}/{month[:4]}", en=f"{said.en}, {month}")


def notes(form: Form, known_until: datetime, last_day: date) -> tuple[Note, ...]:
    local = known_until.astimezone(ZONE)
    found = [
        Note(
            vi=f"Số liệu theo những gì hệ thống biết đến {local:%H:%M ngày %d/%m/%Y}; số tồn tính đến hết ngày "
            f"{last_day:%d/%m/%Y}. Ngày, tháng theo giờ Việt Nam.",
            en=f"As known at {local:%Y-%m-%d %H:%M} (+07:00); what is in process is that at the end of {last_day}. "
            "Days and months are those of Asia/Ho_Chi_Minh.",
        ),
        Note(
            vi="Nguồn: sự kiện của hệ thống Một Cửa; mỗi số bằng số của /api/stats/v1/counts và /indicators cùng phạm "
            "vi, và dẫn tới danh sách hồ sơ ở /api/stats/v1/dossiers.",
            en="Source: the events of Một Cửa; each number is that of /api/stats/v1/counts and /indicators with the "
            "same filters, and /api/stats/v1/dossiers lists what it counts.",
        ),
    ]
    if form == "register":
        found.append(
            Note(
                vi="Sổ ghi mã hồ sơ và các mốc ngày; hệ thống thống kê không lưu tên, địa chỉ hay số định danh của "
                "người nộp.",
                en="The register has codes and days: the statistics hold no name, address or number of an applicant.",
            )
        )
    else:
        found.append(
            Note(
                vi="Tổng số tiếp nhận = từ kỳ trước + trong kỳ = đã giải quyết + đang giải quyết + dừng giải quyết + "
                "rút sau khi tiếp nhận (số rút trừ số rút khi chưa tiếp nhận). Trước hạn, đúng hạn, quá hạn tính theo "
                "ngày; hồ sơ không có ngày hẹn là đúng hạn. Mẫu cũ 06a/06b, 07a/07b.",
                en="Received in all = carried over + in the period = processed + in process + ended without a "
                "decision + withdrawn after the reception (withdrawn without withdrawn_waiting). Early, on time and "
                "late are by day; without a due date is on time. The old forms 06a/06b and 07a/07b.",
            )
        )
    if form == "monthly":
        found += [
            Note(
                vi=f"{texts.INDICATORS[code].name.vi}: {texts.INDICATORS[code].method.vi}",
                en=f"{texts.INDICATORS[code].name.en}: {texts.INDICATORS[code].method.en}",
            )
            for code in RANKED
        ]
    return tuple(found)
