"""The HTML of a mail on its way through: harmless at the desk, with its pictures in their places at both ends."""

from __future__ import annotations

import asyncio
import re
import smtplib
from email.message import EmailMessage
from pathlib import Path

from tests.journeys.gateway import open_journey
from tests.journeys.post import HOST, OURS, open_post
from tests.journeys.test_mail_by_smtp import ANA, PNG

HTML = """<html><head><style>p{background:url(http://t.example/s)}</style></head><body onload="alert(1)">
<p>My <b>mug</b> is broken<script>alert(1)</script></p><img src="cid:mug@mail" alt="the mug">
<img src="http://t.example/banner.png"><img src="http://t.example/pixel.gif" width="1" height="1"></body></html>"""


def _write_in(port: int) -> None:
    """A mail with a picture inside, as a program that knows no harm, and one that does, would send it."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"], mail["Message-ID"] = ANA, OURS, "Mug", "<mug-1@mail.example>"
    mail.set_content("My mug is broken")
    mail.add_alternative(HTML, subtype="html")
    related = mail.get_payload()[1]  # type: ignore[index]  # the HTML of the two forms
    related.add_related(PNG, "image", "png", cid="<mug@mail>", filename="mug.png")  # type: ignore[union-attr]  # as above
    with smtplib.SMTP(HOST, port) as client:
        client.send_message(mail)


def test_hostile_html_is_harmless_at_the_desk_and_pictures_stay_in_place(
    database_url: str, redis_url: str, tmp_path: Path
) -> None:
    """What came is cleaned and names its picture; what an agent writes is cleaned too and goes with its own."""

    async def body() -> None:
        async with open_journey(database_url, redis_url, tmp_path) as journey, open_post(journey) as post:
            await asyncio.to_thread(_write_in, post.office.port)
            conversation = (await journey.conversation_with(ANA))["id"]
            [entry] = await journey.entries(conversation)
            html, picture = entry["parts"]
            shown = re.search(r'<img data-attachment="([^"]+)" alt="the mug">', html["html"])
            assert shown is not None
            assert shown[1] == picture["attachment"]["id"]
            assert 'data-src="http://t.example/banner.png"' in html["html"]
            assert not re.search("script|onload|url|pixel| src=|cid:", html["html"])
            assert entry["text"].startswith("My mug is broken")
            upload = await journey.client.post("/v1/attachments", files={"file": ("new.png", PNG, "image/png")})
            file = upload.json()["id"]
            parts = [
                {
                    "type": "html",
                    "html": f'<p onclick="x">Like <i>this</i>:<img src="cid:{file}"><script>1</script>',
                    "rules": 1,
                },
                {"type": "image", "attachment": {"id": file}},
            ]
            sent = await journey.post(f"/v1/conversations/{conversation}/messages", {"parts": parts})
            assert sent["parts"][0]["html"] == f'<p>Like <i>this</i>:<img data-attachment="{file}"></p>'
            [received] = await post.received(ANA)
            assert received.text.startswith("Like this:")
            assert re.search(r'<p>Like <i>this</i>:<img src="cid:[^"]+"></p>', received.html or "")

    asyncio.run(body())
