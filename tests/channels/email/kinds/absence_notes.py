"""Absence notes as programs send them in many languages, and mails of people that use the same words."""

from __future__ import annotations

# Each with the headers its kind of program sends along, the subject in the reader's language.
GMAIL = {"precedence": "bulk", "x_autoreply": "yes", "auto_submitted": "auto-replied"}
EXCHANGE = {"auto_submitted": "auto-generated", "x_auto_response_suppress": "All"}
OUTLOOK_OLD = {"x_auto_response_suppress": "OOF, AutoReply"}
SIEVE = {"auto_submitted": "auto-replied (vacation)", "return_path": "<>"}
BULK = {"precedence": "bulk"}
JUNK = {"precedence": "junk"}
NULL = {"return_path": "<>"}

NOTES: list[tuple[str, dict[str, str]]] = [
    ("Automatic reply: Your order", EXCHANGE),
    ("Out of Office AutoReply: Your order", OUTLOOK_OLD),
    ("Out of office", BULK),
    ("I am away until Monday Re: Your order", GMAIL),
    ("Automatische Antwort: Ihre Bestellung", EXCHANGE),
    ("Abwesenheitsnotiz: Ihre Bestellung", OUTLOOK_OLD),
    ("Ich bin bis Montag nicht im Büro", BULK),
    ("Réponse automatique : Votre commande", EXCHANGE),
    ("Absence du bureau", JUNK),
    ("Respuesta automática: Su pedido", EXCHANGE),
    ("Fuera de la oficina: Su pedido", BULK),
    ("Resposta automática: Seu pedido", EXCHANGE),
    ("Ausência temporária", JUNK),
    ("Risposta automatica: Il tuo ordine", EXCHANGE),
    ("Sono in ferie fino al 15", BULK),
    ("Automatisch antwoord: Uw bestelling", EXCHANGE),
    ("Afwezig: Uw bestelling", JUNK),
    ("Odpowiedź automatyczna: Zamówienie", EXCHANGE),
    ("Jestem na urlopie", BULK),
    ("Автоматический ответ: Ваш заказ", EXCHANGE),
    ("В отпуске до понедельника", BULK),
    ("Autosvar: Din beställning", EXCHANGE),
    ("Frånvaro", JUNK),
    ("Automatisk svar: Din ordre", EXCHANGE),
    ("Fravær: Din ordre", BULK),
    ("自動返信: ご注文について", EXCHANGE),
    ("【自動応答】ご連絡ありがとうございます", JUNK),
    ("自动回复：您的订单", EXCHANGE),
    ("自動回覆: 您的訂單", BULK),
    ("رد تلقائي: طلبك", EXCHANGE),
    ("إجازة سنوية", BULK),
    ("Your order", SIEVE),
    ("Your order", GMAIL),
    ("Anything at all", {"x_autorespond": "1"}),
    ("Anything at all", {"x_post_messageclass": "9; Autoresponder"}),
    ("Anything at all", {"delivered_to": "Autoresponder"}),
    ("Anything at all", NULL),
]
# An answer with a program's subject in front of ours: its program forgot every header.
BARE_NOTES = [
    "Automatic reply: Your order",
    "AUTO: Ann is out of the office (back on Monday)",
    "Abwesenheitsnotiz: Ihre Bestellung",
    "Réponse automatique: Votre commande",
    "自动回复: 您的订单",
    "[Autoreply] Your order",
]
ORDINARY: list[tuple[str | None, dict[str, str]]] = [
    ("Hello", {}),
    (None, {}),
    ("Re: Automatic reply: Your order", {}),
    ("AW: Abwesenheitsnotiz: Ihre Bestellung", {}),
    ("Antw: Afwezig: Uw bestelling", {}),
    ("回复：自动回复：您的订单", {}),
    ("Out of office chairs, what do they cost?", {}),
    ("On vacation, please hold my parcel", {}),
    ("Urlaub: Bestellung bitte später liefern", {}),
    ("Wir sind ab Montag im Urlaub", {}),
    ("Je suis absent mardi pour la livraison", {}),
    ("En congé la semaine prochaine, livrez plus tard", {}),
    ("De vacaciones en agosto: cambio de dirección", {}),
    ("Estou de férias, posso alterar a entrega?", {}),
    ("Assenza del corriere", {}),
    ("Ben afwezig bij levering", {}),
    ("Nieobecność kuriera", {}),
    ("Я в отпуске, перенесите доставку", {}),
    ("Semester och leverans", {}),
    ("På ferie i uge 30", {}),
    ("休暇中の配達について", {}),
    ("休假期间送货", {}),
    ("أنا في إجازة", {}),
    ("Automatic doors: a question", {}),
    ("Does your shop send automatic replies?", {}),
    ("Autoreply is broken on your website", {}),
    ("Undelivered parcel", {}),
    ("Your message was not delivered?", {}),
    ("Spam in my inbox", {}),
    ("Order 4711", {"auto_submitted": "no"}),
    ("Order 4711", {"auto_submitted": "no; owner-email=ann@client.example"}),
    ("Order 4711", {"precedence": "first-class"}),
    ("Order 4711", {"x_autoreply": "no"}),
    ("Order 4711", {"x_loop": "forwarder@client.example"}),
    ("Order 4711", {"return_path": "<ann@client.example>"}),
    ("Order 4711", {"x_priority": "1", "importance": "high"}),
    ("Order 4711", {"delivered_to": "help@shop.example"}),
]
