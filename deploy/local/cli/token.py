"""``./gemba token``: tokens for the command line and for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from deploy.local.cli._options import AsJson, examples, group

if TYPE_CHECKING:
    from deploy.local.client.http import Client

_MOST_PEOPLE = 10_000


def register(app: typer.Typer) -> None:
    token = group("token", "Tokens, with which programs act for a person.")
    token.command(
        "create",
        epilog=examples(
            "token create BD-COORD",
            "token create rahima@example.org --label 'nightly import' --days 30",
            "token create BD-COORD --json | jq -r .token",
        ),
    )(create)
    app.add_typer(token)


def create(
    person: Annotated[
        str | None, typer.Argument(metavar="[PERSON]", help="Key, address or id; yourself unless given.")
    ] = None,
    *,
    label: Annotated[
        str, typer.Option("--label", metavar="TEXT", help="What it is for, for the list of tokens.")
    ] = "command line",
    days: Annotated[int, typer.Option("--days", metavar="DAYS", min=1, max=366, help="How long it is good for.")] = 90,
    as_json: AsJson = False,
) -> None:
    """Make a token that acts as a person, and print it: this once, and nowhere else.

    Needs an administrator's token. Put the new one in GEMBA_TOKEN. For somebody who reads
    zero-tolerance cases nobody else can make one.
    """
    from deploy.local.client import calls
    from deploy.local.client.session import session

    with session(as_json=as_json) as gemba:
        found = _find(gemba.client, person) if person else gemba.client.send(calls.ME)
        body = {"person_id": found["person_id"], "label": label, "days": days}
        made = gemba.client.send(calls.CREATE_TOKEN, body=body)
        if made.get("token") is None:
            from deploy.local.client.failure import ClientFailure

            raise ClientFailure(
                "token_lost",
                "the token was made, but its answer was lost on the way and it is shown only once",
                remedy=f"make another one; this one ({made.get('token_id')}) ends by itself",
            )
        if as_json:
            shown = {name: found.get(name) for name in ("person_id", "key", "name")}
            gemba.out.document({**made, **shown, "label": label, "days": days})
        # Alone on standard output, so that `GEMBA_TOKEN=$(./gemba token create …)` works.
        typer.echo(f"Token of {found.get('name')} for {days} days, shown this once:", err=True)
        gemba.out.line(made["token"])


def _find(client: Client, person: str) -> dict[str, Any]:
    """By id, by key, or by address: an address is looked for in all that this token may see."""
    from uuid import UUID

    from deploy.local.client import calls
    from deploy.local.client.failure import NOT_FOUND, ClientFailure

    try:
        found: dict[str, Any] = client.send(calls.PERSON, person_id=UUID(person))
        return found
    except ValueError:
        pass
    wanted = person.casefold()
    by_address = "@" in person
    people = client.items(calls.PEOPLE, params={} if by_address else {"q": person}, limit=_MOST_PEOPLE)
    for one in people:
        addresses = [point.get("address", "") for point in one.get("contact_points") or []]
        if wanted in ([address.casefold() for address in addresses] if by_address else [str(one["key"]).casefold()]):
            return dict(one)
    raise ClientFailure(
        "not_found",
        f"there is nobody with the {'address' if by_address else 'key'} {person}, or not for you to see",
        exit_code=NOT_FOUND,
        remedy="keys are as in the workbook's sheet people, such as BD-COORD",
    )
