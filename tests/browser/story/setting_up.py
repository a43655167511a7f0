"""The coordinator signs in, imports, creates a cohort, reads its plan and publishes it."""

from __future__ import annotations

import re
from pathlib import Path

from openpyxl import Workbook
from playwright.async_api import expect

from tests.browser.story.cast import COHORT, COORDINATOR, Story

_PEOPLE = (
    "key", "name", "country", "roles", "countries", "language", "zone", "languages", "email", "phone",
    "line_manager", "enterprise",
)  # fmt: skip
_ENTERPRISES = (
    "key", "name", "country", "region", "zone", "latitude", "longitude", "working_weekdays", "manager_languages",
    "worker_languages", "manager_contact", "worker_contact",
)  # fmt: skip


async def sign_in(story: Story) -> None:
    """Nothing is open without it; the link in the mail shows who one is, and its button lets one in."""
    visitor = await story.stranger()
    await visitor.open("/scheduler/", look=False)
    assert "/directory/sign-in" in visitor.page.url
    await visitor.look()
    await visitor.fill(email="nobody")
    await visitor.press("Send me a link")
    await visitor.sees("This was not saved.")
    await visitor.sign_in(COORDINATOR, look=True)
    await visitor.sees("Nothing needs you.")
    story.visitors[COORDINATOR] = visitor


async def import_workbooks(story: Story, folder: Path) -> None:
    """A workbook with faults says where they are, for every sheet whoever owns it; the right one is taken."""
    visitor = await story.visitor(COORDINATOR)
    await visitor.follow("Import")
    page = visitor.page
    await page.get_by_label("Workbook").set_input_files(_workbook(folder / "newcomers-with-faults.xlsx", right=False))
    await page.get_by_role("button", name="Check").click()
    await visitor.sees("Not imported.", "To correct", "enterprises", "leave", "2026-02-30")
    await visitor.look()
    await visitor.picture("import")

    await page.get_by_label("Workbook").set_input_files(_workbook(folder / "newcomers.xlsx", right=True))
    await page.get_by_role("button", name="Check").click()
    await visitor.sees("Checked.")
    await page.get_by_role("button", name="Import").click()
    await visitor.sees("Imported.", "Every sheet was taken.")
    await visitor.look()
    await story.world.settle()
    await visitor.open("/directory/enterprises?country=BD")
    await visitor.sees("Turag Ceramics")
    await visitor.follow("People")


async def create_cohort(story: Story) -> None:
    """Module, enterprises, window: the plan arrives by itself."""
    visitor = await story.visitor(COORDINATOR)
    await visitor.follow("Cohorts")
    await visitor.follow("New cohort")
    page = visitor.page
    await page.get_by_label("Module").select_option(label="Quality Improvement (QI)")
    await visitor.press("Create and plan")
    await visitor.sees("This was not saved.")
    for name in ("Meghna Knitwear", "Teesta Knitwear", "Titas Garments"):
        await page.get_by_role("searchbox").press_sequentially(name, delay=5)
        choice = page.locator("#choices label").filter(has_text=name).get_by_role("checkbox")
        await expect(choice).to_be_visible()
        await choice.check()
        await page.get_by_role("searchbox").fill("")
    await visitor.fill(name=COHORT)
    await visitor.press("Only check")
    await visitor.sees("This can be planned.")
    await visitor.press("Create and plan")
    await visitor.sees(COHORT)
    await expect(page.get_by_text("Ready to publish")).to_be_visible(timeout=90_000)
    await visitor.look()
    await visitor.picture("plan", full=True)
    await page.locator("summary", has_text="Why").first.click()
    await visitor.look()
    story.cohort = page.url


async def publish(story: Story) -> None:
    """Only after its confirmation page; then trainers are asked."""
    visitor = await story.visitor(COORDINATOR)
    await visitor.open(story.cohort, look=False)
    await visitor.follow(re.compile("^Publish"))
    await visitor.sees("Publish this plan?", "Trainers who will be asked")
    await visitor.picture("publish")
    await visitor.press(re.compile("^Publish .* visits"))
    await visitor.sees("Published", "Asked")
    await story.world.settle()


def _workbook(path: Path, *, right: bool) -> Path:
    """Two more enterprises with their contacts, and a trainer's leave; with faults in three sheets unless it is right."""
    book = Workbook(write_only=True)
    firms = (
        ("BD-E41", "Turag Ceramics", 23.79, 90.35),
        ("BD-E42", "Kushiara Textiles", 23.81 if right else 123.81, 90.43),
    )
    people: list[tuple[object, ...]] = []
    enterprises: list[tuple[object, ...]] = []
    for number, (key, name, latitude, longitude) in enumerate(firms):
        contact = f"{key}-MGR"
        role = "enterprise" if right or number else "boss"
        mail = f"{contact.lower()}@programme.example"
        people.append(
            (contact, f"Manager of {name}", "BD", role, "BD", "en", "Asia/Dhaka", "bn", mail, None, None, key)
        )
        enterprises.append(
            (key, name, "BD", "Dhaka", "Asia/Dhaka", latitude, longitude, "Sun-Thu", "bn,en", "bn", contact, None)
        )
    leave = [("BD-T12", "2026-09-06", "2026-09-10" if right else "2026-02-30")]
    for name, head, rows in (
        ("people", _PEOPLE, people),
        ("enterprises", _ENTERPRISES, enterprises),
        ("leave", ("person", "first", "last"), leave),
    ):
        sheet = book.create_sheet(name)
        sheet.append(head)
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path
