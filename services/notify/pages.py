"""The public page where the owner of an e-mail address chooses what comes to it, `/thong-bao`. Whoever has the link
from one of our e-mails may: it needs no account and no JavaScript, and nothing on it says whose address it is.

A POST with `List-Unsubscribe=One-Click` comes from the button of a mail program (RFC 8058).
"""

from flask import Flask, render_template, request

from notify import texts
from notify.opting import PATH, Opting
from notify.usecases.preferences import Choosing


def add_pages(app: Flask, use: Choosing, opting: Opting) -> None:
    app.template_folder = "templates/pages"

    def page(status: int, id: str | None, *, saved: bool = False) -> tuple[str, int]:
        groups = use.voluntary()
        refused = use.opted_out([id]) if id else ()
        shown = [(group, *texts.GROUPS[group], group not in refused) for group in groups]
        return render_template("choices.html", known=id is not None, groups=shown, saved=saved), status

    def token() -> str | None:
        return opting.read(request.args.get("ma", "").strip()[:200])

    @app.get(PATH)
    def choices_page() -> tuple[str, int]:
        """`ma`: the word in the link."""
        id = token()
        return page(404 if id is None else 200, id)

    @app.post(PATH)
    def choose() -> tuple[str, int]:
        """`nhan`: the groups that are wanted, each once."""
        id = token()
        if id is None:
            return page(404, None)
        groups = use.voluntary()
        if request.form.get("List-Unsubscribe") == "One-Click":
            use.opt_out(id, groups)
        elif request.form.get("chon") == "1":
            wanted = request.form.getlist("nhan")
            use.opt_out(id, [group for group in groups if group not in wanted])
        else:
            return page(400, id)
        return page(200, id, saved=True)
