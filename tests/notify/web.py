"""notify over HTTP inside the test's process, and its worker's doing beside it."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from pymongo.database import Database

from chassis import keys, service, store
from chassis.consume import Subscription
from chassis.service import Parts
from notify.main import NOTIFY
from notify.settings import NotifySettings
from tests.support.services import Clock

PREFIX = "/api/notify/v1"
KEY = "k" * 40


@dataclass
class Web:
    """The service's parts on a database. `table` is what it consumes; `client` somebody with these scopes."""

    parts: Parts
    app: Flask
    folder: Path
    _clients: dict[tuple[str, ...], FlaskClient] = field(default_factory=dict)

    @property
    def table(self) -> list[Subscription]:
        return list(self.parts.table)

    def client(self, subject: str, *scopes: str) -> FlaskClient:
        known = self._clients.get((subject, *scopes))
        if known is None:
            token = keys.mint_token(self.folder / "jwt_private.jwk", subject=subject, name="", scopes=scopes)
            known = self._clients[(subject, *scopes)] = self.app.test_client()
            known.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {token}"
        return known

    def api_client(self, name: str, *scopes: str) -> FlaskClient:
        """An office's software."""
        key = keys.mint_api_key(self.folder / "api_keys.json", client=name, scopes=scopes)
        made = self.app.test_client()
        made.environ_base["HTTP_X_API_KEY"] = key
        return made


def make_web(database: Database[store.Document], clock: Clock, folder: Path, **settings: Any) -> Web:
    keys.make_key_pair(folder)
    given = NotifySettings(
        mongo_url="mongodb://nowhere.invalid/none",
        amqp_url="amqp://nowhere.invalid/none",
        jwks=str(folder / "jwks.json"),
        api_keys_file=folder / "api_keys.json",
        smtp_url="smtp://nowhere.invalid",
        mail_from="mot-cua@thanhhoa.example",
        public_url="https://motcua.thanhhoa.example",
        **{"opt_out_key": KEY, **settings},
    )
    context = service.Context(given, database, store.Carrier(clock), clock)
    parts = NOTIFY.assemble(context)
    return Web(parts, service.app_of(NOTIFY, parts, context), folder)
