"""Stories in German."""

from __future__ import annotations

TALES = """
# Paket fehlt
> Guten Tag, wo bleibt meine Bestellung {order}? Sie sollte gestern kommen.
< Guten Tag {first}, das Paket liegt seit heute früh im Zustellzentrum {town}. Es kommt heute noch.
> Danke für die schnelle Antwort. Ich bin bis 18 Uhr zu Hause.
= Zustellung bitte vor 18 Uhr
< Das habe ich dem Fahrer weitergegeben. Viele Grüße, {agent}
> Ist da. Alles heil. Dankeschön!
x

# Lampe flackert
> Hallo, die Lampe aus Bestellung {order} flackert
>> Hier ein Bild vom Typenschild [photo]
< Danke für das Bild! Das ist eine Charge mit fehlerhaftem Trafo, wir tauschen sie aus.
> Muss ich die alte zurückschicken?
< Nein, bitte einfach zum Elektroschrott geben. Die neue ist am Freitag bei Ihnen.
> Super, vielen Dank

# Rechnung
> Könnten Sie mir die Rechnung zu {order} noch einmal schicken?
< Gern, sie ist eben per Mail an Sie gegangen.
> Angekommen, danke
x

# Größe tauschen
> hallöchen
>> die Schuhe sind zu klein
>> geht ein Umtausch auf 43?
< Klar {first}, das Rücksendeetikett kommt per Mail, die 43 geht heute raus.
> Ihr seid klasse 👍

# Termin
> Kann ich den Liefertermin auf Samstag verschieben?
< Samstag zwischen 9 und 13 Uhr ist frei. Soll ich ihn buchen?
> Ja bitte
< Gebucht. Bis Samstag!
x

# keine Werbung
> Bitte keine Nachrichten mehr
< Verstanden, {first}. Antworten Sie mit STOP, dann schreiben wir Ihnen nicht mehr.
> STOP
"""
