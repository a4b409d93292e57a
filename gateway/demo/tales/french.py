"""Stories in French."""

from __future__ import annotations

TALES = """
# colis perdu
> Bonjour, ma commande {order} devait arriver lundi et je n'ai rien reçu
< Bonjour {first}, je suis désolée. Le colis est à l'agence de {town}, je les appelle.
> Merci. J'en ai besoin avant vendredi, c'est pour un anniversaire
= Anniversaire vendredi : livraison prioritaire
< C'est réglé : livraison demain matin avant midi. {agent}
> Parfait, merci beaucoup !
x

# tasse cassée
> Bonjour, une tasse est arrivée cassée
>> Voilà la photo [photo]
< Oh là là ! Nous vous en renvoyons une dès aujourd'hui, gardez l'autre.
> Super service, bravo

# changer l'adresse
> Est-ce que je peux encore changer l'adresse de livraison ?
< Oui, tant que la commande {order} n'est pas partie. Quelle est la nouvelle adresse ?
> 8 rue des Lilas, {town}
< C'est fait, {first}. Vous recevrez une confirmation.
> Merci !
x

# mauvaise taille
> coucou
>> j'ai pris la mauvaise taille 😅
>> c'est possible d'échanger contre un 38 ?
< Bien sûr ! L'étiquette de retour est dans votre boîte mail.
> trop bien, merci {agent}

# horaires
> Vous êtes ouverts dimanche ?
< Oui, de 10 h à 13 h à {town}.
> Merci, à dimanche

# plus de messages
> Je ne veux plus recevoir de SMS
< Bien compris. Répondez STOP et nous ne vous écrirons plus.
> STOP
"""
