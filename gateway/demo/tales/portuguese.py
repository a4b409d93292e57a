"""Stories in Portuguese."""

from __future__ import annotations

TALES = """
# pedido atrasado
> Oi, meu pedido {order} está atrasado
>> Era pra ter chegado na terça
< Oi {first}, desculpe a demora. Ele já está em {town} e sai para entrega hoje.
> Que bom, porque é presente
= É presente: entregar até as 18h
< Chega até as 18h. Qualquer coisa, é só responder aqui. {agent}
> Chegou agora, obrigado!
x

# caneca quebrada
> Boa tarde, a caneca veio quebrada, olha só [photo]
< Poxa, sentimos muito! Mandamos outra hoje, sem custo nenhum.
> Nossa, que rápido. Muito obrigada 🙏

# segunda via
> Preciso da nota fiscal do pedido {order}
< Claro, para qual e-mail posso mandar?
> pode ser o mesmo do cadastro
< Enviada! Confira também a caixa de spam.
> Recebi, valeu
x

# trocar tamanho
> oii
>> pedi o tamanho errado
>> queria M em vez de G, dá tempo?
< Dá sim! Já troquei para M, {first}.
> vocês são demais

# horário
> Vocês abrem no sábado à tarde?
< Abrimos das 9h às 16h, na loja de {town}.
> Ótimo, passo aí

# chega
> Não quero mais receber mensagens
< Tudo bem, {first}. Responda STOP e não escrevemos mais.
> STOP
"""
