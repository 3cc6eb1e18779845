"""The catcher of e-mails, as a process."""

import smtplib
import sys
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

from native.children import Child
from native.ports import answers, free_port


def test_message_becomes_a_file(tmp_path: Path) -> None:
    port, mails = free_port(), tmp_path / "mails"
    command = [sys.executable, "-m", "native.mail", "--port", str(port), "--directory", str(mails)]
    catcher = Child("mail", command, log=tmp_path / "log", cwd=Path(__file__).parent.parent.parent)
    message = EmailMessage()
    message["From"], message["To"] = "mot-cua@thanhhoa.example", "hoa@example.vn"
    message["Subject"] = "Hồ sơ đã tiếp nhận"
    message.set_content("Hẹn trả kết quả ngày 30/11.")
    try:
        catcher.wait_until(lambda: answers(port), 60)
        with smtplib.SMTP("127.0.0.1", port) as client:
            client.send_message(message)
            client.send_message(message)
    finally:
        catcher.stop(5)
    assert catcher.exit_status == 0, catcher.tail()
    first, second = sorted(mails.iterdir())
    assert first.suffix == second.suffix == ".eml"
    assert message_from_bytes(first.read_bytes(), policy=policy.default)["Subject"] == "Hồ sơ đã tiếp nhận"
