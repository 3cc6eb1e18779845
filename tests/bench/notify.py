"""How fast notify hands on what leaves the province, beside one at a time in the same run.

`./bench notify [mail|portal]…`, all of them without a name: messages to a mail server, rows to the national portal.
"""

import sys
from importlib import import_module

SECTIONS = ("mail", "portal")
"""Each in its own module, `tests.bench.notify_<name>`, with a `main` of its own."""


def main() -> None:
    for name in sys.argv[1:] or SECTIONS:
        if name not in SECTIONS:
            raise SystemExit(f"usage: ./bench notify [{'|'.join(SECTIONS)}]…")
        print(f"-- {name}")
        import_module(f"tests.bench.notify_{name}").main()


if __name__ == "__main__":
    main()
