"""The simulated mail program: a person reads, writes and answers with it, and real SMTP carries it."""

from __future__ import annotations

import asyncio
import base64
import smtplib

import httpx

from channels.simulators.mail import MailSimulator, PostOffice, serve_mail
from channels.simulators.mail.client import serve_mail_client

ANA, OURS = "ana@mail.example", "help@shop.example"


def test_a_customer_writes_reads_and_answers() -> None:
    """With a file and HTML out, and the answer to the address that was asked for."""

    async def body() -> None:
        customers, shop = MailSimulator(), MailSimulator()
        async with serve_mail(customers) as theirs, serve_mail(shop) as ours:
            office = PostOffice(host="127.0.0.1", port=ours)
            async with serve_mail_client(customers, office) as url, httpx.AsyncClient(base_url=url) as person:
                box = f"/sim/mailboxes/{ANA}/mails"
                file = {"name": "a.txt", "media_type": "text/plain", "content": base64.b64encode(b"x").decode()}
                written = await person.post(box, json={"to": OURS, "subject": "Mug", "text": "Broken", "files": [file]})
                assert written.status_code == 201, written.text
                assert written.json()["acknowledged"]
                [arrived] = shop.ledger.accepted
                assert (arrived.subject, arrived.text, len(arrived.files)) == ("Mug", "Broken", 1)
                assert "<p>Broken</p>" in (arrived.html or "")

                def reply() -> None:
                    words = (
                        "Message-ID: <1@shop.example>\r\nFrom: help@shop.example\r\nReply-To: help+c1@shop.example\r\n"
                    )
                    with smtplib.SMTP("127.0.0.1", theirs) as client:
                        client.sendmail(OURS, [ANA], words + "Subject: Re: Mug\r\n\r\nSorry!")

                await asyncio.to_thread(reply)
                assert (await person.get("/sim/mailboxes")).json() == {"mailboxes": [ANA]}
                [shown] = (await person.get(box)).json()["mails"]
                assert (shown["text"], shown["reply_to"]) == ("Sorry!", "help+c1@shop.example")
                await person.post(box, json={"answering": shown["message_id"], "text": "Never mind"})
                assert shop.ledger.accepted[-1].recipients == ["help+c1@shop.example"]
                assert "> Sorry!" in shop.ledger.accepted[-1].text
                assert (await person.post(box, json={"answering": "no", "text": "?"})).status_code == 404
                assert (await person.post(box, json={"text": "?"})).status_code == 400
                assert (await person.post(box, json={"txt": "?"})).status_code == 400

    asyncio.run(body())
