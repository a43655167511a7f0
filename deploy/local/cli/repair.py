"""``./gemba repair``: something happens to published visits; see what would change, then do it in one act."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from deploy.local.cli._options import AsJson, examples, group

if TYPE_CHECKING:
    from deploy.local.client.session import Session

RepairId = Annotated[str, typer.Argument(metavar="REPAIR", help="Its id, as `repair propose` gave it.")]
_DAY = {"formats": ["%Y-%m-%d"], "metavar": "YYYY-MM-DD"}


class Kind(StrEnum):
    """What happened."""

    ILL = "ill"
    LEAVES = "leaves"
    CLOSED = "closed"
    HOLIDAY = "holiday"


def register(app: typer.Typer) -> None:
    repair = group("repair", "Illness, a trainer who leaves, a closed factory, a new holiday: propose, show, apply.")
    repair.command(
        "propose",
        epilog=examples(
            "repair propose leaves --country BD --who BD-T02 --from 2026-03-01",
            "repair propose ill --country BD --who BD-T02 --from 2026-03-01 --to 2026-03-07 --most-moved 3",
            "repair propose closed --country BD --who BD-E04 --from 2026-03-01 --to 2026-03-14",
            "repair propose holiday --country BD --region Dhaka --from 2026-03-26",
        ),
    )(propose)
    repair.command("show", epilog=examples("repair show 0198c3…"))(show)
    repair.command("apply", epilog=examples("repair apply 0198c3…", "repair apply 0198c3… --accept-unplaced"))(apply)
    app.add_typer(repair)


def propose(
    kind: Annotated[Kind, typer.Argument(help="ill, leaves (for good), closed or holiday.")],
    *,
    country: Annotated[str, typer.Option("--country", metavar="CC", help="Two letters, such as BD.")],
    first: Annotated[datetime, typer.Option("--from", help="The first day.", **_DAY)],
    last: Annotated[
        datetime | None, typer.Option("--to", help="The last day; not for leaves and holiday.", **_DAY)
    ] = None,
    who: Annotated[
        str | None, typer.Option("--who", metavar="KEY", help="The trainer, or the enterprise that closes.")
    ] = None,
    region: Annotated[
        str, typer.Option("--region", metavar="NAME", help="Of a holiday; the whole country unless given.")
    ] = "",
    most_moved: Annotated[
        int,
        typer.Option("--most-moved", min=0, max=200, help="So many visits may move although they could have stayed."),
    ] = 0,
    as_json: AsJson = False,
) -> None:
    """Work out the fewest changes and whom they reach. Nothing changes before `repair apply`."""
    from deploy.local.client import calls
    from deploy.local.client.session import session

    body = {
        "kind": kind.value,
        "country": country.upper(),
        "first": f"{first:%Y-%m-%d}",
        "last": f"{last:%Y-%m-%d}" if last else None,
        "who": who,
        "region": region,
        "most_moved": most_moved,
    }
    with session(as_json=as_json) as gemba:
        found = gemba.client.send(calls.PROPOSE_REPAIR, body=body)
        _show(gemba, found)
        if found["changes"]:
            gemba.out.line(f"Next: ./gemba repair apply {found['repair_id']}", gap=True)
        else:
            gemba.out.line(
                "No published visit is concerned; applying it only remembers why nobody can come then.", gap=True
            )


def show(repair: RepairId, *, as_json: AsJson = False) -> None:
    """Show what a repair changes, or has changed."""
    from deploy.local.client import calls
    from deploy.local.client.session import session

    with session(as_json=as_json) as gemba:
        _show(gemba, gemba.client.send(calls.REPAIR, repair_id=repair))


def apply(
    repair: RepairId,
    *,
    accept_unplaced: Annotated[
        bool, typer.Option("--accept-unplaced", help="Even if visits lose their place; they are placed by hand later.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Do it, all or nothing; applying it again changes nothing. Refused when the country changed since it was proposed."""
    from deploy.local.client import calls
    from deploy.local.client.session import session

    with session(as_json=as_json) as gemba:
        found = gemba.client.send(calls.APPLY_REPAIR, repair_id=repair, body={"accept_unplaced": accept_unplaced})
        if as_json:
            gemba.out.document(found)
        gemba.out.line(
            f"Done: {found['figures']['visits']} visits changed, {found['figures']['messages']} messages go out."
        )


def _show(gemba: Session, found: dict[str, Any]) -> None:
    from deploy.local.cli._effects import show_effects

    cause = found["cause"]
    who = (cause.get("who") or {}).get("name") or cause.get("region") or found["country"]
    gemba.out.record(
        [
            ("Repair", found["repair_id"]),
            ("State", found["state"]),
            ("Because", f"{cause['kind']}: {who}, {cause['first']} to {cause['last']}"),
        ]
    )
    show_effects(gemba, found)
