"""Pure pieces of the console, each imported by itself, as its source stands, into an empty page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route

from gateway.web.assets import FOLDER, MEDIA_TYPES
from gateway.web.joining import EXPORT, IMPORT, NAME, order_files

HOST = "http://modules.test"
CONSOLE = FOLDER / "console"
TEN_THOUSAND = 10_000
ROW_PX = 88
MANY_ROWS = 60
"""More than fit on any screen, and far fewer than there are."""


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    """An empty page beside the console's sources; nothing leaves the browser."""
    context = browser.new_context(viewport={"width": 800, "height": 600}, timezone_id="Europe/Berlin")
    context.route(f"{HOST}/**", _source)
    opened = context.new_page()
    opened.goto(f"{HOST}/")
    yield opened
    context.close()


def test_a_conversation_stands_where_its_time_puts_it(page: Page) -> None:
    """The newest first or last; of one time by id; and what belongs behind the last loaded page waits for that page."""
    told = _call(
        page,
        "list/order.js",
        """({ place }) => {
          const all = { a: '3', b: '2', c: '1', n: '2', o: '0' };
          const get = (id) => ({ id, updated_at: all[id] });
          const at = (id, hasMore, sort = '-updated_at', ids = ['a', 'b', 'c']) =>
            place({ ids, hasMore }, id, { sort, get }).join('');
          const upwards = at('n', false, 'updated_at', ['c', 'b', 'a']);
          return [at('n', true), at('o', true), at('o', false), at('c', true), upwards];
        }""",
    )
    assert told == ["anbc", "abc", "abco", "abc", "cbna"]


def test_ten_thousand_rows_are_as_quick_as_ten(page: Page) -> None:
    """Only rows in sight are in the page, wherever one scrolls; the last can be reached, and the focus is kept."""
    told = _call(
        page,
        "list/virtual.js",
        """({ createVirtualList }) => {
          const nothing = () => undefined;
          const how = { height: 88, label: 'x', build: (id) => id, paint: nothing, onend: nothing, onpick: nothing };
          const list = createVirtualList(how);
          list.element.style.cssText = 'height: 500px; overflow: auto';
          document.body.append(list.element);
          const ids = Array.from({ length: 10000 }, (_, at) => `r${at}`);
          list.show(ids, { hasMore: false });
          const first = list.element.querySelectorAll('[role=option]').length;
          list.point('r9999', { focus: true });
          const rows = [...list.element.querySelectorAll('[role=option]')];
          const held = document.activeElement;
          const told = [first, rows.length, held.id, held.ariaPosInSet, rows[0].ariaSetSize];
          list.show(ids.slice(5000), { hasMore: true });
          told.push(document.activeElement.id, list.element.firstChild.offsetHeight);
          list.element.remove();
          return told;
        }""",
    )
    first, rows, focused, position, size, still, height = told
    assert 0 < first < MANY_ROWS
    assert 0 < rows < MANY_ROWS
    assert (focused, position, size) == ("row-r9999", str(TEN_THOUSAND), str(TEN_THOUSAND))
    assert (still, height) == ("row-r9999", TEN_THOUSAND // 2 * ROW_PX)


def test_an_address_is_read_as_it_is_shown(page: Page) -> None:
    """Every route has one address, which leads back to it."""
    routes: list[dict[str, Any]] = [
        {},
        {"view": "mine"},
        {"view": "vie_1"},
        {"q": 'is:open "a b" ü'},
        {"conversationId": "cnv_1", "view": "mine"},
        {"conversationId": "cnv_1", "q": "tag:vip"},
        {"page": "settings", "section": "channels"},
    ]
    told = _call(
        page,
        "router.js",
        """({ readRoute, showRoute }, routes) => routes.map((route) => {
          const url = new URL(showRoute(route), 'http://x');
          return [url.pathname + url.search, readRoute(url.pathname, url.search)];
        })""",
        routes,
    )
    addresses = [address for address, _ in told]
    assert addresses[:3] == ["/console", "/console/view/mine", "/console/view/vie_1"]
    assert addresses[4] == "/console/c/cnv_1?view=mine"
    for (_, read), route in zip(told, routes, strict=True):
        assert {name: read[name] for name in route} == route


def test_snoozing_ends_in_the_morning_of_a_day_to_come(page: Page) -> None:
    """On a Sunday night, tomorrow and Monday are the same morning; on a Monday, Monday is in a week."""
    told = _call(
        page,
        "actions/pickers.js",
        """({ snoozeTimes }) => ['2026-11-22T23:30', '2026-11-23T08:00'].map((now) =>
          snoozeTimes(new Date(now)).map(({ at }) =>
            `${at.getFullYear()}-${at.getMonth() + 1}-${at.getDate()} ${at.getHours()}`))""",
    )
    assert told[0][2:4] == ["2026-11-23 9", "2026-11-23 9"]
    assert told[1][2:4] == ["2026-11-24 9", "2026-11-30 9"]


def test_a_request_as_curl_survives_the_shell(page: Page) -> None:
    """Quotes of the body stay quotes, and a form is not written out."""
    told = _call(
        page,
        "drawer/drawer.js",
        """({ asCurl }) => asCurl({ method: 'POST', path: '/v1/messages', body: '{"text":"it\\'s"}' }, 'https://x')""",
    )
    assert told == (
        "curl -X POST 'https://x/v1/messages' \\\n  -H \"Authorization: Bearer $SWITCHBOARD_API_KEY\" \\\n"
        "  -H 'Content-Type: application/json' \\\n  -d '{\"text\":\"it'\\''s\"}'"
    )


def test_server_sent_events_are_read_across_pieces(page: Page) -> None:
    """A frame may come in any number of pieces; a comment shows life; several data lines are one text."""
    told = _call(
        page,
        "sse.js",
        """async ({ readFrames }) => {
          const frames = '\\n: alive\\n\\nid: 1\\nevent: x\\ndata: a\\ndata: b\\n\\nev';
          const pieces = ['event: rea', 'dy\\ndata: {}\\n', frames];
          const body = new ReadableStream({
            start(to) {
              for (const one of pieces) to.enqueue(new TextEncoder().encode(one));
              to.close();
            },
          });
          const read = [];
          for await (const { event, data } of readFrames(body)) read.push([event, data]);
          return read;
        }""",
    )
    assert told == [["ready", "{}"], ["message", ""], ["x", "a\nb"]]


def test_what_is_asked_again_is_what_may_be(page: Page) -> None:
    """Refused for a while, a request is made again, with one Idempotency-Key; refused for good, it is not."""
    told = _call(
        page,
        "api.js",
        """async ({ createApi }) => {
          const asked = [];
          const answer = (status, body, headers) => new Response(JSON.stringify(body), { status, headers });
          let plan = [];
          const told = ['Idempotency-Key', 'X-CSRF-Token', 'If-Match'];
          globalThis.fetch = async (url, { method, headers }) => {
            asked.push([method, ...told.map((name) => headers[name])]);
            return plan.shift()();
          };
          const quota = () => answer(429, { code: 'quota_exceeded' }, { 'retry-after': '0.01' });
          const lost = () => { throw new TypeError('lost'); };
          const conflict = { code: 'state_conflict', detail: 'no', hint: 'look', request_id: 'r1' };
          let logins = 0;
          const login = async () => { logins += 1; api.csrf = 'new'; };
          const api = createApi({ bus: { emit() {} }, login });
          api.csrf = 'old';
          plan = [quota, lost, () => answer(201, { id: 1 })];
          const posted = await api.post('/messages', { text: 'x' });
          plan = [() => answer(401, { code: 'unauthenticated' }), () => answer(200, { id: 2 })];
          const patched = await api.patch('/x', {}, { ifMatch: 17 });
          plan = [() => answer(409, conflict)];
          const { status, code, hint, requestId } = await api.post('/x', {}).catch((one) => one);
          const kept = api.log.map((one) => one.status);
          return { posted, patched, asked, logins, problem: [status, code, hint, requestId], kept };
        }""",
    )
    posts = [one[1] for one in told["asked"][:3]]
    assert (told["posted"]["id"], len(set(posts)), len(posts[0])) == (1, 1, 32)
    assert (told["patched"]["id"], told["logins"]) == (2, 1)
    assert [one[2:] for one in told["asked"][3:5]] == [["old", '"v17"'], ["new", '"v17"']]
    assert told["problem"] == [409, "state_conflict", "look", "r1"]
    assert told["kept"] == [429, 0, 201, 401, 200, 409]


def test_a_gap_in_a_timeline_is_filled(page: Page) -> None:
    """An entry ahead of others has these fetched; an older version changes nothing; ours is seen once."""
    told = _call(
        page,
        "timelines.js",
        """async ({ createTimelines }) => {
          const plain = { conversation_id: 'c', client_message_id: null };
          const entry = (seq, version = 1, more = {}) => ({ ...plain, id: `e${seq}`, seq, version, ...more });
          const asked = [];
          const pages = { all: [entry(1), entry(2)], 2: [entry(3), entry(4, 1, { client_message_id: 'mine' })] };
          const get = async (_, { after_seq: after = 'all' }) => {
            asked.push(after);
            return { data: pages[after], page: { has_more: false } };
          };
          const timelines = createTimelines({ api: { get }, tell() {}, tellSoon() {} });
          const { loadEntries, entries, addPending } = timelines.methods;
          await loadEntries('c');
          addPending('c', { client_message_id: 'mine' });
          timelines.takeEntry(entry(4));
          while (entries('c').items.length < 4) await new Promise((done) => setTimeout(done));
          timelines.takeEntry(entry(2, 3, { text: 'new' }));
          timelines.takeEntry(entry(2, 2, { text: 'old' }));
          const { items, pending } = entries('c');
          return [asked, items.map((one) => one.seq), items[1].text, pending.length];
        }""",
    )
    assert told == [["all", 2], [1, 2, 3, 4], "new", 0]


def test_what_comes_while_a_timeline_is_loaded_is_kept(page: Page) -> None:
    """An event may overtake the page that was asked for before it: its entry stands in the timeline all the same."""
    told = _call(
        page,
        "timelines.js",
        """async ({ createTimelines }) => {
          const entry = (seq, version = 1) => ({ conversation_id: 'c', id: `e${seq}`, seq, version });
          let answer;
          const first = { data: [entry(1)], page: { has_more: false } };
          const get = () => new Promise((done) => { answer = () => done(first); });
          const timelines = createTimelines({ api: { get }, tell() {}, tellSoon() {} });
          const { loadEntries, entries } = timelines.methods;
          const shown = [];
          for (const anew of [false, true]) {
            const loading = loadEntries('c', { anew });
            while (!answer) await null;
            timelines.takeEntry(entry(2));
            timelines.takeEntry(entry(1, 2));
            answer();
            answer = null;
            await loading;
            shown.push(entries('c').items.map((one) => one.version));
          }
          return shown;
        }""",
    )
    assert told == [[2, 1], [2, 1]]


def test_no_name_at_the_top_of_a_module_is_the_browsers(page: Page) -> None:
    """Joined, modules share a scope: a name of the window's at the top of one would be taken from all others."""
    texts = {str(path.relative_to(CONSOLE)): path.read_text() for path in CONSOLE.rglob("*.js")}
    modules = {*order_files(texts, "main.js", IMPORT), *order_files(texts, "later.js", IMPORT)}
    names = [name for path in modules for name in NAME.findall(EXPORT.sub("", texts[path]))]
    assert len(names) > len(modules)
    page.goto(f"{HOST}/")
    assert page.evaluate("(names) => names.filter((name) => name in window)", names) == []


def _call(page: Page, module: str, function: str, argument: Any = None) -> Any:
    """What a function answers that is given a module of the console."""
    script = f"async (given) => ({function})(await import('{HOST}/{module}'), given)"
    return page.evaluate(script, argument)


def _source(route: Route) -> None:
    name = route.request.url.removeprefix(f"{HOST}/")
    path = Path(CONSOLE / name)
    if name and path.is_file():
        route.fulfill(body=path.read_bytes(), content_type=MEDIA_TYPES[path.suffix])
    else:
        route.fulfill(body="<!doctype html><title>empty</title>", content_type="text/html")
