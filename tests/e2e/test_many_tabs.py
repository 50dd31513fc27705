"""Many tabs at once: a browser has six connections per server, and a page that is not seen must not hold one."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import BrowserContext, Page, expect

from tests.e2e.steps import VOLUMES, row, settled


def test_eight_tabs_stay_quick_and_follow_the_engine(
    page: Page, context: BrowserContext, prefix: str, docker: Callable[..., str]
) -> None:
    tabs = [page]
    page.goto(f"{VOLUMES}?q={prefix}")
    for _ in range(7):
        show(tabs[-1], "hidden")
        tabs.append(context.new_page())
        tabs[-1].goto(f"{VOLUMES}?q={prefix}")
        expect(tabs[-1].get_by_role("heading", name="No volume matches")).to_be_visible()
    docker("volume", "create", prefix)
    for tab in tabs:
        show(tab, "visible")
        settled(tab)
        expect(row(tab, prefix)).to_be_visible()
        show(tab, "hidden")


def test_a_hidden_page_lets_go_of_its_stream_and_catches_up_when_seen_again(
    page: Page, prefix: str, docker: Callable[..., str]
) -> None:
    page.goto(f"{VOLUMES}?q={prefix}")
    settled(page)
    with page.expect_event("requestfailed", lambda request: request.url.endswith("/events")):
        show(page, "hidden")
    docker("volume", "create", prefix)
    show(page, "visible")
    expect(row(page, prefix)).to_be_visible()


def show(page: Page, state: str) -> None:
    """Let the page believe that it came into view or went out of it; a headless browser shows all of them."""
    page.evaluate(
        """state => {
            Object.defineProperty(document, "visibilityState", { value: state, configurable: true });
            Object.defineProperty(document, "hidden", { value: state === "hidden", configurable: true });
            document.dispatchEvent(new Event("visibilitychange"));
        }""",
        state,
    )
